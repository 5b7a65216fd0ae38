// redirect-again.ts: tells the server once more to which link the invalidations of a session go (CLIENT TRACKING ON
// REDIRECT): the session has a new link, or its target.
//
// Must stay true: the target is told to forget what it has cached once the master has answered, not before: nobody
// heard of changes until then. A master that answers BUSY is asked again. It is told by each link: what is taken back
// unsent goes again on the same one.
import { backoffMs } from '../../backoff.ts'
import type { Lane } from '../../relay/lane.ts'
import { createUnit, makeLocal, type Request, type RequestHandler, type RequestOwner } from '../../relay/request.ts'
import { commandArgs } from '../../resp/decode.ts'
import { encodeCommand } from '../../resp/encode.ts'
import { ReplyType } from '../../resp/reply-scanner.ts'
import { errorOf, isBusy } from '../../upstream/handshake-steps.ts'
import { redirectTarget, resolveRedirect } from '../commands/client-id.ts'
import { forgetAll } from '../commands/constant-replies.ts'
import type { SessionContext } from '../state/session-context.ts'
import { trackingOptions } from '../state/tracking-options.ts'
import { logRestoreRefused } from './restore-refused.ts'

const off = encodeCommand(['CLIENT', 'TRACKING', 'OFF'])

export class RedirectAgain {
  /** `ask` waits for the end of the open transaction. */
  #isDue = false
  /** `ask` waits for the end of a script. */
  #busyTimer: NodeJS.Timeout | null = null
  #closed = false
  readonly #session: SessionContext
  /** Takes the master's answers, of which the client hears nothing. */
  readonly #owner: RequestOwner

  constructor(session: SessionContext, owner: RequestOwner) {
    this.#session = session
    this.#owner = owner
  }

  /**
   * This session or its target has a new link. It needs both links: whichever comes up last asks. `tries`: so often in a
   * row a busy master has refused it.
   */
  ask(tries = 0): void {
    const session = this.#session
    const { tracking } = session.state
    const target = tracking === null ? undefined : redirectTarget(session, tracking)
    if (tracking === null || target === undefined) return
    // Inside MULTI the server would queue it, and EXEC would answer for it.
    this.#isDue = session.transaction !== null
    if (this.#isDue) return
    const { link } = session.lane
    if (link?.status !== 'ready' || target.lane.link?.status !== 'ready') return
    session.submit(askingAgain(this.#owner, session, target, tracking, () => this.#onBusy(link, tries + 1)))
  }

  /** The session's transaction may be over. */
  askIfDue(): void {
    if (this.#isDue) this.ask()
  }

  /** No new link tells it anything: those of both are up. */
  #onBusy(link: Lane['link'], tries: number): void {
    const session = this.#session
    if (this.#closed || session.lane.link !== link) return
    this.#busyTimer ??= setTimeout(
      () => {
        this.#busyTimer = null
        if (session.lane.link === link) session.host.turn.defer(() => this.ask(tries), session)
      },
      backoffMs(tries, session.host.lanes.backoff),
    )
  }

  /** The session is over. */
  close(): void {
    this.#closed = true
    if (this.#busyTimer !== null) clearTimeout(this.#busyTimer)
  }
}

/** `tracking`: the session's CLIENT TRACKING. `owner`: gets no reply. `onBusy`: a script keeps the master from taking it. */
function askingAgain(
  owner: RequestOwner,
  session: SessionContext,
  target: SessionContext,
  tracking: Buffer,
  onBusy: () => void,
): Request {
  // The server refuses prefixes that the link has. Without prefixes OFF is left out: it would undo a CLIENT CACHING.
  const first = trackingOptions(commandArgs(tracking)).isBroadcast ? [off] : []
  const { link } = session.lane
  let wasBusy = false
  const handler: RequestHandler = {
    onSend(request) {
      wasBusy = false
      // The next link asks for itself.
      if (session.lane.link !== link) makeLocal(request, Buffer.alloc(0))
      else request.bytes = Buffer.concat([...first, resolveRedirect(session, tracking)])
    },
    onReply(request, frame, type) {
      wasBusy ||= type === ReplyType.error && isBusy(errorOf(frame))
      if (request.expect > 0) return // the reply to OFF
      if (wasBusy) {
        onBusy()
        return
      }
      if (type === ReplyType.error) logRefused(session, frame)
      // A server sends a message to none but a subscriber.
      const { protocol } = target.state.identity
      if (protocol === 3 || target.subscriptions.size > 0) target.deliver(forgetAll(protocol))
    },
  }
  return createUnit(owner, tracking, 0, first.length + 1, handler)
}

function logRefused(session: SessionContext, frame: Buffer): void {
  const reply = errorOf(frame)
  // The target's link is lost again, and its next one asks. Not let in is one trouble, which the client is told of.
  if (/^(ERR The client ID|NOAUTH) /.test(reply)) return
  logRestoreRefused(session, 'CLIENT TRACKING REDIRECT', reply)
}
