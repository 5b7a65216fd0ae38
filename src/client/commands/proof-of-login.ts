// proof-of-login.ts: Holdfast answers a command itself only when the server has let the session in. Otherwise the
// server's NOAUTH is the answer.
//
// A link of the session's lane that HELLO has signed in is proof. Without one, PING goes to the server in the command's
// place: NOAUTH goes to the client, and any other answer is proof. Never asks twice on one link that is signed in.
import type { Request } from '../../relay/request.ts'
import { encodeCommand } from '../../resp/encode.ts'
import type { SessionContext } from '../state/session-context.ts'
import { answer, type Outcome, sendAsRead } from './command-outcome.ts'

export const ping = encodeCommand(['PING'])

/** Runs `act`, which answers what the client is told (null: nothing), now or when the server has let the session in. */
export function answerProven(context: SessionContext, act: () => Buffer | null): Outcome {
  if (context.lane.proven) {
    const reply = act()
    return reply === null ? 'done' : answer(context, reply)
  }
  const { reply } = context.state
  const owner = context.replyTo()
  context.state.reply = reply // the answer uses up CLIENT REPLY SKIP, not the question
  const onReply = (_: Request, frame: Buffer): void => {
    const reply = isNoAuth(frame) ? frame : act()
    if (reply !== null) context.replyTo().deliver(reply)
  }
  return sendAsRead(context, ping, { onReply }, { owner })
}

/** The server has not let in whoever asked. */
export const isNoAuth = (reply: Buffer): boolean => reply.toString('latin1', 0, 7) === '-NOAUTH'
