// forget-all.ts: tells a client that everything it has cached may be out of date.
import type { SessionContext } from '../state/session-context.ts'
import { redirectTarget } from './client-id.ts'
import { forgetAll } from './constant-replies.ts'

/** `hearer` gets the invalidations. A server sends a message to none but a subscriber. */
export function tellToForget(hearer: SessionContext): void {
  const { protocol } = hearer.state.identity
  if (protocol === 3 || hearer.subscriptions.size > 0) hearer.deliver(forgetAll(protocol))
}

/**
 * `tracking` is in force from now on. A server knows what the connection has read before, also before CLIENT TRACKING
 * OFF; but the session may have left its link since then.
 */
export function forgetOtherLink(context: SessionContext, tracking: Buffer): void {
  const { state } = context
  const link = context.lane.link?.handshake.clientId ?? 0
  const isOther = state.trackedOn !== 0 && state.trackedOn !== link
  state.trackedOn = link
  const hearer = redirectTarget(context, tracking) ?? (state.identity.protocol === 3 ? context : undefined)
  if (isOther && hearer !== undefined) tellToForget(hearer)
}
