// silent-links.ts: a link owes a reply and says nothing. Is its node slow, is the link dead, or is one session's
// command slow while others wait behind it?
//
//   silent ──▶ a spare link is asked ──▶ it answers ──▶ a fresh link is dialled ──▶ up, and still silent: retire
//                                                                              └──▶ it has spoken: let the fresh one go
//   silent for long ──▶ a spare link asks the node what it knows of ours ──▶ twice nothing to do for it: cut
//
// With a lane retired (shared-lanes.ts), a command that the server makes wait (CLIENT PAUSE, a module's query, FLUSHALL
// in the background, a script) delays its own session alone, and is never sent twice for being slow.
//
// Owns: how long each link has been silent, and what follows. Never: the silence of a node that answers nobody (the
// control plane's), nor that of blocking commands, which may stay unanswered for long.
//
// Must stay true: only silence counts that was measured while this process ran and read the link. A pause of its reading
// keeps what was measured: on a machine that stands still every few seconds a dead link is found all the same. A link is
// cut for silence only when the node itself says twice that it has nothing of it, and was read all the time between.
import { missingOf } from '../ops/missing-rights.ts'
import { encodeCommand } from '../resp/encode.ts'
import type { Identity } from '../upstream/identity.ts'
import type { Link } from '../upstream/link.ts'
import type { IdlePool } from './idle-pool.ts'
import type { Lane } from './lane.ts'
import type { LinkLog } from './link-log.ts'
import type { Request } from './request.ts'
import type { SharedLanes } from './shared-lanes.ts'
import type { SpareLinks } from './spare-links.ts'

export const silence = {
  /** Silent for this long while it owes a reply: a spare link of the identity is asked whether the node lives. */
  askMs: 100,
  /** Silent for this long although the node answers others: the node is asked what it knows of the link. */
  doubtMs: 5000,
  /** Between two such questions, and between two fresh links that did not come up. */
  againMs: 1000,
  /** A gap between two sweeps counts as this much at most: what lies beyond, this process did not run. */
  maxGapMs: 50,
  /** Lanes of one identity that wait for their silent links. With as many, no further one is retired. */
  maxRetired: 8,
} as const

export interface SilenceFacts {
  readonly quietMs: number
  /** The node has answered on another link since this one was found silent. */
  readonly othersAnswered: boolean
  /** `busy`: none comes up, the node answers BUSY. A lane without a link tells its sessions so; this one does not. */
  readonly fresh: 'none' | 'dialling' | 'ready' | 'busy'
  readonly canRetire: boolean
}

/** What the silence of a shared link asks for. Pure. */
export function nextStep({
  quietMs,
  othersAnswered,
  fresh,
  canRetire,
}: SilenceFacts): 'wait' | 'ask' | 'dial' | 'retire' {
  if (quietMs < silence.askMs || !canRetire) return 'wait'
  if (!othersAnswered) return 'ask'
  if (fresh === 'none') return 'dial'
  return fresh === 'dialling' ? 'wait' : 'retire'
}

/**
 * What the node's CLIENT LIST says of one of our links. `idle`: it has nothing to do for it and has heard nothing for
 * seconds, so our command never arrived, or its reply was lost. `gone`: it has no such connection.
 */
export function judgeListed(reply: string): 'idle' | 'gone' | 'busy' | 'untold' {
  if (reply.startsWith('-')) return 'untold'
  const field = (name: string): string | undefined => new RegExp(`[ \n:]${name}=(\\S*)`).exec(reply)?.[1]
  const flags = field('flags')
  if (flags === undefined) return 'gone'
  const waits = flags.includes('b') || Number(field('qbuf') ?? 0) > 0
  return waits || Number(field('idle') ?? 0) < 3 ? 'busy' : 'idle'
}

const PING = encodeCommand(['PING'])

export interface SilenceHost {
  /**
   * A lane for the sessions of `identity`, not in use yet. Its link is being dialled, or (`warm`) an idle one if there
   * is one. `warm` serves where a dial has failed: a node that answers BUSY lets no new link into its database.
   */
  dialFresh(identity: Identity, how: 'cold' | 'warm'): Lane
  /** `lane`'s link has been silent for `quietMs`: its sessions go on with `fresh`. */
  retire(lane: Lane, fresh: Lane, quietMs: number): void
  /** The link has spoken again, or is no more. */
  dropFresh(fresh: Lane): void
  readonly linkLog: LinkLog
  readonly shared: SharedLanes
  readonly idle: IdlePool
  readonly spares: SpareLinks
}

class Quiet {
  readonly link: Link<Request>
  /** Its last activity, and since when it has been read. */
  readonly at: number
  readonly readSince: number
  /** What the watch had counted when the silence began. */
  readonly ran: number
  /** What of the silence was measured when its reading paused; null: it goes on. */
  measuredMs: number | null = null
  foundAt = 0
  asked = false
  fresh: Lane | null = null
  /** A fresh link has been dialled, and did not come up. */
  failed = false
  notBefore = 0
  /** How often in a row the node had nothing of the link. */
  strikes = 0

  constructor(link: Link<Request>, ran: number) {
    this.link = link
    this.at = link.lastActivity
    this.readSince = link.silentSince
    this.ran = ran
  }
}

const NONE: readonly Lane[] = []

export class SilenceWatch {
  readonly #host: SilenceHost
  readonly #quiet = new Map<Lane, Quiet>()
  /** For how long this process has run, by its sweeps. */
  #ran = 0

  constructor(host: SilenceHost) {
    this.#host = host
  }

