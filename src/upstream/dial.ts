// dial.ts: a socket to a server, by plain TCP or TLS, at the address where it is reached from here.
//
// Owns: the socket's options, the bound of the TLS handshake, what the log says when TLS fails. Never: decides when to
// dial or what follows from a failure (the lane does), touches the bytes of a link.
import { connect, type LookupFunction, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type Address, formatAddress } from '../address.ts'
import type { Log } from '../ops/log.ts'
import { createLogThrottle } from '../ops/log-throttle.ts'
import type { OpenFiles } from '../transport/open-files.ts'
import type { ServerRoute, ServerRoutes } from '../transport/server-route.ts'
import { tlsHint, tlsRemedy } from '../transport/tls-trouble.ts'

export interface Dialled {
  readonly socket: Socket
  /** The event after which bytes may be sent; `taken`: of a socket that was connected before (dial-ahead.ts). */
  readonly readyEvent: 'connect' | 'secureConnect' | 'taken'
}

/** Where bytes go that are read, and who looks at them there, instead of 'data' events; net.connect's `onread`. */
export interface Reading {
  readonly buffer: () => Uint8Array
  readonly callback: (count: number, bytes: Uint8Array) => boolean
}

/** By TLS the bytes come as 'data' events whatever `reading` says. */
export type Dial = (master: Address, reading?: Reading) => Dialled

const keepAliveMs = 5000

/** Plain TCP to the address as it is. `lookup` left out: the system's. */
export function dialPlain({ host, port }: Address, reading?: Reading, lookup?: LookupFunction): Dialled {
  const tcp = { noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs }
  const options = { host, port, ...tcp, ...(lookup && { lookup }) }
  const socket = connect(reading === undefined ? options : { ...options, onread: reading })
  return { socket, readyEvent: 'connect' }
}

type Trouble = (master: Address, cause: string, remedy: string) => void

export interface DialOptions {
  /** For the TCP connection and the TLS handshake together. */
  readonly timeoutMs: number
  readonly log: Log
  /** Counts each socket, and hears why it did not come up. */
  readonly files: OpenFiles
}

export function createDial(routes: ServerRoutes, options: DialOptions): Dial {
  const { files } = options
  const dial = dialAlong(routes, options)
  return (master, reading) => {
    const dialled = dial(master, reading)
    files.count(dialled.socket)
    dialled.socket.once('error', error => files.onError(error))
    return dialled
  }
}

function dialAlong(routes: ServerRoutes, { timeoutMs, log }: DialOptions): Dial {
  const throttle = createLogThrottle()
  const trouble: Trouble = (master, cause, remedy) => {
    const node = formatAddress(master)
    const notLogged = throttle(`${node} ${cause}`)
    if (notLogged === undefined) return
    log.error({ event: 'link.tls', master: node, cause, remedy, notLogged }, 'no link by TLS')
  }
  return (master, reading) => {
    const route = routes.route(master)
    if (route.tls !== null) return dialTls(master, route, { timeoutMs, trouble })
    const notice = noticeTls(cause => trouble(master, cause, tlsHint(cause, routes) ?? ''))
    const dialled = dialPlain(route.address, reading && lookedAt(reading, notice), route.lookup)
    route.follow?.(dialled.socket)
    if (reading === undefined) dialled.socket.once('data', notice)
    return dialled
  }
}

/** `look` sees the first bytes that come, before their reader does. */
function lookedAt(reading: Reading, look: (bytes: Uint8Array) => void): Reading {
  let isFirst = true
  return {
    buffer: reading.buffer,
    callback: (count, bytes) => {
      if (isFirst) look(bytes)
      isFirst = false
      return reading.callback(count, bytes)
    },
  }
}

function dialTls(
  master: Address,
  route: ServerRoute,
  { timeoutMs, trouble }: { timeoutMs: number; trouble: Trouble },
): Dialled {
  const { host, port } = route.address
  const socket = connectTls({ ...route.tls, host, port, ...(route.lookup && { lookup: route.lookup }) })
  route.follow?.(socket)
  const timer = setTimeout(() => socket.destroy(new Error(`no TLS handshake within ${timeoutMs} ms`)), timeoutMs)
  // TLS sockets do not take these as options of connect, and before the connection is there they have no effect.
  socket.once('connect', () => socket.setNoDelay(true).setKeepAlive(true, keepAliveMs))
  socket.once('secureConnect', () => clearTimeout(timer))
  socket.on('session', route.keep)
  socket.once('close', () => clearTimeout(timer))
  socket.once('error', error => {
    // By TLS 1.3 a server that wants another certificate says so only after our side of the handshake is done.
    const remedy = tlsRemedy(error.message, 'redis')
    if (remedy === null) return
    route.keep(null)
    trouble(master, error.message, remedy)
  })
  return { socket, readyEvent: 'secureConnect' }
}

/** A server that answers with a TLS record speaks TLS at this port: no reply of Redis begins with such a byte. */
function noticeTls(report: (cause: string) => void): (bytes: Uint8Array) => void {
  return bytes => {
    if (bytes[0] === 0x15 && bytes[1] === 0x03) report('it closed the connection with a TLS alert')
  }
}
