// listener.ts: accepts clients and counts them; each becomes a session. Where they connect is in port.ts.
import type { Socket } from 'node:net'
import type { Address } from '../../address.ts'
import type { ListenSocket } from '../../config.ts'
import type { InFlightSession, LibrarySnapshot, SessionSnapshot, SessionStates } from '../../ops/snapshot.ts'
import type { WaitSample } from '../../ops/wait-sample.ts'
import { afterRunning } from '../../running-time.ts'
import { OpenFiles } from '../../transport/open-files.ts'
import type { TlsFiles } from '../../transport/tls-files.ts'
import { ThrottledLog } from '../flow/throttled-log.ts'
import { Session } from '../session/session.ts'
import { HandoffNotices } from '../state/handoff-notices.ts'
import { MissedMessages } from '../state/missed-messages.ts'
import { Redirects } from '../state/redirects.ts'
import type { ListenerHost, SessionHost } from '../state/session-context.ts'
import { inFlightSessions } from './in-flight-sessions.ts'
import { censusOf } from './library-census.ts'
import { Port } from './port.ts'
import { PortSessions } from './port-sessions.ts'
import { listSessions } from './session-list.ts'
import { SessionSweep } from './session-sweep.ts'
import { ShortTimeouts } from './short-timeouts.ts'
import { statesOf } from './state-census.ts'
import { turnAway } from './turn-away.ts'

/** How long, behind the grace period, replies that are on their way may still take. */
const LAST_REPLIES_MS = 500
/** How long errors in place of the others may take to leave. */
const LAST_ERRORS_MS = 100

/** What is done at the end of sessions that do not leave by themselves. */
export interface LastSteps {
  /** The grace period is over: what waits for a master waits no longer. */
  giveUp(): void
  /**
   * Reads that a replica has not answered get an error, and what waits behind them in their sessions goes on to the
   * master. Answers whether there were any.
   */
  failReads?(): boolean
  /** What has no reply yet gets an error. */
  failAll(): void
}

/** Accepts on an address, a socket, or both, until stopped. */
export class Listener {
  /** Makes a session of a connection. */
  readonly accept: (socket: Socket) => void
  readonly #port: Port
  readonly #host: ListenerHost
  readonly #resubscribed: MissedMessages
  readonly #handoff: HandoffNotices
  readonly #sessions = new Map<number, Session>()
  readonly #sweep: SessionSweep
  readonly #shortTimeouts: ShortTimeouts

