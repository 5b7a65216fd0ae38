// session-context.ts: types alone. SessionContext is a session as command handlers see it; SessionHost is what the
// program gives every session (lanes, counters, limits, the other sessions); LaneMoves is how a handler asks for
// another lane.
import type { DenyList } from '../../command/deny-list.ts'
import type { Blamed, Bugs } from '../../ops/bugs.ts'
import type { Counters } from '../../ops/counters.ts'
import type { Log } from '../../ops/log.ts'
import type { Lane } from '../../relay/lane.ts'
import type { Lanes } from '../../relay/lanes.ts'
import type { ReadPlaces } from '../../relay/read-place.ts'
import type { Request, RequestOwner } from '../../relay/request.ts'
import type { Identity } from '../../upstream/identity.ts'
import type { Turn } from '../../upstream/turn.ts'
import type { MemoryBudget } from '../flow/memory-budget.ts'
import type { ReplyWindow } from '../flow/reply-window.ts'
import type { ThrottledLog } from '../flow/throttled-log.ts'
import type { ClientIds } from './client-ids.ts'
import type { HandoffNotices } from './handoff-notices.ts'
import type { MissedMessages } from './missed-messages.ts'
import type { ProxyPassword } from './proxy-password.ts'
import type { Redirects } from './redirects.ts'
import type { SessionState } from './session-state.ts'
import type { ClientEnds } from './socket-addresses.ts'
import type { Subscriptions } from './subscriptions.ts'
import type { Transaction } from './transaction.ts'
import type { WaitAnswers } from './wait-answers.ts'

/** What the program gives the listener for its sessions. */
export interface ListenerHost {
  readonly lanes: Lanes
  readonly turn: Turn
  /** Where reads may go besides these lanes (--read-split); null: nowhere. */
  readonly places: (() => ReadPlaces | null) | null
  readonly counters: Counters
  readonly log: Log
  readonly bugs: Bugs
  readonly deny: DenyList
  readonly pressure: MemoryBudget
  readonly defaultIdentity: Identity
  /** Who may work here; null: everybody who connects, and Redis judges their AUTH. */
  readonly login: ProxyPassword | null
  /** `private`: each session has a link of its own from the start. */
  readonly links: 'auto' | 'private'
  /** Unanswered command bytes of one session, and of all, beyond which clients are not read from. */
  readonly maxSessionBytes: number
  readonly maxHeldBytes: number
  /** Replies that one client has not taken, beyond which its session is ended. */
  readonly maxUnreadBytes: number
}

/** What the program around it gives a session. */
export interface SessionHost extends ListenerHost {
  /** Half of `maxHeldBytes`: from here on `pressure` is asked; open MULTIs may hold this much together. */
  readonly highWater: number
  readonly limitLog: ThrottledLog
  readonly resubscribed: MissedMessages
  /** Who is told of holds. */
  readonly handoff: HandoffNotices
  /** All clients together leave too much unread: ends those who leave most. */
  readonly relieve: () => void
  /** Sessions whose invalidations go to another one. */
  readonly redirects: Redirects
  readonly ids: ClientIds
  /** All sessions of the port by their numbers, in the order in which they came. */
  readonly sessions: ReadonlyMap<number, SessionContext>
  onClosed(session: { readonly id: number }): void
}

export interface SessionContext extends Blamed {
  readonly id: number
  readonly state: SessionState
  readonly subscriptions: Subscriptions
  /** What WAIT may say of its writes. */
  readonly waits: WaitAnswers
  /** How many commands have been submitted. */
  readonly place: number
  transaction: Transaction | null
  readonly host: SessionHost
  /** Always true without --client-password. */
  readonly signedIn: boolean
  signIn(): void
  /** RESET; changes nothing without --client-password. */
  signOut(): void
  /** Bytes of replies that the client has not taken. */
  readonly unread: number
  /** The client id that it is told, see client-ids.ts. */
  readonly clientId: number
  /** Its two ends, as a server would list them. */
  readonly ends: ClientEnds
  /** performance.now() of its beginning, and about that of the last bytes from it. */
  readonly openedAt: number
  readonly lastReadAt: number
  /** As CLIENT LIST shows it: `client|setname`. */
  lastCommand: string
  /** Ends the session as CLIENT KILL does; one that ends itself gets its replies first. `by`: the id of who asked. */
  kill(by: number): void
  /** Ends a session whose client does not read: the server ended its link, or it has not signed in. */
  endUnread(why: 'server' | 'signed-out'): void
  /** The session's own link is lost. What it owed is sent again, unless the session ends here. */
  onLinkLost(): void
  /** Ends the session at once. */
  destroy(): void
  /** The client has sent its last byte: it may be gone, and nothing may block or wait for it. */
  readonly inputEnded: boolean
  /** Was this command offered before with the outcome `look`, and has the client been read from since? */
  hasLooked(): boolean
  /** The client is gone. */
  readonly gone: boolean
  /** Nothing more is read from the client: QUIT, a protocol error, its own CLIENT KILL. */
  readonly ending: boolean
  /** Commands without their last reply. */
  readonly pending: number
  readonly isPrivate: boolean
  readonly replies: ReplyWindow
  readonly lane: Lane
  /** Who gets the replies of the next command: the client, or nobody (CLIENT REPLY OFF or SKIP). */
  replyTo(): RequestOwner
  submit(request: Request): void
  /** A reply of Holdfast's own, in its place behind what is unanswered. */
  answer(reply: Buffer): void
  /** Bytes to the client now, whatever is unanswered. */
  deliver(bytes: Buffer): void
  readonly choice: LaneMoves
  /** Ends the session when everything before is answered and written. */
  closeAfterReplies(): void
}

/** How a session comes to another lane, see lane-choice.ts. */
export interface LaneMoves {
  /** Makes sure the session has a link of its own. False: earlier commands are unanswered, it has to `wait`. */
  takePrivate(): boolean
  /** The same for a login: a link that is signed in as nobody, unless the session has one of its own already. */
  takeForLogin(): boolean
  /** The same for SCRIPT KILL and its like: a link that comes up on a node that answers BUSY to all else. */
  takeForRescue(): boolean
  /** The identity in `state` has changed: use its lane from now on. */
  identityChanged(): void
  /** The session's own link no longer is what its identity says (RESET): a new one replaces it. */
  renew(): void
  /** Sends this session's CLIENT TRACKING again, because the link it redirects to is a new one. */
  trackAgain(): void
}
