// tracking-target.ts: before CLIENT TRACKING ON REDIRECT is sent: the session that is to hear the invalidations gets a link of its
// own, because a server sends them to a connection.
//
// The command waits meanwhile behind PINGs on the tracker's own link, one after the other: that way it has its place in the
// order, is held with everything else while there is no master, and ends as everything else when there is none in time.
import { createUnit, type Request, type RequestHandler, type RequestOwner } from '../../relay/request.ts'
import { encodeCommand } from '../../resp/encode.ts'
import { ReplyType } from '../../resp/reply-scanner.ts'
import type { SessionContext } from '../state/session-context.ts'

const ping = encodeCommand(['PING'])

/** A link is up after a few round trips. Where it is not after this many, the server is asked without it, and says no. */
const MAX_ROUNDS = 500

/** Whether the session's link can be named to the server now; if not, one is on its way. */
export function hasLink(target: SessionContext): boolean {
  return target.takePrivate() && target.lane.link?.status === 'ready'
}

/** Calls `then` with the owner of the command's reply, once `target` has a link. */
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

  onReplay(): void {}

  onFailed(): void {}
}
