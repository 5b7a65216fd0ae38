// client-id.ts: the CLIENT commands that name a client id: UNBLOCK, GETREDIR, TRACKINGINFO, and TRACKING's REDIRECT.
// Replaces the server's ids by those that Holdfast tells, and back. LIST, INFO and KILL have files of their own.
import { commandArgs } from '../../resp/decode.ts'
import { encodeCommand } from '../../resp/encode.ts'
import { rewriteRedirect } from '../state/client-ids.ts'
import type { SessionContext } from '../state/session-context.ts'
import { trackingOptions } from '../state/tracking-options.ts'
import { type Outcome, send } from './command-outcome.ts'
import { integerReply } from './constant-replies.ts'
import { OneReply } from './one-reply-handler.ts'
import { answerProven } from './proof-of-login.ts'

/**
 * CLIENT TRACKING with the server's ids behind REDIRECT, of sessions that have a link of their own now. Where the server
 * only looks whether there is such a client (OFF, or one REDIRECT before another), this session's link stands for those
 * that have none.
 */
export function resolveRedirect(context: SessionContext, frame: Buffer): Buffer {
  const args = commandArgs(frame)
  const { redirects, redirect } = trackingOptions(args)
  const isOff = args[2]?.toString('latin1').toLowerCase() === 'off'
  let bytes = frame
  for (const { place, id } of redirects) {
    const target = neighbourOf(context, id)
    if (target === undefined) continue
    const isUsed = !isOff && place === redirect?.place
    const real = target.isPrivate ? linkId(target) : isUsed ? undefined : linkId(context)
    if (real === undefined) continue
    args[place] = Buffer.from(real)
    bytes = encodeCommand(args)
  }
  return bytes
}

/** The session that this CLIENT TRACKING sends invalidations to; undefined: the session itself, or a stranger. */
export function redirectTarget(context: SessionContext, frame: Buffer): SessionContext | undefined {
  const { redirect } = trackingOptions(commandArgs(frame))
  return redirect && neighbourOf(context, redirect.id)
}

/** The server's id of the link that a session uses now. */
export function linkId({ lane }: SessionContext): string | undefined {
  const clientId = lane.link?.handshake.clientId
  return clientId ? String(clientId) : undefined
}

/** The session that was told this id. */
export function targetOf(context: SessionContext, id: string): SessionContext | undefined {
  const session = context.host.ids.sessionOf(id)
  return session === undefined ? undefined : context.host.sessions.get(session)
}

/** The same, where both have the same server: another session of the port is nobody there. */
function neighbourOf(context: SessionContext, id: string): SessionContext | undefined {
  const target = targetOf(context, id)
  return target?.host.lanes === context.host.lanes ? target : undefined
}

/** CLIENT UNBLOCK or TRACKING of a session that the server knows by another id. */
export function namesSession(context: SessionContext, args: readonly Buffer[]): boolean {
  const subcommand = args[1]?.toString('latin1').toLowerCase()
  const isKnown = (id: string): boolean => neighbourOf(context, id) !== undefined
  if (subcommand === 'unblock') return isKnown(args[2]?.toString('latin1') ?? '')
  return subcommand === 'tracking' && trackingOptions(args).redirects.some(({ id }) => isKnown(id))
}

/** CLIENT GETREDIR and TRACKINGINFO. */
export function askRedirect(context: SessionContext, frame: Buffer, subcommand: string): Outcome {
  const { tracking } = context.state
  const redirect = tracking === null ? undefined : trackingOptions(commandArgs(tracking)).redirect
  if (redirect === undefined) return 'pass'
  const rewrite = (reply: Buffer): Buffer => {
    if (subcommand === 'trackinginfo') return rewriteRedirect(reply, redirect.id)
    return /^:[1-9]/.test(reply.toString('latin1', 0, 2)) ? integerReply(redirect.id) : reply
  }
  return send(context, frame, new OneReply({ rewrite }))
}

/** A session that is not blocked has no link of its own: nothing to unblock. */
export function handleUnblock(context: SessionContext, args: readonly Buffer[]): Outcome {
  const [, , id, reason] = args
  const target = neighbourOf(context, id?.toString('latin1') ?? '')
  const isWellFormed = args.length === 3 || (args.length === 4 && /^(timeout|error)$/i.test(String(reason)))
  if (target === undefined || !isWellFormed) return 'pass'
  if (!target.isPrivate) return answerOutside(context, () => integerReply(0))
  // Looked up whenever it is sent: only then is the link known.
  const prepare = (): Buffer => encodeCommand(args.map((arg, i) => (i === 2 ? (linkId(target) ?? arg) : arg)))
  return send(context, prepare(), new OneReply({ prepare }))
}

/**
 * `answerProven` for what the server refuses to a RESP2 subscriber. Whether the session is one is known when all before
 * is answered.
 */
export function answerOutside(context: SessionContext, act: () => Buffer | null): Outcome {
  if (context.isPrivate && context.pending > 0 && context.state.identity.protocol === 2) return 'wait'
  return isRefusedSubscriber(context) ? 'pass' : answerProven(context, act)
}

/** The server refuses this command to a RESP2 subscriber, in its own words. */
export function isRefusedSubscriber(context: SessionContext): boolean {
  return context.subscriptions.size > 0 && context.state.identity.protocol === 2
}
