// transaction-queue.ts: commands between MULTI and EXEC, on a link of the session's own.
//
// Each one goes to the server as it comes. After the server's QUEUED it is remembered, so that a new master gets the
// whole queue again. What connection commands inside will mean (SELECT, HELLO, ...) is remembered by their place, and
// applied when EXEC's reply says that they ran.
import { classifyCommand, worstClass } from '../../command/classify.ts'
import { type ReplayClass, Route } from '../../command/command-spec.ts'
import { errors } from '../../errors.ts'
import { createUnit } from '../../relay/request.ts'
import { encodeCommand } from '../../resp/encode.ts'
import type { SessionContext } from '../state/session-context.ts'
import { unwatch } from '../state/session-state.ts'
import { endTransaction, execAborted, Transaction } from '../state/transaction.ts'
import { applyHello, applySelect, handleReset } from './change-identity.ts'
import { applyClient } from './client.ts'
import { capaFor } from './client-capa.ts'
import { namesSession } from './client-id.ts'
import { answer, type Command, type Outcome, refuse, send, sendAsRead } from './command-outcome.ts'
import { okReply } from './constant-replies.ts'
import { readHello } from './hello.ts'
import { OneReply } from './one-reply-handler.ts'
import { handleQuit } from './quit.ts'
import { rememberScript } from './script-bodies.ts'
import { Executing, execReplyInstead, Queued, RefusedInside } from './transaction-replies.ts'

/** Routes of commands that may be sent before it is known whether the MULTI ahead of them was refused. */
const sameOutside: ReadonlySet<number> = new Set([
  Route.shared,
  Route.script,
  Route.evalsha,
  Route.scan,
  Route.multi,
  Route.exec,
  Route.discard,
])

/** Handles one command while the session's `transaction` is open. */
export function queueCommand(context: SessionContext, transaction: Transaction, command: Command): Outcome {
  const { spec, frame, args } = command
  // Only the reply to MULTI tells whether it was refused: then what follows is what it is outside.
  const isAsked = context.pending > 0 && transaction.queued.length === 0
  if (isAsked && !sameOutside.has(spec.route)) return 'wait'
  switch (spec.route) {
    case Route.exec:
      if (args.length === 1) return handleExec(context, transaction, frame)
      // With arguments the server refuses it and, as it is EXEC, discards the transaction as well (rejectCommand).
      return sendAsRead(context, frame, new Executing(context, transaction, null, 'refused'))
    case Route.discard:
      return args.length === 1 ? handleDiscard(context, transaction, frame) : queue(context, transaction, command)
    case Route.multi:
      // Only the reply to the MULTI before it tells whether that failed and this one begins anew.
      if (context.pending > 0) return 'wait'
      if (transaction.status.kind !== 'detached' || args.length > 1) return sendRefused(context, transaction, frame)
      endTransaction(context)
      return openTransaction(context, frame)
    case Route.watch:
      return sendRefused(context, transaction, frame)
    case Route.subscribe:
    case Route.unsubscribe:
      // Its replies could not be framed.
      return refuse(context, errors.subscribeInMulti.reply)
    case Route.reset:
      return handleReset(context, frame)
    case Route.quit:
      return handleQuit(context)
    case Route.client: {
      const subcommand = args[1]?.toString('latin1').toLowerCase()
      if (subcommand === 'reply') return refuse(context, errors.replyInMulti.reply)
      // It would end links, and whole sets of sessions with them.
      if (args.length > 2 && subcommand === 'kill') return refuse(context, errors.killInMulti.reply)
      if (namesSession(context, args)) return refuse(context, errors.clientIdInMulti.reply)
      const sent = subcommand === 'capa' ? capaFor(context, frame, args) : frame
      return queue(context, transaction, { ...command, frame: sent }, () => applyClient(context, sent, args))
    }
    case Route.select:
      return queue(context, transaction, command, () => applySelect(context, args))
    case Route.auth: {
      // With too few or too many arguments it is no login, and the server says so; but it gets no password of Holdfast.
      const isLogin = context.host.login === null ? args.length === 2 || args.length === 3 : args.length > 1
      if (isLogin) return refuse(context, errors.loginInMulti.reply)
      return queue(context, transaction, command)
    }
    case Route.hello:
      return queueHello(context, transaction, command)
    case Route.script:
      rememberScript(context.host.lanes.scripts, spec, args)
      return queue(context, transaction, command)
    default:
      return queue(context, transaction, command)
  }
}

