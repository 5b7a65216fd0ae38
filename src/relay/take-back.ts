// take-back.ts: makes a request ready for the front of its lane when its link is lost or its node refused it. It splits
// it into what is unanswered, applies replay-rule.ts to each part (sent again, or failed), and counts it.
// Never: says what may be sent again, touches a link or a queue (lane.ts).
import { errors } from '../errors.ts'
import { type Counters, countUnknown } from '../ops/counters.ts'
import type { LinkEnd } from '../upstream/link-end.ts'
import type { OldestLost } from './fatal-requests.ts'
import type { LaneHost } from './lane-host.ts'
import {
  classOf,
  decideReplay,
  errorFor,
  namedClassOf,
  outcomeBehindRefused,
  type RequestFate,
  remainderOf,
} from './replay-rule.ts'
import { failRequest, ofHandler, type Request } from './request.ts'

type ReplayHost = Pick<LaneHost, 'policy' | 'counters' | 'learned' | 'holdLimitMs'>

/**
 * What goes back to the front of the lane, oldest first; empty when its client is gone. 'behind-refused': it was sent
 * behind a command that the node refused because it is no master.
 */
export function takeBack(request: Request, outcome: RequestFate | 'behind-refused', host: ReplayHost): Request[] {
  return takeBackParts(request, outcome, host, outcome !== 'unsent' && host.policy.policy !== 'always')
}

/** The same of the oldest that a link owed, which may be the reason why that has ended. */
export function takeBackOldest(
  oldest: OldestLost,
  outcome: RequestFate | 'behind-refused',
  host: ReplayHost,
): Request[] {
  const { request, isFatal } = oldest
  const parts = isFatal ? takeBackFatal(request, host) : takeBack(request, outcome, host)
  oldest.again = parts[0]
  return parts
}

/**
 * All that a lost link owed. `oldest`: the first of it, if that may be the reason. `isDeposed`: the node had said itself
 * that it is no master.
 */
export function takeBackOwed(
  { owed, unsent, refused }: LinkEnd<Request>,
  { oldest, isDeposed = false }: { readonly oldest: OldestLost | null; readonly isDeposed?: boolean },
  host: ReplayHost,
): Request[] {
  return owed.flatMap((request, i) => {
    const lost = isDeposed ? 'behind-refused' : !refused ? 'unknown' : i === 0 ? 'refused' : 'behind-refused'
    const outcome = i >= owed.length - unsent ? 'unsent' : lost
    if (i === 0 && oldest !== null) return takeBackOldest(oldest, outcome, host)
    return takeBack(request, outcome, host)
  })
}

/** The server ends each link that it is sent on, before it has a reply: one command of it is not sent again. */
function takeBackFatal(request: Request, host: ReplayHost): Request[] {
  const parts = takeBackParts(request, 'unknown', host, true)
  const [only] = parts
  if (only === undefined || parts.length > 1 || only.local !== null) return parts
  const told = errorFor(only, errors.fatal, host.learned)
  if (told.executed === 'unknown') countUnknown(host.counters, only.owner)
  failRequest(only, told.reply)
  return parts
}

function takeBackParts(
  request: Request,
  outcome: RequestFate | 'behind-refused',
  host: ReplayHost,
  split: boolean,
): Request[] {
  if (request.owner.gone) {
    host.counters.pendingBytes -= request.weight
    return []
  }
  if (outcome === 'unsent' && request.sends > 0) request.sends--
  const parts = remainderOf(request, split)
  if (parts[0] !== request) settleAnswered(request, parts, host.counters)
  parts.forEach((part, i) => {
    if (part.local !== null) return
    const loss = outcome === 'refused' && i > 0 ? 'behind-refused' : outcome
    decide(part, loss === 'behind-refused' ? outcomeBehindRefused(part) : loss, host)
  })
  return parts
}

/** The commands of a split run that have had their reply are done with. */
export function settleAnswered(request: Request, parts: readonly Request[], counters: Counters): void {
  let commands = request.commands
  let weight = request.weight
  for (const part of parts) {
    commands -= part.commands
    weight -= part.weight
  }
  counters.pendingBytes -= weight
  request.owner.onAnswered(commands, weight)
}

function decide(request: Request, outcome: RequestFate, { policy, counters, learned, holdLimitMs }: ReplayHost): void {
  const matters = outcome === 'unknown' && policy.policy !== 'always'
  // It may be sent again as late as that: a time that is written out is to be ahead then, too.
  const latestMs = Date.now() + holdLimitMs
  const cls = matters ? (request.cls ?? classOf(request, latestMs, learned)) : 'read'
  const error = decideReplay(outcome, cls, request.sends, policy)
  if (error !== null) {
    const told = errorFor(request, error, learned)
    if (told.executed === 'unknown') countUnknown(counters, request.owner)
    failRequest(request, told.reply)
    return
  }
  if (matters && request.handler?.onDoubt !== undefined) {
    const asItIs = decideReplay(outcome, classOf(request, latestMs, learned), request.sends, policy)
    if (asItIs !== null) ofHandler(request, handler => handler.onDoubt?.(asItIs.reply))
  }
  const reason = outcome === 'refused' ? 'refused' : 'lost'
  if (outcome !== 'unsent') counters.detail.replays.add(`${namedClassOf(request)} ${reason}`)
  if (request.unit) restartUnit(request, request.replies - request.expect)
  else request.expect = request.commands
}

/**
 * Makes a unit ready to be sent again as a whole. `passed`: replies of this time that went to the client. Those it has
 * from this time or an earlier one are discarded.
 */
export function restartUnit(request: Request, passed: number): void {
  request.given = Math.max(request.given, passed)
  request.skip = request.handler === null ? request.given : 0
  request.expect = request.replies
  request.inspect = true
  if (request.handler !== null) ofHandler(request, handler => handler.onReplay?.(request))
}
