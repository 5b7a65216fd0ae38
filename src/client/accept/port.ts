// port.ts: where clients connect: TCP with or without TLS, and a Unix-domain socket. Each socket goes to `accept`, unless
// the process could not open enough files for it and its links.
//
// Owns: the servers. Never: counts clients for --max-sessions, knows sessions (listener.ts).
import { once } from 'node:events'
import { createServer, type Server, type ServerOpts, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Address } from '../../address.ts'
import type { ListenSocket } from '../../config.ts'
import type { Counters } from '../../ops/counters.ts'
import type { Log } from '../../ops/log.ts'
import { afterRunning } from '../../running-time.ts'
import { ACCEPT_QUEUE } from '../../transport/accept-queue.ts'
import type { OpenFiles } from '../../transport/open-files.ts'
import type { TlsFiles } from '../../transport/tls-files.ts'
import { listenAt } from '../../transport/unix-socket.ts'
import { ThrottledLog } from '../flow/throttled-log.ts'
import { createTlsListener, type TlsListener, type TlsListenerOptions } from './tls-listener.ts'
import { type Crowded, noteRefused, turnAway } from './turn-away.ts'

/**
 * Clients that go on connecting, faster than one is accepted, and those that are slow in their handshake, keep nobody from
 * closing the port for longer.
 */
const QUEUED_MS = 2_000
/** While it waits for handshakes it looks so often. */
const LOOK_MS = 10

export interface PortOptions {
  readonly keepAliveMs: number
  readonly tls: TlsFiles | null
  /** The option of the port, for the log. */
  readonly side: TlsListenerOptions['side']
  readonly counters: Counters
  readonly log: Log
  /** Of the whole process. */
  readonly files: OpenFiles
  /** Nothing is read from a connection before `accept` resumes it: what a stream has read, nobody else sees. */
  readonly pauses?: boolean
}

export class Port {
  readonly #accept: (socket: Socket) => void
  readonly #servers: Server[] = []
  /** How the TCP port speaks TLS; null: it does not, as the Unix-domain socket never does. */
  readonly #tls: TlsListener | null
  readonly #log: Log
  readonly #files: OpenFiles
  readonly #refusals: { readonly counters: Counters; readonly limitLog: ThrottledLog }
  readonly #crowded: Crowded
  readonly #socketOptions: ServerOpts
  /** By TLS a socket keeps what it has read. */
  readonly #plainOptions: ServerOpts
  /** How many have come, those who were turned away too. */
  #arrived = 0
  #closed: Promise<unknown> | null = null

  constructor(
    { keepAliveMs, tls, side, counters, log, files, pauses = false }: PortOptions,
    accept: (socket: Socket) => void,
  ) {
    this.#log = log
    this.#files = files
    this.#crowded = { limit: files.shares.clients, by: 'open files', port: side }
    this.#refusals = { counters, limitLog: new ThrottledLog(log) }
    this.#accept = socket => {
      if (files.admits(socket)) accept(socket)
      else {
        turnAway(socket, this.#crowded, this.#refusals)
        files.letGo(socket)
      }
    }
    this.#socketOptions = {
      noDelay: true,
      // After the delay the kernel asks ten times, a second apart (uv_tcp_keepalive in libuv's tcp.c).
      keepAlive: keepAliveMs > 0,
      keepAliveInitialDelay: keepAliveMs,
      allowHalfOpen: true,
    }
    this.#plainOptions = { ...this.#socketOptions, pauseOnConnect: pauses }
    this.#tls = tls && createTlsListener({ files: tls, side, socket: this.#socketOptions, counters, log }, this.#accept)
  }

  /** The TLS files have changed. */
  reloadTls(): void {
    this.#tls?.reload()
  }

  #use(server: Server): Server {
    const count = (): void => void this.#arrived++
    server.on('connection', count).on('drop', count)
    this.#servers.push(server)
    return server
  }

  /** A client that cannot be accepted (no file descriptor is left) ends that client, not the program. */
  #keepOn(server: Server): void {
    server.on('error', error => this.#log.error({ event: 'listener.error', err: error }, 'a client was not accepted'))
  }

  /**
   * A client is counted when its TLS handshake is done, and has a file before. Without it no error can be said. The server's
   * own bound costs least; it does not know the other ports.
   */
  #boundHandshakes({ server, handshakes }: TlsListener): void {
    const { clients, leaving } = this.#files.shares
    if (!Number.isFinite(clients)) return
    this.#files.countHandshakes(handshakes)
    const refuse = (address: string | undefined, port: number | undefined): void =>
      noteRefused(`${address}:${port}`, this.#crowded, this.#refusals)
    server.maxConnections = clients + leaving
    server.on('drop', data => refuse(data?.remoteAddress, data?.remotePort))
    server.on('connection', socket => {
      if (!this.#files.isCrowded) return
      refuse(socket.remoteAddress, socket.remotePort)
      socket.destroy()
    })
  }

  /** Resolves with the address bound; rejects with the system's error (EADDRINUSE, EACCES, ...). */
  async listen({ host, port }: Address): Promise<Address> {
    const server = this.#use(this.#tls?.server ?? createServer(this.#plainOptions, this.#accept))
    if (this.#tls !== null) this.#boundHandshakes(this.#tls)
    await once(server.listen({ host, port, backlog: ACCEPT_QUEUE }), 'listening')
    this.#keepOn(server)
    const bound = server.address()
    return { host, port: bound !== null && typeof bound === 'object' ? bound.port : port }
  }

  /** The same for a Unix-domain socket; resolves with its path. @throws SocketFileError. */
  async listenSocket(
    place: ListenSocket,
    option: 'listen-socket' | 'replica-listen-socket' = 'listen-socket',
  ): Promise<string> {
    const server = this.#use(createServer(this.#plainOptions, this.#accept))
    await listenAt(server, { ...place, option })
    this.#keepOn(server)
    return place.path
  }

  /**
   * Accepts who is connected and waits in the kernel: close() would reset them. Node accepts one client for each turn of
   * the loop, so a turn that brings nobody has found the queue empty. A client in its TLS handshake is connected, too.
   */
  async acceptQueued(): Promise<void> {
    let isLate = false
    const endTimer = afterRunning(QUEUED_MS, () => {
      isLate = true
    })
    for (let before = -1; before !== this.#arrived && !isLate; ) {
      before = this.#arrived
      await pollOnce()
    }
    while (this.#tls !== null && this.#tls.handshakes() > 0 && !isLate) await delay(LOOK_MS)
    endTimer()
  }

  /** Accepts no more; resolves when the last connection is gone. A second call answers the same. */
  close(): Promise<unknown> {
    this.#closed ??= Promise.all(
      this.#servers.map(server => new Promise<void>(resolve => server.close(() => resolve()))),
    )
    this.#tls?.endHandshakes()
    return this.#closed
  }
}

/** From anywhere in a turn of the loop to behind the next poll of the sockets. */
function pollOnce(): Promise<void> {
  return new Promise(resolve => setImmediate(() => setImmediate(resolve)))
}
