// handoff.ts: CLIENT MAINT_NOTIFICATIONS, by which a client asks to be told of holds and of the end of Holdfast.
//
//   CLIENT MAINT_NOTIFICATIONS ON [moving-endpoint-type TYPE] | OFF
//
// Redis Software and Redis Cloud know it; Redis, Valkey and Sentinel do not. So no server is asked, and no link is told:
// it belongs to the session, whatever link that is on. state/handoff-notices.ts does the telling.
import { errors } from '../../errors.ts'
import type { MovingEndpoint } from '../state/handoff-notices.ts'
import type { SessionContext } from '../state/session-context.ts'
import { answerOutside } from './client-id.ts'
import type { Outcome } from './command-outcome.ts'
import { okReply } from './constant-replies.ts'

/** Answers OK on RESP2 too: Lettuce asks there, and gets OK and nothing else. */
export function handleMaintNotifications(context: SessionContext, args: readonly Buffer[]): Outcome {
  const { handoff } = context.host
  if (!handoff.on) return 'pass'
  // What is told comes behind the OK, and that comes behind all replies before it.
  if (context.pending > 0) return 'wait'
  const wish = readWish(args.slice(2).map(arg => arg.toString('latin1', 0, 64).toLowerCase()))
  return answerOutside(context, () => {
    if (wish === null) return errors.syntax.reply
    if (wish === 'off') handoff.delete(context.id)
    else if (!context.gone) handoff.add(context, wish)
    return okReply
  })
}

/** null: no such form. */
function readWish([mode, option, type, ...more]: readonly string[]): MovingEndpoint | 'off' | null {
  if (more.length > 0) return null
  if (mode === 'off') return option === undefined ? 'off' : null
  if (mode !== 'on') return null
  if (option === undefined) return 'none'
  if (option !== 'moving-endpoint-type') return null
  if (type === 'none') return 'none'
  return addressTypes.has(type ?? '') ? 'address' : null
}

const addressTypes: ReadonlySet<string> = new Set(['internal-ip', 'external-ip', 'internal-fqdn', 'external-fqdn'])
