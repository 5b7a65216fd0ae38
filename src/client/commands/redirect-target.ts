// redirect-target.ts: gives the target of CLIENT TRACKING ON REDIRECT a link of its own first, because a server sends
// invalidations to a connection.
//
// Meanwhile PINGs, one after the other, go out on the tracker's own link in the command's place. So the command keeps
// its place in the order, and without a master it is held, and ends, like everything else.
import type { Request, RequestOwner } from '../../relay/request.ts'
import type { SessionContext } from '../state/session-context.ts'
import { type Outcome, sendAsRead } from './command-outcome.ts'
import { isNoAuth, ping } from './proof-of-login.ts'

/** A link is up after a few round trips. After this many the command goes out without it, and the server refuses it. */
const MAX_ROUNDS = 500

/** Can the server be told of the session's link now? If not, one is on its way. */
function hasLink(target: SessionContext): boolean {
  return target.choice.takePrivate() && target.lane.link?.status === 'ready'
}

/** Calls `then` with the owner of the command's reply when `target` has a link. */
export function whenLinked(context: SessionContext, target: SessionContext, then: (owner: RequestOwner) => void): void {
  let rounds = 0
  const ask = (owner: RequestOwner): Outcome => sendAsRead(context, ping, { onReply }, { owner })
  const onReply = ({ owner }: Request, frame: Buffer): void => {
    const isOver = isNoAuth(frame) || target.gone || ++rounds > MAX_ROUNDS
    if (isOver || hasLink(target)) then(owner)
    else ask(owner)
  }
  if (hasLink(target)) then(context.replyTo())
  else ask(context.replyTo())
}
