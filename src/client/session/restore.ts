// restore.ts: what a new link of a session's own is told before anything else, so that the new master knows what the
// old one knew: names, flags, tracking, subscriptions, the open transaction. The replies are swallowed.
//
// Order matters: flags before subscriptions (a RESP2 link takes little else once it has subscribed), MULTI last.

import { serverRefusalOf } from '../../relay/server-refusal.ts'
import { encodeCommand } from '../../resp/encode.ts'
import { ReplyType } from '../../resp/reply-scanner.ts'
import type { SessionRestore } from '../../upstream/handshake.ts'
import { redirectTarget } from '../commands/client-id.ts'
import { forgetAll } from '../commands/replies.ts'
import type { SessionContext } from '../state/session-context.ts'
import type { SessionState } from '../state/session-state.ts'

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
  const steps = [...labelSteps(context.state), ...flagSteps(context), ...listeningSteps(context)]
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
        if (step.what === 'MULTI' && serverRefusalOf(frame) !== undefined) return 'not-now'
        step.replies = 0
        const reply = frame.toString('utf8', 1, frame.length - 2)
        // Not let in is one trouble, which the client is told of with its next command.
        if (!reply.startsWith('NOAUTH') && !isUnknownLabel(step, reply))
          context.host.log.error(
            { event: 'session.restore_failed', session: context.id, what: step.what, reply },
            'the master refuses on a new link what this session had before (what); its client goes on without it',
          )
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
  const { counters } = context.host
  if (state.tracking !== null && state.identity.protocol === 3 && hearsItself(context, state.tracking))
    context.deliver(forgetAll(3))
  if (subscriptions.size === 0) return
  counters.resubscriptions += subscriptions.size
}

/**
 * Invalidations that go to another session are its to hear, and are asked for when both links are up (lane-choice.ts).
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

/** What `labelCommands` would say, as text to compare; '' when it would say nothing. */
export function labelOf(state: SessionState): string {
  return state.name || state.libName || state.libVersion ? `${state.name} ${state.libName} ${state.libVersion}` : ''
}

const labels = 'CLIENT SETNAME/SETINFO'

function labelSteps(state: SessionState): Step[] {
  if (labelOf(state) === '') return []
  return labelCommands(state).map(bytes => ({ bytes, replies: 1, what: labels }))
}

/** Redis before 7.2 has no SETINFO: Holdfast alone keeps what a client says there, so nothing is lost with a link. */
function isUnknownLabel({ what }: Step, reply: string): boolean {
  return what === labels && /^ERR unknown subcommand/i.test(reply)
}

function flagSteps(context: SessionContext): Step[] {
  const { state } = context
  const steps: Step[] = []
  const add = (bytes: Buffer, what: string): number => steps.push({ bytes, replies: 1, what })
  if (state.capa) add(state.capa, 'CLIENT CAPA')
  if (state.noEvict) add(encodeCommand(['CLIENT', 'NO-EVICT', 'ON']), 'CLIENT NO-EVICT')
  if (state.noTouch) add(encodeCommand(['CLIENT', 'NO-TOUCH', 'ON']), 'CLIENT NO-TOUCH')
  if (state.importSource) add(encodeCommand(['CLIENT', 'IMPORT-SOURCE', 'ON']), 'CLIENT IMPORT-SOURCE')
  if (state.readonly) add(encodeCommand(['READONLY']), 'READONLY')
  if (state.tracking && hearsItself(context, state.tracking)) add(state.tracking, 'CLIENT TRACKING')
  return steps
}

/**
 * CLIENT CACHING holds for the next command, or for the transaction that it opens: it has been answered, that one has
 * not.
 */
function cachingDue(context: SessionContext): Buffer | null {
  const { caching, tracking } = context.state
  if (caching === null || tracking === null || !hearsItself(context, tracking)) return null
  const opened = context.transaction?.queued.length ?? 0
  return context.place - context.pending <= caching.answered + 1 + opened ? caching.frame : null
}

function listeningSteps(context: SessionContext): Step[] {
  const steps: Step[] = []
  for (const { kind, channels } of context.subscriptions.commands()) {
    const bytes = encodeCommand([kind.toUpperCase(), ...channels])
    steps.push({ bytes, replies: channels.length, what: kind.toUpperCase() })
  }
  if (context.state.monitoring) steps.push({ bytes: encodeCommand(['MONITOR']), replies: 1, what: 'MONITOR' })
  const caching = cachingDue(context)
  if (caching !== null) steps.push({ bytes: caching, replies: 1, what: 'CLIENT CACHING' })
  for (const frame of context.transaction?.queued ?? []) steps.push({ bytes: frame, replies: 1, what: 'MULTI' })
  return steps
}
