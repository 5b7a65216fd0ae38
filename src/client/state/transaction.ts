// transaction.ts: an open MULTI of a session with a link of its own: what has been queued, so that it can be queued
// again on a new master, and whether its EXEC may still run.

import type { ReplayClass } from '../../command/command-spec.ts'
import type { Counters } from '../../ops/counters.ts'
import { REQUEST_BYTES } from '../../relay/request.ts'

export interface Transaction {
  /** MULTI and the commands that the server has answered with QUEUED, as frames, oldest first; empty before MULTI's +OK. */
  readonly queued: Buffer[]
  /** The worst class of the commands inside, for an EXEC whose outcome is unknown. */
  cls: ReplayClass
  /** A command was refused at queue time (by the server or by us): EXEC answers EXECABORT, as the server would. */
  aborted: boolean
  /**
   * The server has refused a command on the link that is up now: it aborts EXEC itself, in words of its own (it may be busy
   * still, which nobody else knows).
   */
  abortedAtServer: boolean
  /** MULTI itself never reached a server: nothing is queued anywhere, and EXEC has nothing to discard. */
  detached: boolean
  /** When it was given up, in milliseconds of performance.now(). */
  detachedAt: number
  /** Its EXEC has its reply or its error: nothing more of it may reach a server. */
  over: boolean
  /** What queued connection commands (SELECT, HELLO, ...) do to the session once EXEC has run them, by their place. */
  readonly effects: Map<number, (reply: Buffer) => void>
  /** What `queued` costs, as counted in the counters. */
  bytes: number
  /** Commands accepted so far, that is, the next one's place in EXEC's reply. */
  count: number
}

/** Just opened. */
export function createTransaction(): Transaction {
  return {
    queued: [],
    cls: 'read',
    aborted: false,
    abortedAtServer: false,
    detached: false,
    detachedAt: 0,
    over: false,
    effects: new Map(),
    bytes: 0,
    count: 0,
  }
}

/** A queued command, kept for a new master. */
export function remember(transaction: Transaction, frame: Buffer, counters: Counters): void {
  const cost = frame.length + REQUEST_BYTES
  transaction.queued.push(frame)
  transaction.bytes += cost
  counters.transactionBytes += cost
}

/** What a client had sent before it could read that its MULTI has failed arrives well within this. */
const STRAGGLERS_MS = 1000

/**
 * Its MULTI got an error, and that so long ago that the client has read it: what it sends now is no part of a transaction.
 * Sooner, commands that were on their way behind the MULTI must not run on their own.
 */
export function isForgotten({ detached, detachedAt }: Transaction, now: number): boolean {
  return detached && now - detachedAt > STRAGGLERS_MS
}

/** No transaction is open any more. */
export function endTransaction(session: {
  transaction: Transaction | null
  readonly host: { readonly counters: Counters }
}): void {
  session.host.counters.transactionBytes -= session.transaction?.bytes ?? 0
  session.transaction = null
}

export const execAborted = Buffer.from('-EXECABORT Transaction discarded because of previous errors.\r\n')
