// change-identity.ts: HELLO, AUTH, SELECT and RESET, which change the link that a session belongs to.
//
// On a shared link SELECT and HELLO are scoped: the command that puts the link back goes right behind them, in the same
// write. The server runs the two with nothing in between. The client gets the true reply; when it is no error, the
// session moves to the link of its new identity. A command that changes the user goes on a link of the session's own.

import { createUnit } from '../../relay/request.ts'
import { encodeCommand } from '../../resp/encode.ts'
import { secretOf } from '../../transport/secret.ts'
import { rewriteHelloId } from '../state/client-ids.ts'
import type { SessionContext } from '../state/session-context.ts'
import { resetState, withIdentity } from '../state/session-state.ts'
import { endTransaction } from '../state/transaction.ts'
import { answer, type Outcome, passOn, send } from './command-outcome.ts'
import { resetReply } from './constant-replies.ts'
import { type Hello, readHello } from './hello.ts'
import { OneReply } from './one-reply-handler.ts'

/** HELLO outside of a transaction. */
export function handleHello(context: SessionContext, frame: Buffer, args: readonly Buffer[]): Outcome {
  const hello = readHello(args)
  const rewrite = (reply: Buffer): Buffer => rewriteHelloId(reply, context.clientId)
  if (hello.login === null && (hello.protocol === null || hello.error !== null)) {
    // It reports or is refused, and nothing changes.
    return send(context, frame, new OneReply({ rewrite }))
  }
  const onSuccess = (): void => applyHello(context, hello)
  if (hello.login === null && !context.isPrivate) {
    // The name is the session's, not the shared link's: it is kept here and left out of what is sent.
    const command = encodeCommand(['HELLO', String(hello.protocol)])
    const undo = encodeCommand(['HELLO', String(context.state.identity.protocol)])
    return sendScoped(context, command, undo, { onSuccess, rewrite })
  }
  const ready = hello.login === null ? context.choice.takePrivate() : context.choice.takeForLogin() && isAlone(context)
  if (!ready) return 'wait'
  return send(context, frame, new OneReply({ onSuccess, rewrite }), 'barrier')
}

/** What a HELLO that succeeded has changed. */
export function applyHello(context: SessionContext, { protocol, login, name }: Hello): void {
  if (protocol === null) return
  const user = login && { username: secretOf(login.username), password: secretOf(login.password) }
  context.state.identity = withIdentity(context.state.identity, { protocol, ...user })
  if (name !== null) context.state.name = name.toString()
  context.choice.identityChanged()
}

/**
 * Servers since 7.2 do not answer a login that fails while earlier replies of the connection are unwritten
 * (addAuthErrReply in acl.c). Every later reply would then be taken for the one before it. So a login waits until the
 * link owes nothing, not even to a command of Holdfast's own.
 */
function isAlone(context: SessionContext): boolean {
  return context.pending === 0 && context.lane.idle
}

/** AUTH outside of a transaction. */
export function handleAuth(context: SessionContext, frame: Buffer, args: readonly Buffer[]): Outcome {
  if (!context.choice.takeForLogin() || !isAlone(context)) return 'wait'
  return send(context, frame, new OneReply({ onSuccess: () => applyAuth(context, args) }), 'barrier')
}

/** What an AUTH that succeeded has changed. */
function applyAuth(context: SessionContext, args: readonly Buffer[]): void {
  const [, first = Buffer.alloc(0), second] = args
  const username = second === undefined ? null : secretOf(first)
  const password = secretOf(second ?? first)
  context.state.identity = withIdentity(context.state.identity, { username, password })
  context.choice.identityChanged()
}

/** SELECT outside of a transaction. */
export function handleSelect(context: SessionContext, frame: Buffer, args: readonly Buffer[]): Outcome {
  if (args.length !== 2) return passOn(context, frame)
  const onSuccess = (): void => applySelect(context, args)
  if (!context.isPrivate) {
    const back = encodeCommand(['SELECT', String(context.state.identity.database)])
    return sendScoped(context, frame, back, { onSuccess })
  }
  return send(context, frame, new OneReply({ onSuccess }), 'barrier')
}

/** What a SELECT that succeeded has changed. */
export function applySelect(context: SessionContext, args: readonly Buffer[]): void {
  const database = Number(args[1]?.toString('latin1'))
  context.state.identity = withIdentity(context.state.identity, { database })
  context.choice.identityChanged()
}

/** RESET: Holdfast answers a session without its own link, because no server knows anything of it. */
export function handleReset(context: SessionContext, frame: Buffer): Outcome {
  const reset = (): void => applyReset(context)
  const { state } = context
  if (!context.isPrivate) {
    if (context.pending > 0) return 'wait'
    const isSkipped = state.reply === 'skip-next'
    reset()
    return isSkipped ? 'done' : answer(context, resetReply)
  }
  // Behind REPLY OFF its own reply is heard already; behind SKIP it is the one that is skipped.
  if (state.reply === 'off') state.reply = 'on'
  return send(context, frame, new OneReply({ onSuccess: reset }), 'barrier')
}

function applyReset(context: SessionContext): void {
  resetState(context.state, context.host.defaultIdentity)
  context.subscriptions.clear()
  context.host.handoff.delete(context.id)
  context.host.redirects.delete(context.id)
  endTransaction(context)
  context.signOut()
  context.choice.identityChanged()
  if (context.isPrivate) context.choice.renew()
}

/** A scoped command: the command and its undoing as one unbroken request on the shared link. */
function sendScoped(
  context: SessionContext,
  command: Buffer,
  undo: Buffer,
  reply: { onSuccess: () => void; rewrite?: (frame: Buffer) => Buffer },
): Outcome {
  context.submit(createUnit(context.replyTo(), Buffer.concat([command, undo]), 1, 2, new OneReply(reply)))
  return 'barrier'
}
