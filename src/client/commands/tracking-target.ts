// tracking-target.ts: gives the target of CLIENT TRACKING ON REDIRECT a link of its own first, because a server sends
// invalidations to a connection.
//
// Meanwhile PINGs, one after the other, go out on the tracker's own link in the command's place. So the command keeps
// its place in the order, is held with everything else while there is no master, and ends like everything else without
// one.
import { createUnit, type RequestHandler, type RequestOwner } from '../../relay/request.ts'
import { encodeCommand } from '../../resp/encode.ts'
import { ReplyType } from '../../resp/reply-scanner.ts'
import type { SessionContext } from '../state/session-context.ts'

const ping = encodeCommand(['PING'])

/** A link is up after a few round trips. After this many the command goes out without it, and the server refuses it. */
const MAX_ROUNDS = 500

/** Can the server be told of the session's link now? If not, one is on its way. */
export function hasLink(target: SessionContext): boolean {
  return target.takePrivate() && target.lane.link?.status === 'ready'
}

/** Calls `then` with the owner of the command's reply when `target` has a link. */
export function whenLinked(context: SessionContext, target: SessionContext, then: (owner: RequestOwner) => void): void {
  if (hasLink(target)) then(context.replyTo())
  else askAgain(context, context.replyTo(), linking(context, target, then))
}

function askAgain(context: SessionContext, owner: RequestOwner, handler: RequestHandler): void {
  const request = createUnit(owner, ping, 1, 1, handler)
  request.cls = 'read'
  context.submit(request)
}

function linking(context: SessionContext, target: SessionContext, then: (owner: RequestOwner) => void): RequestHandler {
  let rounds = 0
  const handler: RequestHandler = {
    onReply(request, frame, type) {
      const isRefused = type === ReplyType.error && frame.toString('latin1', 0, 7) === '-NOAUTH'
      const isOver = isRefused || target.gone || ++rounds > MAX_ROUNDS
      if (isOver || hasLink(target)) then(request.owner)
      else askAgain(context, request.owner, handler)
    },
  }
  return handler
}