/** Always an error. Whether it aborts the transaction, too, only the server knows: Valkey does, Redis for want of keys. */
function sendRefused(context: SessionContext, transaction: Transaction, frame: Buffer): Outcome {
  sendAsRead(context, frame, new RefusedInside(context, transaction))
  return 'done'
}

const isAuth = (arg: Buffer): boolean => arg.toString('latin1').toLowerCase() === 'auth'

/** A login inside would change the user of the link. */
function queueHello(context: SessionContext, transaction: Transaction, command: Command): Outcome {
  const { args } = command
  const hello = readHello(args)
  const isLogin = context.host.login === null ? hello.login !== null : args.slice(2).some(isAuth)
  if (isLogin) return refuse(context, errors.loginInMulti.reply)
  const changes = hello.error === null && hello.protocol !== null
  return queue(context, transaction, command, changes ? () => applyHello(context, hello) : undefined)
}

/** MULTI, on a link of the session's own. */
export function openTransaction(context: SessionContext, frame: Buffer): Outcome {
  const transaction = new Transaction()
  context.transaction = transaction
  return send(context, frame, new Queued(context, transaction, true))
}

function queue(
  context: SessionContext,
  transaction: Transaction,
  { frame, args }: Command,
  effect?: () => void,
): Outcome {
  if (transaction.status.kind === 'detached') return answer(context, context.host.lanes.outOfTime.reply)
  if (context.host.counters.transactionBytes > context.host.highWater) {
    context.host.counters.transactionsRefused++
    context.host.limitLog.warn(
      'session.transaction_too_large',
      { session: context.id, limit: context.host.highWater },
      'open transactions hold half of what all clients may: no more is queued (--max-held-bytes)',
    )
    return refuse(context, errors.transactionTooLarge.reply)
  }
  // Its place in EXEC's reply is right only while no command before it was refused; after a refusal EXEC aborts anyway.
  if (effect) transaction.effects.set(transaction.count, effect)
  transaction.count++
  transaction.cls = worstClass(transaction.cls, classifyCommand(args, Date.now()))
  sendAsRead(context, frame, new Queued(context, transaction, false)) // queueing changes nothing
  return 'done'
}

function handleExec(context: SessionContext, transaction: Transaction, frame: Buffer): Outcome {
  // Only the replies before it tell whether a command was refused or a watching link was lost.
  const { watching, watchLost } = context.state
  if (context.pending > 0 && (watching || watchLost || transaction.effects.size > 0)) return 'wait'
  if (transaction.status.kind === 'detached') return endDetached(context, execAborted)
  const instead = execReplyInstead(context, transaction)
  const bytes = instead === null ? frame : encodeCommand(['DISCARD'])
  const request = createUnit(context.replyTo(), bytes, 1, 1, new Executing(context, transaction, instead))
  request.cls = instead === null ? classOfExec(context, transaction) : 'read'
  context.submit(request)
  return 'barrier'
}

/**
 * An EXEC under WATCH that is sent again gets nil, because the watch is gone with its link. To a client nil means that
 * nothing ran, which is no answer to an EXEC that may have run, whatever is inside.
 */
function classOfExec({ state }: SessionContext, { cls }: Transaction): ReplayClass {
  return state.watching ? worstClass(cls, 'non-idempotent') : cls
}

/**
 * Ends a transaction whose MULTI failed. The link may have outlived that, and may still watch keys for this session or
 * the next: UNWATCH makes it forget them, as EXEC and DISCARD do.
 */
function endDetached(context: SessionContext, reply: Buffer): Outcome {
  endTransaction(context)
  if (!context.state.watching && !context.state.watchLost) return answer(context, reply)
  const handler = new OneReply({ onSuccess: () => unwatch(context.state), rewrite: () => reply })
  return sendAsRead(context, encodeCommand(['UNWATCH']), handler)
}

function handleDiscard(context: SessionContext, transaction: Transaction, frame: Buffer): Outcome {
  // Its MULTI may still fail: then there is nothing to discard at the server.
  if (context.pending > 0) return 'wait'
  if (transaction.status.kind === 'detached') return endDetached(context, okReply)
  const onSuccess = (): void => {
    endTransaction(context)
    unwatch(context.state)
  }
  return sendAsRead(context, frame, new OneReply({ onSuccess }))
}
