// session-context.ts — a session as the code sees it that decides what to do with a command: its state, its lane, its ways to
// answer. Implemented by session.ts alone.
import type { DenyList } from '../../command/deny-list.ts'
import type { LearnedCommands } from '../../command/learned-commands.ts'
import type { Blamed } from '../../ops/bugs.ts'
import type { Counters } from '../../ops/counters.ts'
import type { Log } from '../../ops/log.ts'
import type { Right } from '../../ops/missing-rights.ts'
import type { Lane } from '../../relay/lane.ts'
import type { Request, RequestOwner } from '../../relay/request.ts'
import type { Scripts } from '../../relay/script-store.ts'
import type { Identity } from '../../upstream/identity.ts'
import type { OwnLinks } from '../../upstream/own-links.ts'
import type { LimitLog } from '../flow/limit-log.ts'
import type { ClientEnds } from './client-ends.ts'
import type { ClientIds } from './client-ids.ts'
import type { ProxyPassword } from './proxy-password.ts'
import type { SessionState } from './session-state.ts'
import type { Subscriptions } from './subscriptions.ts'
import type { Transaction } from './transaction.ts'
import type { WaitTruth } from './wait-truth.ts'

/** What one session may know of the others: who there is, by which id, and what of the server's clients is ours. */
export interface Directory {
  readonly ids: ClientIds
  /** All sessions of this proxy, in the order in which they came. */
  sessions(): Iterable<SessionContext>
  /** Which clients of the server are links of this process now. */
  ownLinks(): OwnLinks
}

export interface SessionContext extends Blamed {
  readonly id: number
  readonly state: SessionState
  readonly subscriptions: Subscriptions
  /** What WAIT may say of its writes. */
  readonly waits: WaitTruth
  /** Its user lacks a right that Holdfast needs for what it asks. */
  logMissingRight(right: Right): void
  /** How many commands have been submitted. */
  readonly place: number
  transaction: Transaction | null
  readonly deny: DenyList
  readonly counters: Counters
  readonly log: Log
  readonly limitLog: LimitLog
  /** Bytes that the open MULTIs of all sessions may hold together. */
  readonly maxTransactionBytes: number
  /** The identity of a session that has not said who it is. */
  readonly defaultIdentity: Identity
  /** Null: clients sign in at Redis. */
  readonly login: ProxyPassword | null
  /** Always true without `login`. */
  readonly signedIn: boolean
  signIn(): void
  /** RESET; without `login` it changes nothing. */
  signOut(): void
  /** The client's address, for logs. */
  readonly peer: string
  /** Bytes of replies that the client has not taken. */
  readonly unread: number
  /** What the master says of commands that the table does not know. */
  readonly learned: LearnedCommands
  /** Scripts that clients of this proxy have shown it. */
  readonly scripts: Scripts
  /** The mark of today's cursors, see scan.ts. */
  readonly scanMark: () => number
  /** The client id that it is told, see client-ids.ts. */
  readonly clientId: number
  /** Its two ends, as a server would list them. */
  readonly ends: ClientEnds
  /** performance.now() of its beginning, and about that of the last bytes from it. */
  readonly openedAt: number
  readonly lastReadAt: number
  /** As CLIENT LIST shows it: `client|setname`. */
  lastCommand: string
  /** All sessions, and which clients of the server are links of ours. */
  readonly directory: Directory
  /** Ends the session as CLIENT KILL does; itself, once its replies are written. `by`: the id of who asked for it. */
  kill(by: number): void
  /** The session with this number. */
  findSession(id: number): SessionContext | undefined
  /** CLIENT TRACKING sends this session's invalidations to that one. */
  redirectTo(session: number | undefined): void
  /** Sends this session's CLIENT TRACKING again, because the link it redirects to is a new one. */
  trackAgain(): void
  /** Tells the client that all it has cached may be out of date. */
  forgetAll(): void
  /** Ends the session, whose client does not read: the server has. */
  endUnread(why: 'server'): void
  /** The session's own link is gone; what it owed is about to be sent again, unless the session ends here. */
  onLinkLost(): void
  /** Ends the session at once. */
  destroy(): void
  /** The client has sent its last byte: it may be gone, and nothing may block or wait for it. */
  readonly inputEnded: boolean
  /** Has the client been read from since this command came? If not, the caller gives up, and the command is offered again. */
  lookAgain(): boolean
  /** The client is gone. */
  readonly gone: boolean
  /** Nothing more is read from the client: QUIT, a protocol error, its own CLIENT KILL. */
  readonly ending: boolean
  /** Commands without their last reply. */
  readonly pending: number
  readonly isPrivate: boolean
  /** Its replies are large or it is slow to take them, see reply-window.ts. */
  readonly heavy: boolean
  readonly lane: Lane
  /** Who hears the replies of the next command: the client, or nobody (CLIENT REPLY OFF or SKIP). */
  replyTo(): RequestOwner
  submit(request: Request): void
  /** A reply of our own, in its place behind what is unanswered. */
  answer(reply: Buffer): void
  /** Bytes to the client now, whatever is unanswered. */
  push(bytes: Buffer): void
  /**
   * Makes sure the session has a link of its own. Answers false when earlier commands must be answered first: the
   * caller gives up, and the same command is offered again then.
   */
  takePrivate(): boolean
  /** The same for a login: a link that is signed in as nobody, unless the session has one of its own already. */
  takeForLogin(): boolean
  /** The same for SCRIPT KILL and its like: a link that comes up on a node that answers BUSY to all else. */
  takeForRescue(): boolean
  /** No further command is looked at before all earlier ones are answered: their replies may change what it means. */
  waitForReplies(): void
  /** The identity in `state` has changed: use its lane from now on. */
  identityChanged(): void
  /** The session's own link no longer is what its identity says (RESET): it is given up for a new one. */
  renewLink(): void
  /** Ends the session once everything before has been answered and written. */
  closeAfterReplies(): void
}
