// ask.ts: has one conversation with one server: connects, signs in, puts all questions in one write, hangs up.
// It speaks RESP2 and signs in itself, so a refused login is an answer with a text and not a lost connection.
import type { Redis } from 'ioredis'
import { isUnknownCommand } from '../ops/missing-rights.ts'
import { withoutArguments } from '../ops/without-arguments.ts'
import { closeClient, createClient, reasonOf } from '../sentinel/ioredis-client.ts'
import { knowsNoAuth } from '../sentinel/remedies.ts'
import type { Reply } from '../sentinel/sentinel-view.ts'
import type { Secret } from '../transport/secret.ts'
import type { ServerRoute } from '../transport/server-route.ts'
import type { ErrorReply } from './evidence.ts'
import { type Limits, leastLimits } from './limits.ts'

export interface Target {
  readonly route: ServerRoute
  readonly username: string | null
  readonly password: Secret | null
  /** Holdfast signs in there by HELLO alone: a server without AUTH lets it in. */
  readonly helloSignsIn?: boolean
  /** Left out: the least. */
  readonly limits?: Limits
}

export interface Conversation {
  /** By question; empty where there was no conversation. */
  readonly replies: readonly Reply[]
  /** The login, or everything, was refused. */
  readonly refused: ErrorReply | null
}

/** At least so long. */
const TIMEOUT_MS = 2000

/** Puts the questions; then `last`, if any, does with the connection what nothing else can follow. */
export async function ask(
  target: Target,
  questions: readonly (readonly string[])[],
  last?: (client: Redis) => Promise<void>,
): Promise<Conversation> {
  const { username, password, helloSignsIn = false } = target
  // AUTH comes first, because HELLO takes any password from a user that needs none.
  const byAuth = password === null ? null : ['AUTH', ...(username === null ? [] : [username]), password]
  const answer = await converse(target, byAuth, questions, last)
  if (password === null || !helloSignsIn || !knowsNoAuth(answer.refused?.text ?? '')) return answer
  const byHello = await converse(target, ['HELLO', '2', 'AUTH', username ?? 'default', password], questions, last)
  // Without HELLO either, AUTH is what is to be given back.
  return isUnknownCommand(byHello.refused?.text ?? '') ? answer : byHello
}

async function converse(
  { route, limits = leastLimits }: Target,
  login: readonly Secret[] | null,
  questions: readonly (readonly string[])[],
  last?: (client: Redis) => Promise<void>,
): Promise<Conversation> {
  let lastError = 'the connection was closed'
  const connectTimeoutMs = limits.connectMs(TIMEOUT_MS)
  const commandTimeoutMs = limits.answerMs(TIMEOUT_MS)
  const client = createClient({ route, protocol: 2, connectTimeoutMs, commandTimeoutMs }, error => {
    lastError = reasonOf(error)
  })
  const lost = (text: string): ErrorReply => {
    const isLate = /^(no answer in time|it sent nothing for )/.test(text)
    return { code: 'LOST', text: isLate ? `no answer within ${commandTimeoutMs} ms (--answer-timeout)` : text }
  }
  try {
    await client.connect()
    const pipeline = client.pipeline()
    for (const [name = '', ...rest] of login === null ? questions : [login, ...questions])
      pipeline.call(name as string, ...rest)
    const replies: Reply[] = (await pipeline.exec()) ?? []
    if (replies.every(isLost)) return { replies: [], refused: lost(lastError) }
    const signedIn = login === null ? undefined : replies.shift()
    if (signedIn?.[0]) return { replies: [], refused: errorReplyOf(signedIn[0]) }
    await last?.(client)
    return { replies, refused: null }
  } catch (error) {
    const text = client.status === 'end' || client.status === 'close' ? lastError : reasonOf(error)
    return { replies: [], refused: lost(text) }
  } finally {
    await closeClient(client)
  }
}

/** Not an answer of the server: by TLS 1.3 it judges our certificate after the handshake, and then hangs up. */
function isLost([error]: Reply): boolean {
  return error !== null && error.name !== 'ReplyError'
}

export function errorReplyOf(error: Error): ErrorReply {
  return { code: /^[A-Z]+/.exec(error.message)?.[0] ?? 'ERR', text: withoutArguments(error.message).slice(0, 200) }
}

/** The value of a reply as a list; empty for one that is none. */
export function listOf(reply: Reply | undefined): readonly unknown[] {
  return Array.isArray(reply?.[1]) ? reply[1] : []
}

/** The commands that the server does not know: rename-command, or an older version. */
export function unknownOf(pairs: readonly (readonly [right: string, reply: Reply | undefined])[]): string[] {
  return pairs.filter(([, reply]) => isUnknownCommand(reply?.[0]?.message ?? '')).map(([right]) => right)
}

/** EXEC is refused in words of its own. */
const isRefusal = /^(EXECABORT Transaction discarded because of: )?NOPERM/

/** The rights whose commands the server refused to our user. */
export function deniedOf(pairs: readonly (readonly [right: string, reply: Reply | undefined])[]): string[] {
  return pairs.filter(([, reply]) => isRefusal.test(reply?.[0]?.message ?? '')).map(([right]) => right)
}
