// host.ts — what a session is given by the program around it.
import type { DenyList } from '../../command/deny-list.ts'
import type { Bugs } from '../../ops/bugs.ts'
import type { Counters } from '../../ops/counters.ts'
import type { Log } from '../../ops/log.ts'
import type { Lanes } from '../../relay/lanes.ts'
import type { Identity } from '../../upstream/identity.ts'
import type { Turn } from '../../upstream/turn.ts'
import type { LimitLog } from '../flow/limit-log.ts'
import type { MemoryBudget } from '../flow/memory-budget.ts'
import type { MissedMessages } from '../state/missed-messages.ts'
import type { ProxyPassword } from '../state/proxy-password.ts'
import type { Directory, SessionContext } from '../state/session-context.ts'
import type { Redirects } from '../state/tracking-redirects.ts'

export interface SessionHost {
  readonly lanes: Lanes
  readonly turn: Turn
  readonly counters: Counters
  readonly log: Log
  readonly bugs: Bugs
  readonly deny: DenyList
  readonly pressure: MemoryBudget
  readonly defaultIdentity: Identity
  /** Who may work here; null: whoever connects, and Redis judges their AUTH. */
  readonly login: ProxyPassword | null
  /** `private`: each session has a link of its own from the start. */
  readonly links: 'auto' | 'private'
  /** Unanswered command bytes of one session, and of all, beyond which clients are not read from. */
  readonly maxSessionBytes: number
  readonly maxHeldBytes: number
  /** From here on it is worth asking `pressure`. */
  readonly highWater: number
  /** Replies that one client has not taken, beyond which its session is ended. */
  readonly maxUnreadBytes: number
  readonly limitLog: LimitLog
  readonly resubscribed: MissedMessages
  /** All clients together leave too much unread: ends those who leave most. */
  readonly relieve: () => void
  /** Sessions whose invalidations go to another one. */
  readonly redirects: Redirects
  readonly directory: Directory
  findSession(id: number): SessionContext | undefined
  onClosed(session: { readonly id: number }): void
}
