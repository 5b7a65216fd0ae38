// command-outcome.ts: what became of a command that a session has looked at, and the usual ways to take one.

import type { CommandSpec } from '../../command/command-spec.ts'
import { createRun, createUnit, type RequestHandler } from '../../relay/request.ts'
import type { SessionContext } from '../state/session-context.ts'
import { abort } from '../state/transaction.ts'

/**
 * - `done`: taken; the next command may be looked at.
 * - `barrier`: taken; later commands wait until everything before is answered: its reply may change what they mean, or
 *   the server may keep them waiting.
 * - `wait`: not taken; offered again when everything before is answered.
 * - `look`: not taken; offered again when the client has been read from once more.
 * - `pass`: to be sent on as it came.
 */
export type Outcome = 'done' | 'barrier' | 'wait' | 'look' | 'pass'

/** One command as it is looked at. */
export interface Command {
  readonly spec: CommandSpec
  readonly frame: Buffer
  /** Its words, the name first; of a command that is only passed on, or has too many, the first few. */
  readonly args: readonly Buffer[]
}

/** Answers in the server's place. */
export function answer(context: SessionContext, reply: Buffer): Outcome {
  context.answer(reply)
  return 'done'
}

/** Refuses the command. Inside MULTI, EXEC answers EXECABORT then, as after any command refused at queue time. */
export function refuse(context: SessionContext, reply: Buffer): Outcome {
  if (context.transaction !== null) abort(context.transaction, 'holdfast')
  return answer(context, reply)
}

/** Sends the command on as it came. */
export function passOn(context: SessionContext, frame: Buffer): Outcome {
  context.submit(createRun(context.replyTo(), frame, 1))
  return 'done'
}

/** Sends one frame, whose one reply `handler` takes. */
export function send(
  context: SessionContext,
  frame: Buffer,
  handler: RequestHandler,
  outcome: Outcome = 'done',
): Outcome {
  context.submit(createUnit(context.replyTo(), frame, 1, 1, handler))
  return outcome
}

/** Sends what is always sent again, because it changes nothing at the server or does the same once more. */
export function sendAsRead(
  context: SessionContext,
  bytes: Buffer,
  handler: RequestHandler,
  { replies = 1, owner = context.replyTo() } = {},
): Outcome {
  const request = createUnit(owner, bytes, 1, replies, handler)
  request.cls = 'read'
  context.submit(request)
  return 'barrier'
}
