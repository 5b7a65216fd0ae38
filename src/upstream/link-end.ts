// link-end.ts: how a link has ended and what it leaves behind: all that whoever sends again knows of it. Types only.
/** Why it has ended; a label of a metric. */
export type CloseReason =
  | 'dial-failed'
  | 'dial-timeout'
  | 'peer-closed'
  | 'reset'
  | 'broken-reply'
  | 'handshake'
  | 'cut'
  | 'bug'

/** How a link has ended, and what it leaves behind. */
export interface LinkEnd<E> {
  readonly reason: CloseReason
  readonly detail: string
  /** Of a link that was ready: what it owes may have run. */
  readonly wasReady: boolean
  /** Every exchange without its last reply, oldest first; the last `unsent` never reached the socket. */
  readonly owed: readonly E[]
  readonly unsent: number
  /** True: its owner has cut it because the node refused the first of `owed`. */
  readonly refused: boolean
}