  /** Once in each sweep, before lanes are looked at. */
  tick(gapMs: number): void {
    this.#ran += Math.min(gapMs, silence.maxGapMs)
  }

  /** Milliseconds of silence of this lane's link while it owed a reply; 0 when it does not. */
  quietMs(lane: Lane, now: number): number {
    const quiet = this.#look(lane, now)
    return quiet === undefined ? 0 : this.#ran - quiet.ran
  }

  /** Does what the silence asks for; only while the gate is open. */
  act(lane: Lane, quietMs: number, now: number): void {
    const quiet = this.#quiet.get(lane)
    if (quiet === undefined || quietMs < silence.askMs) return
    if (lane.owner === null && !lane.retired) this.#actShared(lane, quiet, quietMs, now)
    if (quietMs >= silence.doubtMs) this.#doubt(lane, quiet, now)
  }

  /** The lane is no more. */
  forget(lane: Lane): void {
    const quiet = this.#quiet.get(lane)
    if (quiet === undefined) return
    this.#quiet.delete(lane)
    if (quiet.fresh !== null) this.#host.dropFresh(quiet.fresh)
  }

  /** Lanes that are dialled for sessions that may need them. */
  fresh(): readonly Lane[] {
    if (this.#quiet.size === 0) return NONE
    return [...this.#quiet.values()].flatMap(({ fresh }) => fresh ?? [])
  }

  #look(lane: Lane, now: number): Quiet | undefined {
    const { link } = lane
    const last = this.#quiet.get(lane)
    const owing = link !== null && owes(link) ? link : null
    const quiet = last !== undefined && last.link === owing && last.at === owing.lastActivity ? last : undefined
    const isRead = owing?.pauses.any === false
    if (quiet !== undefined && !isRead) {
      quiet.measuredMs ??= this.#ran - quiet.ran
      return undefined
    }
    if (quiet !== undefined && quiet.readSince === owing?.silentSince) return quiet
    // What was asked or dialled before a pause says nothing about the time behind it.
    if (last !== undefined) this.forget(lane)
    if (owing === null || !isRead) return undefined
    if (quiet === undefined && now - owing.silentSince < silence.maxGapMs) return undefined
    const measuredMs = quiet === undefined ? silence.maxGapMs : (quiet.measuredMs ?? this.#ran - quiet.ran)
    const begun = new Quiet(owing, this.#ran - measuredMs)
    this.#quiet.set(lane, begun)
    return begun
  }

  #isStill({ link, at, readSince }: Quiet): boolean {
    return owes(link) && !link.pauses.any && link.lastActivity === at && link.silentSince === readSince
  }

  #actShared(lane: Lane, quiet: Quiet, quietMs: number, now: number): void {
    const { identity } = lane
    quiet.foundAt ||= now
    const toldBusy = quiet.failed && quiet.fresh?.refusedAsBusy === true
    if (quiet.fresh !== null && quiet.fresh.link === null && !toldBusy) {
      this.#host.dropFresh(quiet.fresh)
      quiet.fresh = null
      if (quiet.failed) quiet.notBefore = now + silence.againMs
      quiet.failed = true
    }
    const { linkLog, shared, idle, spares } = this.#host
    const canRetire = shared.retiredOf(identity.key) < silence.maxRetired
    if (!canRetire && quietMs >= silence.againMs) linkLog.tooManyRetired(identity, quietMs)
    const step = nextStep({
      quietMs,
      othersAnswered: spares.heardAt(identity.key) > quiet.foundAt,
      fresh: toldBusy ? 'busy' : stateOf(quiet.fresh),
      canRetire,
    })
    if (step === 'ask') quiet.asked ||= idle.ask(identity.key, PING, () => {})
    else if (step === 'dial' && now >= quiet.notBefore)
      quiet.fresh = this.#host.dialFresh(identity, quiet.failed ? 'warm' : 'cold')
    else if (step === 'retire' && quiet.fresh !== null) {
      const { fresh } = quiet
      quiet.fresh = null
      this.#host.retire(lane, fresh, quietMs)
    }
  }

  /** Asks the node what it knows of this link; one that is only slow has it in its list as waiting. */
  #doubt(lane: Lane, quiet: Quiet, now: number): void {
    const { link } = quiet
    const { clientId } = link.handshake
    if (now < quiet.notBefore || clientId === 0) return
    const command = encodeCommand(['CLIENT', 'LIST', 'ID', String(clientId)])
    const { linkLog, idle } = this.#host
    const asked = idle.ask(lane.identity.key, command, frame => {
      const reply = frame.toString('latin1')
      linkLog.missing(missingOf('client|list', reply), link.master, lane.identity)
      const verdict = judgeListed(reply)
      quiet.strikes = verdict === 'idle' || verdict === 'gone' ? quiet.strikes + 1 : 0
      // Once is not enough: a server that wakes up may answer this before it reads what lies in its other sockets.
      if (quiet.strikes < 2 || lane.link !== link || !this.#isStill(quiet)) return
      link.cut(`no reply for ${Math.round(performance.now() - quiet.at)} ms, and the node knows of none`)
    })
    if (asked) quiet.notBefore = now + silence.againMs
  }
}

function stateOf(fresh: Lane | null): SilenceFacts['fresh'] {
  if (fresh === null) return 'none'
  return fresh.link?.status === 'ready' ? 'ready' : 'dialling'
}

/** Where its session does not read, the node may be unable to write. */
function owes(link: Link<Request>): boolean {
  return link.status === 'ready' && link.head !== undefined && !link.head.blocking && !link.pauses.ofSession
}
