// tls-listener.ts: the TLS side of a port that clients connect to: handshakes, and material that changes.
//
//   TCP ─▶ handshake ─▶ secure: a socket like any other, given to the listener
//              └──────▶ failed: counted, logged now and then, the socket is gone
//
// Owns: the server object, sockets that are still in their handshake. A change of the files reaches new clients;
// sessions that are there stay. Never: knows sessions.
import type { ServerOpts, Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { Counters } from '../../ops/counters.ts'
import type { Log } from '../../ops/log.ts'
import { createLogThrottle } from '../../ops/log-throttle.ts'
import { describeProblem, readTlsFiles, type TlsFiles, UnusableTls } from '../../transport/tls-files.ts'

export interface TlsListenerOptions {
  readonly files: TlsFiles
  /** The option of the port, for the log. */
  readonly side: 'listen' | 'sentinel-listen' | 'replica-listen'
  /** As the server of --listen without TLS has them. */
  readonly socket: ServerOpts
  readonly counters: Counters
  readonly log: Log
}

export type TlsListener = ReturnType<typeof createTlsListener>

/** A client that has not finished in this time is dropped. */
const handshakeLimitMs = 10_000

/** @throws UnusableTls */
export function createTlsListener(options: TlsListenerOptions, onSecure: (socket: TLSSocket) => void) {
  const { files, side, log } = options
  const read = readTlsFiles(files, Date.now())
  if ('problems' in read) throw new UnusableTls(read.problems)
  const mutual = files.caFile !== null
  const server = createServer(
    {
      ...options.socket,
      ...read.material,
      // A client that leaves in its handshake would stay half open for good.
      allowHalfOpen: false,
      requestCert: mutual,
      rejectUnauthorized: mutual,
      handshakeTimeout: handshakeLimitMs,
    },
    socket => {
      socket.allowHalfOpen = options.socket.allowHalfOpen ?? false
      onSecure(socket)
    },
  )
  const pending = trackHandshakes(server)
  reportFailures(server, options)
  return {
    server,
    /** How many are in their handshake. */
    handshakes: (): number => pending.size,
    /** Ends what is still in its handshake: nobody else knows of it. */
    endHandshakes(): void {
      for (const socket of [...pending.values()]) socket.destroy()
    },
    /** Reads the files again; what is wrong with them is logged, and the material in use stays. */
    reload(): void {
      const again = readTlsFiles(files, Date.now())
      if ('material' in again) {
        server.setSecureContext(again.material)
        log.info({ event: 'tls.reloaded', side }, 'new clients get the new certificate; sessions stay')
        return
      }
      const causes = again.problems.map(describeProblem)
      log.error(
        { event: 'tls.kept', side, causes },
        'the new files cannot be used, so the ones read before stay in use: correct the files',
      )
    },
  }
}

/** Sockets that are in their handshake. The server tells of the two ends of a socket apart: its address joins them. */
function trackHandshakes(server: Server): ReadonlyMap<string, Socket> {
  const pending = new Map<string, Socket>()
  const nameOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort}`
  server.on('connection', socket => {
    const name = nameOf(socket)
    pending.set(name, socket)
    socket.once('close', () => {
      if (pending.get(name) === socket) pending.delete(name)
    })
  })
  server.on('secureConnection', secure => pending.delete(nameOf(secure)))
  return pending
}

function reportFailures(server: Server, { counters, log }: TlsListenerOptions): void {
  const throttle = createLogThrottle()
  server.on('tlsClientError', (error, socket) => {
    // Node tells of a handshake that takes too long, and leaves the socket open.
    socket.destroy()
    const refused = socket.authorizationError
    // A health check that connects and leaves is no failed handshake.
    if (!refused && socket.bytesRead === 0 && /hang up|ECONNRESET|EPIPE/.test(error.message)) return
    counters.tlsHandshakesFailed++
    const cause = refused ? `its certificate was refused: ${refused}` : error.message
    const notLogged = throttle(cause)
    if (notLogged === undefined) return
    const remedy = remedyFor(cause)
    log.warn({ event: 'listen.tls_failed', cause, remedy, notLogged }, 'a client did not get through its TLS handshake')
  })
}

/** What a person can do about a client's failed handshake. Pure. */
function remedyFor(cause: string): string {
  if (/http request|wrong version number|packet length|unexpected message|bad record type/i.test(cause))
    return 'the client speaks no TLS: switch it on there, as this port takes nothing else'
  if (/refused/i.test(cause))
    return 'sign the certificate of the client by a CA of --listen-tls-ca, or correct that file'
  if (/did not return a certificate/i.test(cause))
    return 'the client shows no certificate: give it one, or leave --listen-tls-ca out'
  if (/alert unknown ca|alert bad certificate|alert certificate unknown|alert certificate expired/i.test(cause))
    return 'the client does not accept our certificate: correct --listen-tls-cert, or the CA that the client trusts'
  if (/unsupported protocol|protocol version|no shared cipher/i.test(cause))
    return 'the client speaks no TLS version or cipher that is allowed here: see --listen-tls-min-version'
  return 'see the log of the client'
}
