// transaction.ts: an open MULTI of a session with a link of its own: the commands in its queue, which a new master is
// given again, and whether EXEC may still run.

import type { ReplayClass } from '../../command/command-spec.ts'
import type { Counters } from '../../ops/counters.ts'
import { REQUEST_BYTES } from '../../relay/request.ts'

/**
 * - `open`: EXEC may run.
 * - `aborted`: a command was refused at queue time, and EXEC answers EXECABORT as the server would. `atServer`: the
 *   server refused it on the link that is up now, and aborts EXEC itself, in its own words (it may still be busy).
 * - `detached`: MULTI never reached a server, and its client was told so at `atMs` (performance.now()). Nothing is
 *   queued anywhere, and EXEC has nothing to discard.
 */
export type TransactionStatus =
  | { readonly kind: 'open' }
  | { readonly kind: 'aborted'; readonly atServer: boolean }
  | { readonly kind: 'detached'; readonly atMs: number }

export class Transaction {
  status: TransactionStatus = { kind: 'open' }
  /**
   * The frames of MULTI, of the commands that the server queued, and of MULTI and WATCH inside, which it refused; oldest
   * first; empty before MULTI's +OK.
   */
  readonly queued: Buffer[] = []
  /** The worst class of the commands inside: that of an EXEC whose outcome is unknown. */
  cls: ReplayClass = 'read'
  /** Its MULTI has gone to a server and is unanswered; what was sent before it is not of the transaction. */
  isSent = false
  /** EXEC has its reply or its error: nothing more of the transaction may reach a server. */
  over = false
  /** What queued connection commands (SELECT, HELLO, ...) do to the session when EXEC has run them, by their place. */
  readonly effects = new Map<number, (reply: Buffer) => void>()
  /** What `queued` costs, as the counters have it. */
  bytes = 0
  /** Commands accepted so far, which is the next one's place in EXEC's reply. */
  count = 0
}

/** A command was refused at queue time, by the server on the link that is up or by us. A detached one stays so. */
export function abort(transaction: Transaction, by: 'server' | 'holdfast'): void {
  const { status } = transaction
  if (status.kind === 'detached') return
  const atServer = by === 'server' || (status.kind === 'aborted' && status.atServer)
  transaction.status = { kind: 'aborted', atServer }
}

/** A new link knows nothing of what the lost one refused. */
export function forgetLink(transaction: Transaction): void {
  if (transaction.status.kind === 'aborted') transaction.status = { kind: 'aborted', atServer: false }
}

/** What the session's link gets now is queued there. */
export function isOpenAtServer({ isSent, queued }: Transaction): boolean {
  return isSent || queued.length > 0
}

/** Keeps a queued command for a new master. */
export function remember(transaction: Transaction, frame: Buffer, counters: Counters): void {
  const cost = frame.length + REQUEST_BYTES
  transaction.queued.push(frame)
  transaction.bytes += cost
  counters.transactionBytes += cost
}

/** Commands that a client sent before it read that its MULTI failed arrive within this time. */
const STRAGGLERS_MS = 1_000

/**
 * MULTI failed, and so long ago that its client knows: what comes now is no part of the transaction. Before that,
 * commands that were on their way behind the MULTI must not run on their own.
 */
export function isForgotten({ status }: Transaction, now: number): boolean {
  return status.kind === 'detached' && now - status.atMs > STRAGGLERS_MS
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