  constructor(
    host: ListenerHost,
    options: {
      maxSessions: number
      frameTimeoutMs: number
      keepAliveMs: number
      tls?: TlsFiles | null
      /** Of the whole process; left out: there is no limit. */
      files?: OpenFiles
      /** Clients may ask to be told of holds; `announced`: where MOVING sends them, `host:port`. */
      handoff?: { readonly on: boolean; readonly announced: string | null }
      /** Shared with other listeners, and who accepts what is decided there; left out: it has its own. */
      port?: Port
      /** All sessions of that port, which count for `maxSessions`; left out: its own. */
      atPort?: PortSessions
    },
  ) {
    const { counters, log } = host
    this.#host = host
    const { atPort = new PortSessions() } = options
    const limitLog = new ThrottledLog(log)
    this.#resubscribed = new MissedMessages(log)
    this.#handoff = new HandoffNotices(
      {
        ...(options.handoff ?? { on: true, announced: null }),
        holdLimitMs: host.lanes.holdLimitMs,
        later: work => host.turn.defer(work, { onBug: error => host.bugs.ofStep(error, 'handoff notices') }),
      },
      counters,
    )
    this.#sweep = new SessionSweep(
      this.#sessions,
      { frameTimeoutMs: options.frameTimeoutMs, maxHeldBytes: host.maxHeldBytes },
      { counters, links: host.lanes.live, isSending: () => host.lanes.sendable, bugs: host.bugs },
    )
    const isTold = (id: number): boolean => this.#handoff.isTold(id)
    this.#shortTimeouts = new ShortTimeouts(this.#sessions, host.lanes, { log, bugs: host.bugs, isTold })
    const sessionHost: SessionHost = {
      ...host,
      redirects: new Redirects(),
      ids: atPort.ids,
      sessions: atPort.all,
      limitLog,
      resubscribed: this.#resubscribed,
      handoff: this.#handoff,
      highWater: host.maxHeldBytes / 2,
      relieve: () => this.#sweep.relieve(),
      onClosed: session => {
        counters.sessions--
        this.#sessions.delete(session.id)
        atPort.all.delete(session.id)
        this.#handoff.delete(session.id)
        log.debug({ event: 'session.closed', session: session.id }, 'the session is over')
      },
    }
    this.accept = socket => {
      if (options.maxSessions > 0 && atPort.all.size >= options.maxSessions) {
        turnAway(socket, { limit: options.maxSessions, by: '--max-sessions' }, { counters, limitLog })
        return
      }
      const id = atPort.next()
      counters.sessions++
      counters.sessionsTotal++
      try {
        const session = new Session(id, socket, sessionHost)
        this.#sessions.set(id, session)
        atPort.all.set(id, session)
        this.#sweep.start()
      } catch (error) {
        counters.sessions--
        host.bugs.ofSession(error, id)
        socket.on('error', () => {}).destroy()
        return
      }
      log.debug({ event: 'session.open', session: id, client: socket.remoteAddress, port: socket.remotePort }, 'client')
    }
    const { keepAliveMs, tls = null, files = new OpenFiles() } = options
    this.#port = options.port ?? new Port({ keepAliveMs, tls, side: 'listen', counters, log, files }, this.accept)
  }

  /** The TLS files have changed. */
  reloadTls(): void {
    this.#port.reloadTls()
  }

  /** Looks at clients with short time-outs now and then, from here on. */
  start(): void {
    this.#shortTimeouts.start()
  }

  /** Resolves with the address bound; rejects with the system's error (EADDRINUSE, EACCES, ...). */
  async listen(address: Address): Promise<Address> {
    this.start()
    return this.#port.listen(address)
  }

  /** The same for a Unix-domain socket; resolves with its path. @throws SocketFileError. */
  async listenSocket(place: ListenSocket): Promise<string> {
    this.start()
    return this.#port.listenSocket(place)
  }

  /** See Port. */
  acceptQueued(): Promise<void> {
    return this.#port.acceptQueued()
  }

  /** The master is another one now, and nothing has been sent to it yet. */
  masterMoved(): void {
    for (const session of this.#sessions.values()) session.waits.masterMoved(session.place - session.pending)
  }

  /** The gate is shut: commands wait from now on. */
  gateShut(): void {
    this.#shortTimeouts.start()
    this.#handoff.holdBegins()
  }

  /** The gate is open, and nothing waits any more. */
  gateOpened(): void {
    this.#handoff.holdEnds()
  }

  /** The open sessions by the library that they name. */
  libraries(): LibrarySnapshot[] {
    return censusOf(this.#sessions.values(), id => this.#handoff.tells(id))
  }

  /** The open sessions by what they are at. */
  sessionStates(): SessionStates {
    return statesOf(this.#sessions.values())
  }

  /** At most `limit` open sessions. `waits`: those of the last pause. */
  listSessions(limit: number, waits: WaitSample | null): SessionSnapshot[] {
    return listSessions(this.#sessions.values(), { limit, waits })
  }

  /** At most `limit` sessions that have a command in flight, see in-flight-sessions.ts. */
  inFlightSessions(limit: number): InFlightSession[] {
    return inFlightSessions(this.#sessions.values(), performance.now(), limit)
  }

  get size(): number {
    return this.#sessions.size
  }

  /**
   * Accepts no more; resolves when the last session is gone. Those that are left after `graceMs` are not read from any
   * more: idle ones end, others when they have their replies, or after LAST_REPLIES_MS errors in their place. Behind
   * those of --read-split other commands may wait, which have as long again.
   */
  async stop(graceMs: number, steps: LastSteps): Promise<void> {
    const closed = this.#port.close()
    this.#host.bugs.guard('handoff notices', () => this.#handoff.moving(graceMs))
    const eachSession = (act: (session: Session) => void): void => {
      for (const session of [...this.#sessions.values()]) this.#host.bugs.guard('end of a session', () => act(session))
    }
    let endLast = (): void => {}
    const destroyAll = (): void => eachSession(session => session.destroy())
    const failAll = (): void => {
      // Nothing new is sent when what is in flight has its error.
      eachSession(session => session.dropInput())
      steps.failAll()
      endLast = afterRunning(LAST_ERRORS_MS, destroyAll)
    }
    const grace = setTimeout(() => {
      steps.giveUp()
      eachSession(session => session.leave())
      // Begun here: where this process stood still over the end of the grace, replies have not been read yet.
      endLast = afterRunning(LAST_REPLIES_MS, () => {
        if (steps.failReads?.() === true) endLast = afterRunning(LAST_REPLIES_MS, failAll)
        else failAll()
      })
    }, graceMs)
    await closed
    // All sockets are closed. The last session would hear of its own a moment later.
    destroyAll()
    this.#sweep.stop()
    this.#resubscribed.flush()
    this.#shortTimeouts.stop()
    clearTimeout(grace)
    endLast()
  }
}
