// tracking-target.ts: gives the target of CLIENT TRACKING ON REDIRECT a link of its own first, because a server sends
// invalidations to a connection.
//
// Meanwhile PINGs, one after the other, go out on the tracker's own link in the command's place. So the command keeps
// its place in the order, is held with everything else while there is no master, and ends like everything else without
// one.
import { createUnit, type Request, type RequestHandler, type RequestOwner } from '../../relay/request.ts'
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
  else askAgain(context, context.replyTo(), new Linking(context, target, then))
}

function askAgain(context: SessionContext, owner: RequestOwner, linking: Linking): void {
  const request = createUnit(owner, ping, 1, 1, linking)
  request.cls = 'read'
  context.submit(request)
}

class Linking implements RequestHandler {
  readonly #context: SessionContext
  readonly #target: SessionContext
  readonly #then: (owner: RequestOwner) => void
  #rounds = 0

  constructor(context: SessionContext, target: SessionContext, then: (owner: RequestOwner) => void) {
    this.#context = context
    this.#target = target
    this.#then = then
  }

  onReply(request: Request, frame: Buffer, type: number): void {
    const isRefused = type === ReplyType.error && frame.toString('latin1', 0, 7) === '-NOAUTH'
    const isOver = isRefused || this.#target.gone || ++this.#rounds > MAX_ROUNDS
    if (isOver || hasLink(this.#target)) this.#then(request.owner)
    else askAgain(this.#context, request.owner, this)
  }
}
