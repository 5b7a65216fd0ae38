// first-question.ts: the first word with a port: is anybody there, and does it speak RESP, in the clear or in TLS?
//
// ioredis says "Connection is closed" for all of that, and a person needs the cause. So one connection by hand comes
// before all questions, and a second one where the first suggests that the other side speaks TLS and we do not, or the
// reverse. They send PING and no password.
import { lookup } from 'node:dns/promises'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Address } from '../address.ts'
import type { Limits } from './limits.ts'

export type Contact =
  | { readonly kind: 'answers'; readonly ms: number }
  | { readonly kind: 'unresolved'; readonly why: string }
  /** `lateMs`: there was no connection within so long; left out: something else is the reason. */
  | { readonly kind: 'unreachable'; readonly why: string; readonly lateMs?: number }
  /** It accepts the connection and says nothing for so long: a stopped process, or a proxy in front of a dead one. */
  | { readonly kind: 'silent'; readonly lateMs: number }
  | { readonly kind: 'speaks-tls' }
  | { readonly kind: 'speaks-no-tls' }
  /** The server's own line, for protected mode or too many clients. */
  | { readonly kind: 'turned-away'; readonly line: string }
  | { readonly kind: 'not-redis' }

/** At least so long. */
const CONNECT_LIMIT_MS = 1500
const ANSWER_LIMIT_MS = 1000

type Late = { readonly lateMs: number }
type Heard = 'nothing' | 'resp' | 'something' | { readonly line: string } | { readonly error: string } | Late

interface Waits {
  readonly connectMs: number
  readonly answerMs: number
}

/** Finds out who is at an address. `tls`: whether our options say TLS. Never rejects. */
export async function contact(address: Address, { tls, limits }: { tls: boolean; limits: Limits }): Promise<Contact> {
  try {
    await lookup(address.host)
  } catch (error) {
    return { kind: 'unresolved', why: codeOf(error) }
  }
  const startedAt = performance.now()
  const waits = { connectMs: limits.connectMs(CONNECT_LIMIT_MS), answerMs: limits.answerMs(ANSWER_LIMIT_MS) }
  const first = tls ? await hearTls(address, waits) : await hearPlain(address, waits)
  const ms = performance.now() - startedAt
  if (typeof first === 'object') {
    if ('line' in first) return { kind: 'turned-away', line: first.line }
    if ('error' in first) return { kind: 'unreachable', why: first.error }
    return { kind: 'unreachable', why: `no connection within ${first.lateMs} ms, --connect-timeout`, ...first }
  }
  if (first === 'resp') return { kind: 'answers', ms }
  const second = tls ? await hearPlain(address, waits) : await hearTls(address, waits)
  if (second === 'resp' || typeof second === 'object') return { kind: tls ? 'speaks-no-tls' : 'speaks-tls' }
  return first === 'something' ? { kind: 'not-redis' } : { kind: 'silent', lateMs: waits.answerMs }
}

/** What a server says to PING, or before it. */
function hearPlain(address: Address, waits: Waits): Promise<Heard> {
  const socket = connect(address)
  return hear({ socket, greeting: 'connect', ...waits }, settle => {
    socket.write('PING\r\n')
    socket.once('data', (bytes: Buffer) => {
      const line = bytes.toString('latin1').split('\r\n')[0] ?? ''
      if (/^-(DENIED|ERR max number of clients)/.test(line)) settle({ line: line.slice(1, 160) })
      else settle(/^[+-]/.test(line) ? 'resp' : 'something')
    })
  })
}

/** Whether a TLS handshake succeeds. Certificates are judged later, by the connection with the real options. */
function hearTls(address: Address, waits: Waits): Promise<Heard> {
  const socket = connectTls({ ...address, rejectUnauthorized: false })
  return hear({ socket, greeting: 'secureConnect', ...waits }, settle => settle('resp'))
}

interface Hearing extends Waits {
  readonly socket: Socket
  /** The event after which it is spoken to. */
  readonly greeting: string
}

function hear(
  { socket, greeting, connectMs, answerMs }: Hearing,
  greet: (settle: (heard: Heard) => void) => void,
): Promise<Heard> {
  return new Promise(resolve => {
    let connected = false
    const settle = (heard: Heard): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(heard)
    }
    let timer = setTimeout(() => settle({ lateMs: connectMs }), connectMs)
    socket.once('connect', () => {
      connected = true
      clearTimeout(timer)
      timer = setTimeout(() => settle('nothing'), answerMs)
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
