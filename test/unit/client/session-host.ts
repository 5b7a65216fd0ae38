// session-host.ts: what a session of a test has around it: real lanes, and no limit that it could reach.
import { MemoryBudget } from '../../../src/client/flow/memory-budget.ts'
import { ThrottledLog } from '../../../src/client/flow/throttled-log.ts'
import { ClientIds } from '../../../src/client/state/client-ids.ts'
import { HandoffNotices } from '../../../src/client/state/handoff-notices.ts'
import { MissedMessages } from '../../../src/client/state/missed-messages.ts'
import { Redirects } from '../../../src/client/state/redirects.ts'
import type { SessionHost } from '../../../src/client/state/session-context.ts'
import { createDenyList } from '../../../src/command/deny-list.ts'
import type { Counters } from '../../../src/ops/counters.ts'
import { createLog } from '../../../src/ops/log.ts'
import type { Lanes } from '../../../src/relay/lanes.ts'
import { createIdentity } from '../../../src/upstream/identity.ts'

// Made once: a walk makes thousands of hosts. None of these keeps anything of a session.
const log = createLog('silent')
const deny = createDenyList([])

export function sessionHost(lanes: Lanes, counters: Counters, holdLimitMs: number): SessionHost {
  return {
    lanes,
    turn: lanes.turn,
    places: null,
    counters,
    log,
    bugs: lanes.bugs,
    deny,
    pressure: new MemoryBudget(counters, 1e9, lanes.bugs),
    defaultIdentity: createIdentity(null, null, 0, 2),
    login: null,
    links: 'auto',
    maxSessionBytes: 1e9,
    maxHeldBytes: 1e9,
    highWater: 1e9,
    maxUnreadBytes: 1e9,
    limitLog: new ThrottledLog(log),
    relieve: () => {},
    redirects: new Redirects(),
    handoff: new HandoffNotices({ on: true, holdLimitMs, announced: null, later: work => work() }, counters),
    resubscribed: new MissedMessages(log),
    ids: new ClientIds(),
    sessions: new Map(),
    onClosed: () => {},
  }
}
