// first-question.ts: the first word with a port: is anybody there, and does it speak RESP, in the clear or in TLS?
//
// ioredis says "Connection is closed" for all of that, and a person needs the cause. So one connection by hand comes
// before all questions, and a second one where the first suggests that the other side speaks TLS and we do not, or the
// reverse. They send PING and no password.
import { lookup } from 'node:dns/promises'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Address } from '../address.ts'

export type Contact =
  | { readonly kind: 'answers'; readonly ms: number }
  | { readonly kind: 'unresolved'; readonly why: string }
  | { readonly kind: 'unreachable'; readonly why: string }
  /** It accepts the connection and says nothing: a stopped process, or a proxy in front of a dead one. */
  | { readonly kind: 'silent' }
  | { readonly kind: 'speaks-tls' }
  | { readonly kind: 'speaks-no-tls' }
  /** The server's own line, for protected mode or too many clients. */
  | { readonly kind: 'turned-away'; readonly line: string }
  | { readonly kind: 'not-redis' }

const CONNECT_LIMIT_MS = 1500
const ANSWER_LIMIT_MS = 1000

type Heard = 'nothing' | 'resp' | 'something' | { readonly line: string } | { readonly error: string }

/** Finds out who is at an address. `tls`: whether our options say TLS. Never rejects. */
export async function contact(address: Address, { tls }: { tls: boolean }): Promise<Contact> {
  try {
    await lookup(address.host)
  } catch (error) {
    return { kind: 'unresolved', why: codeOf(error) }
  }
  const startedAt = performance.now()
  const first = tls ? await hearTls(address) : await hearPlain(address)
  const ms = performance.now() - startedAt
  if (typeof first === 'object') {
    return 'line' in first ? { kind: 'turned-away', line: first.line } : { kind: 'unreachable', why: first.error }
  }
  if (first === 'resp') return { kind: 'answers', ms }
  const second = tls ? await hearPlain(address) : await hearTls(address)
  if (second === 'resp' || typeof second === 'object') return { kind: tls ? 'speaks-no-tls' : 'speaks-tls' }
  return { kind: first === 'something' ? 'not-redis' : 'silent' }
}

/** What a server says to PING, or before it. */
function hearPlain(address: Address): Promise<Heard> {
  const socket = connect(address)
  return hear(socket, 'connect', settle => {
    socket.write('PING\r\n')
    socket.once('data', (bytes: Buffer) => {
      const line = bytes.toString('latin1').split('\r\n')[0] ?? ''
      if (/^-(DENIED|ERR max number of clients)/.test(line)) settle({ line: line.slice(1, 160) })
      else settle(/^[+-]/.test(line) ? 'resp' : 'something')
    })
  })
}

/** Whether a TLS handshake succeeds. Certificates are judged later, by the connection with the real options. */
function hearTls(address: Address): Promise<Heard> {
  const socket = connectTls({ ...address, rejectUnauthorized: false })
  return hear(socket, 'secureConnect', settle => settle('resp'))
}

function hear(socket: Socket, greeting: string, greet: (settle: (heard: Heard) => void) => void): Promise<Heard> {
  return new Promise(resolve => {
    let connected = false
    const settle = (heard: Heard): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(heard)
    }
    let timer = setTimeout(() => settle({ error: `no connection within ${CONNECT_LIMIT_MS} ms` }), CONNECT_LIMIT_MS)
    socket.once('connect', () => {
      connected = true
      clearTimeout(timer)
      timer = setTimeout(() => settle('nothing'), ANSWER_LIMIT_MS)
    })
    socket.once(greeting, () => greet(settle))
    socket.on('error', error => {
      if (!connected) settle({ error: codeOf(error) })
      // Whoever sends a TLS alert speaks TLS; the later connection finds out what it does not like.
      else settle(/_ALERT_/.test(codeOf(error)) ? 'resp' : 'nothing')
    })
    socket.once('close', () => settle('nothing'))
  })
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  if (!(error instanceof Error)) return String(error)
  return (error as NodeJS.ErrnoException).code ?? error.message
}
