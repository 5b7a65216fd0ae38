// redirect-again.ts: tells the server once more to which link the invalidations of a session go (CLIENT TRACKING ON
// REDIRECT): the session has a new link, or its target.
//
// Must stay true: the target is told to forget what it has cached once the master has answered, not before: nobody
// heard of changes until then. A master that answers BUSY is asked again. It is told by each link: what is taken back
// unsent goes again on the same one.
import { createUnit, makeLocal, type Request, type RequestHandler, type RequestOwner } from '../../relay/request.ts'
import { commandArgs } from '../../resp/decode.ts'
import { encodeCommand } from '../../resp/encode.ts'
import { ReplyType } from '../../resp/reply-scanner.ts'
import { errorOf, isBusy } from '../../upstream/handshake-steps.ts'
import { resolveRedirect } from '../commands/client-id.ts'
import { forgetAll } from '../commands/constant-replies.ts'
import type { SessionContext } from '../state/session-context.ts'
import { trackingOptions } from '../state/tracking-options.ts'

const off = encodeCommand(['CLIENT', 'TRACKING', 'OFF'])

/** `tracking`: the session's CLIENT TRACKING. `owner`: gets no reply. `onBusy`: a script keeps the master from taking it. */
export function redirectAgain(
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

function logRefused({ id, host }: SessionContext, frame: Buffer): void {
  const reply = errorOf(frame)
  // The target's link is lost again, and its next one asks. Not let in is one trouble, which the client is told of.
  if (/^(ERR The client ID|NOAUTH) /.test(reply)) return
  host.log.error(
    { event: 'session.restore_failed', session: id, what: 'CLIENT TRACKING REDIRECT', reply },
    'the master refuses on a new link what this session had before (what); its client goes on without it',
  )
}
