// identity.ts: HELLO, AUTH, SELECT, RESET: the commands that change which link a session belongs to.
//
// On a shared link SELECT and HELLO make a visit: the command, and right behind it, in the same write, the command that
// puts the link back. The server runs the two with nothing in between, the client gets its true reply, and if that
// reply is no error the session moves to the link of its new identity. A command that changes the user is sent on a
// link of the session's own.

import { createRun, createUnit } from '../../relay/request.ts'
import { encodeCommand } from '../../resp/encode.ts'
import { type Secret, secretOf } from '../../transport/secret.ts'
import type { Identity } from '../../upstream/identity.ts'
import { rewriteHelloId } from '../state/client-ids.ts'
import type { SessionContext } from '../state/session-context.ts'
import { resetState, withIdentity } from '../state/session-state.ts'
import { endTransaction } from '../state/transaction.ts'
import { OneReply } from './one-reply.ts'
import type { Outcome } from './outcome.ts'
import { resetReply } from './replies.ts'

interface Hello {
  readonly protocol: 2 | 3
  readonly username: Secret | null
  readonly password: Secret | null
  readonly name: string | null
}

/** HELLO n [AUTH user password] [SETNAME name]; undefined where the server would answer a syntax error. */
export function parseHello(args: readonly Buffer[]): Hello | undefined {
  const version = args[1]?.toString('latin1')
  if (version !== '2' && version !== '3') return undefined
  let username: Secret | null = null
  let password: Secret | null = null
  let name: string | null = null
  for (let i = 2; i < args.length; ) {
    const option = args[i]?.toString('latin1').toLowerCase()
    const left = args.length - i - 1
    if (option === 'auth' && left >= 2) {
      username = secretAt(args, i + 1)
      password = secretAt(args, i + 2)
      i += 3
    } else if (option === 'setname' && left >= 1) {
      name = args[i + 1]?.toString() ?? ''
      i += 2
    } else return undefined
  }
  return { protocol: version === '3' ? 3 : 2, username, password, name }
}

function secretAt(args: readonly Buffer[], index: number): Secret {
  return secretOf(args[index] ?? Buffer.alloc(0))
}

/** HELLO outside of a transaction. */
export function handleHello(context: SessionContext, frame: Buffer, args: readonly Buffer[]): Outcome {
  const hello = parseHello(args)
  const rewrite = (reply: Buffer): Buffer => rewriteHelloId(reply, context.clientId)
  if (hello === undefined) {
    // No version, or one the server refuses: it reports or answers an error, and nothing changes.
    context.submit(createUnit(context.replyTo(), frame, 1, 1, new OneReply({ rewrite })))
    return 'done'
  }
  const onSuccess = (): void => applyHello(context, args)
  const plainName = hello.name === null || /^[!-~]*$/.test(hello.name)
  if (hello.password === null && plainName && !context.isPrivate) {
    const { protocol } = context.state.identity
    // The name is the session's, not the shared link's: it is kept here and left out of what is sent.
    const visit = encodeCommand(['HELLO', String(hello.protocol)])
    return makeVisit(context, visit, encodeCommand(['HELLO', String(protocol)]), { onSuccess, rewrite })
  }
  const isLogin = hello.password !== null
  const ready = isLogin ? context.takeForLogin() && isAlone(context) : context.takePrivate()
  if (!ready) return 'wait'
  context.submit(createUnit(context.replyTo(), frame, 1, 1, new OneReply({ onSuccess, rewrite })))
  return 'barrier'
}

/** What a HELLO that succeeded has changed. */
export function applyHello(context: SessionContext, args: readonly Buffer[]): void {
  const hello = parseHello(args)
  if (hello === undefined) return
  const login = hello.password === null ? {} : { username: hello.username, password: hello.password }
  context.state.identity = withIdentity(context.state.identity, { protocol: hello.protocol, ...login })
  if (hello.name !== null) context.state.name = hello.name
  context.identityChanged()
}

/**
 * Servers since 7.2 forget to answer a login that fails while earlier replies of the connection are still to be written
 * (addAuthErrReply in acl.c); every later reply would then be taken for the one before it. So a login waits until nothing
 * is owed, not even to a command of our own.
 */
function isAlone(context: SessionContext): boolean {
  return context.pending === 0 && context.lane.idle
}

/** AUTH outside of a transaction. */
export function handleAuth(context: SessionContext, frame: Buffer, args: readonly Buffer[]): Outcome {
  if (!context.takeForLogin() || !isAlone(context)) return 'wait'
  const onSuccess = (): void => applyAuth(context, args)
  context.submit(createUnit(context.replyTo(), frame, 1, 1, new OneReply({ onSuccess })))
  return 'barrier'
}

/** What an AUTH that succeeded has changed. */
function applyAuth(context: SessionContext, args: readonly Buffer[]): void {
  const username = args.length > 2 ? secretAt(args, 1) : null
  const password = secretAt(args, args.length - 1)
  context.state.identity = withIdentity(context.state.identity, { username, password })
  context.identityChanged()
}

/** SELECT outside of a transaction. */
export function handleSelect(context: SessionContext, frame: Buffer, args: readonly Buffer[]): Outcome {
  const onSuccess = (): void => applySelect(context, args)
  if (args.length !== 2) {
    context.submit(createRun(context.replyTo(), frame, 1))
    return 'done'
  }
  if (!context.isPrivate) {
    const back = encodeCommand(['SELECT', String(context.state.identity.database)])
    return makeVisit(context, frame, back, { onSuccess })
  }
  context.submit(createUnit(context.replyTo(), frame, 1, 1, new OneReply({ onSuccess })))
  return 'barrier'
}

/** What a SELECT that succeeded has changed. */
export function applySelect(context: SessionContext, args: readonly Buffer[]): void {
  const database = Number(args[1]?.toString('latin1'))
  context.state.identity = withIdentity(context.state.identity, { database })
  context.identityChanged()
}

/** RESET: answered here for a session that has no link of its own, because nothing of it is on any server. */
export function handleReset(context: SessionContext, frame: Buffer): Outcome {
  const reset = (): void => applyReset(context, context.host.defaultIdentity)
  if (!context.isPrivate) {
    if (context.pending > 0) {
      return 'wait'
    }
    reset()
    context.answer(resetReply)
    return 'done'
  }
  context.state.reply = 'on' // its own reply is heard already
  context.submit(createUnit(context.replyTo(), frame, 1, 1, new OneReply({ onSuccess: reset })))
  return 'barrier'
}

function applyReset(context: SessionContext, identity: Identity): void {
  resetState(context.state, identity)
  context.subscriptions.clear()
  endTransaction(context)
  context.signOut()
  context.identityChanged()
  if (context.isPrivate) context.renewLink()
}

/** The command and its undoing as one unbroken request on the shared link. */
function makeVisit(
  context: SessionContext,
  command: Buffer,
  undo: Buffer,
  reply: { onSuccess: () => void; rewrite?: (frame: Buffer) => Buffer },
): Outcome {
  const bytes = Buffer.concat([command, undo])
  const request = createUnit(context.replyTo(), bytes, 1, 2, new OneReply(reply))
  context.submit(request)
  return 'barrier'
}
