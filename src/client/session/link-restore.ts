// link-restore.ts: what a new link of a session's own is told before anything else, so that the new master knows what
// the old one knew: names, flags, tracking, subscriptions, the open transaction. The replies are swallowed.
//
// Order matters: flags before subscriptions (a RESP2 link takes little else once it has subscribed), MULTI last.

import type { Lane } from '../../relay/lane.ts'
import { serverRefusalOf } from '../../relay/refusal-texts.ts'
import type { RequestHandler } from '../../relay/request.ts'
import { leadingArgs } from '../../resp/decode.ts'
import { encodeCommand } from '../../resp/encode.ts'
import { ReplyType } from '../../resp/reply-scanner.ts'
import type { SessionRestore } from '../../upstream/handshake.ts'
import { errorOf, isBusy } from '../../upstream/handshake-steps.ts'
import { redirectTarget } from '../commands/client-id.ts'
import { forgetAll } from '../commands/constant-replies.ts'
import type { SessionContext } from '../state/session-context.ts'
import type { SessionState } from '../state/session-state.ts'
import { withoutRedirect } from '../state/tracking-options.ts'
import { logRestoreRefused, TRANSACTION } from './restore-refused.ts'

interface Step {
  readonly bytes: Buffer
  /** Frames that answer it; an error is always one. */
  replies: number
  readonly what: string
}

/** The frames, and a swallower of their replies; null when the session has told Redis nothing. */
export function buildRestore(
  context: SessionContext,
  isPush: (frame: Buffer, type: number) => boolean,
): SessionRestore | null {
  const steps = stepsFor(context)
  if (steps.length === 0) return null
  let at = 0
  return {
    bytes: Buffer.concat(steps.map(step => step.bytes)),
    onFrame(frame, type) {
      const step = steps[at]
      if (step === undefined) return true
      if (isPush(frame, type)) {
        context.deliver(frame)
        return false
      }
      if (type === ReplyType.error) {
        // A queue with a hole in it must never run: the whole is tried again when the node takes writes.
        if (isQueued(step) && serverRefusalOf(frame) !== undefined) return 'not-now'
        const reply = frame.toString('utf8', 1, frame.length - 2)
        if (isBusy(reply)) return 'not-now'
        step.replies = 0
        // Not let in is one trouble, which the client is told of with its next command.
        if (step.what !== refused && !reply.startsWith('NOAUTH') && !isRefusedLabel(step, reply))
          logRestoreRefused(context, step.what, reply)
      } else step.replies--
      if (step.replies === 0) at++
      if (at < steps.length) return false
      announceRestored(context)
      return true
    },
  }
}

function announceRestored(context: SessionContext): void {
  const { state, subscriptions } = context
  if (state.tracking !== null && state.identity.protocol === 3 && hearsItself(context, state.tracking))
    context.deliver(forgetAll(3))
  context.host.counters.resubscriptions += subscriptions.size
}

/**
 * Invalidations for another session are its to hear, and asked for when both links are up (redirect-again.ts). Until
 * then the link tracks for itself, so that CLIENT CACHING is taken.
 */
function hearsItself(context: SessionContext, tracking: Buffer): boolean {
  return redirectTarget(context, tracking) === undefined
}

/** CLIENT SETNAME and SETINFO as the session has them; empty values clear what another session left. */
export function labelCommands(state: SessionState): Buffer[] {
  return [
    encodeCommand(['CLIENT', 'SETNAME', state.name]),
    encodeCommand(['CLIENT', 'SETINFO', 'LIB-NAME', state.libName]),
    encodeCommand(['CLIENT', 'SETINFO', 'LIB-VER', state.libVersion]),
  ]
}

/**
 * A master that a script keeps busy refuses `labelCommands`: the link keeps another session's name, so nobody gets it
 * next.
 */
export function labelHandler(lane: Lane): RequestHandler {
  return {
    onReply(_, frame, type) {
      if (type === ReplyType.error && isBusy(errorOf(frame))) lane.reusable = false
    },
  }
}

/** What `labelCommands` would say, as text to compare; '' when it would say nothing. */
export function labelOf(state: SessionState): string {
  return state.name || state.libName || state.libVersion ? `${state.name} ${state.libName} ${state.libVersion}` : ''
}

const labels = 'CLIENT SETNAME/SETINFO'
const refused = 'refused inside MULTI'

/**
 * Redis before 7.2 has no SETINFO, and a user may lack the right. Holdfast itself keeps and shows what a client says there,
 * so nothing is lost with a link.
 */
function isRefusedLabel({ what }: Step, reply: string): boolean {
  return what === labels && /^(?:ERR unknown subcommand|NOPERM )/i.test(reply)
}

/**
 * CLIENT CACHING holds for the next command, or for the transaction that it opens: it has been answered, that one has
 * not.
 */
export function cachingDue(context: SessionContext): Buffer | null {
  const { caching, tracking } = context.state
  return caching !== null && tracking !== null && isNextAfter(context, caching.answered) ? caching.frame : null
}

/** A CLIENT CACHING is at the server, or on its way there, and the command that it is for has no answer yet. */
export function cachesNext(context: SessionContext): boolean {
  const { cachingSent } = context.state
  return cachingSent >= 0 && isNextAfter(context, cachingSent)
}

/** With `before` commands before it: the command behind it, or the transaction that this one opens, has no answer yet. */
function isNextAfter({ place, pending, transaction }: SessionContext, before: number): boolean {
  return place - pending <= before + 1 + (transaction?.queued.length ?? 0)
}

function stepsFor(context: SessionContext): Step[] {
  const { state } = context
  const steps: Step[] = []
  const add = (what: string, bytes: Buffer, replies = 1): number => steps.push({ bytes, replies, what })
  if (labelOf(state) !== '') for (const bytes of labelCommands(state)) add(labels, bytes)
  if (state.capa) add('CLIENT CAPA', state.capa)
  if (state.noEvict) add('CLIENT NO-EVICT', encodeCommand(['CLIENT', 'NO-EVICT', 'ON']))
  if (state.noTouch) add('CLIENT NO-TOUCH', encodeCommand(['CLIENT', 'NO-TOUCH', 'ON']))
  if (state.importSource) add('CLIENT IMPORT-SOURCE', encodeCommand(['CLIENT', 'IMPORT-SOURCE', 'ON']))
  if (state.readonly) add('READONLY', encodeCommand(['READONLY']))
  if (state.tracking)
    add('CLIENT TRACKING', hearsItself(context, state.tracking) ? state.tracking : withoutRedirect(state.tracking))
  for (const { kind, channels } of context.subscriptions.commands())
    add(kind.toUpperCase(), encodeCommand([kind.toUpperCase(), ...channels]), channels.length)
  if (state.monitoring) add('MONITOR', encodeCommand(['MONITOR']))
  const caching = cachingDue(context)
  if (caching !== null) add('CLIENT CACHING', caching)
  for (const frame of context.transaction?.queued ?? [])
    add(isRefusedInside(context, frame) ? refused : TRANSACTION, frame)
  return steps
}

/** Of the open transaction. */
const isQueued = ({ what }: Step): boolean => what === TRANSACTION || what === refused

/** MULTI or WATCH behind the MULTI that opened the transaction. */
function isRefusedInside({ transaction }: SessionContext, frame: Buffer): boolean {
  return frame !== transaction?.queued[0] && /^(multi|watch)$/i.test(String(leadingArgs(frame, 1)[0]))
}
