// counters.ts: the counters of the data plane. They are plain numbers: the hot path affords an addition, not a call.
//
// Must stay true at every moment (checked after every failover test):
//   held = drained + expired + timedOut + failed + gone + waiting
//
// A new counter needs a line in the interface, its zero, and a row in counter-metrics.ts, which makes it a metric. The
// compiler asks for all three.
import { createDetail, type Detail } from './labelled-counters.ts'

export type { HoldLabel } from './labelled-counters.ts'

export interface Counters {
  /** Sessions accepted, and open now. */
  sessionsTotal: number
  sessions: number
  /** Refused logins at Holdfast (--client-password). */
  loginsRefused: number
  /** Clients turned away because of --max-sessions. */
  sessionsRefused: number
  /** Sessions ended for bytes that are no commands. */
  protocolErrors: number
  /** Sessions ended for a command that its client did not finish in time. */
  frameTimeouts: number
  /** Sessions ended for a command of more than 1 GB. */
  framesTooLarge: number
  /** Sessions ended for unread replies. */
  unreadEnded: number
  /** Sessions ended because they send on and on and do not read. */
  unansweredEnded: number
  /** Sessions ended by a CLIENT KILL of a client. */
  killed: number
  /** Sessions ended by an exception of ours, and steps of no session that one cut short. */
  bugEnded: number
  bugs: number
  /** Commands refused for having too many arguments. */
  argumentsRefused: number
  /** Commands refused because the open MULTIs hold too much. */
  transactionsRefused: number
  /** Times that reading from a session paused because all together hold too much. */
  pressurePauses: number
  /** Bytes read from clients that are no request yet: unfinished commands, and what waits behind a command. */
  unfinishedBytes: number
  /** Bytes of commands queued in open MULTIs. */
  transactionBytes: number
  /** Bytes of replies that clients have not taken, of clients with more than 64 KB of them. */
  unreadBytes: number
  /** Commands of clients. */
  commands: number
  /** Requests that had to wait for a link or the gate, by how their wait ended. */
  held: number
  drained: number
  expired: number
  /** Blocking commands whose own time-out ended while they waited: they got the server's answer and did not expire. */
  timedOut: number
  failed: number
  gone: number
  /** Requests that wait now, and their bytes. */
  waiting: number
  waitingBytes: number
  /** Bytes of requests without their last reply, waiting or sent, each with a fixed share for its own memory. */
  pendingBytes: number
  /** Requests sent again, and error replies of the server that were kept from the client. */
  replayed: number
  absorbed: number
  /** Our own error replies: the outcome is unknown; the breaker was open. */
  unknownOutcomes: number
  refusedByBreaker: number
  /** Subscriptions made again on a new master. */
  resubscriptions: number
  linksOpened: number
  linksLost: number
  /** Silent links whose node answered others: sessions went on with a fresh one. */
  linksRetired: number
  /** Scripts given to new masters. */
  scriptsReloaded: number
  /** How often the breaker opened. */
  trips: number
  /** Bytes read from and written to clients, and to the master, handshakes included. */
  clientBytesIn: number
  clientBytesOut: number
  masterBytesIn: number
  masterBytesOut: number
  /** Clients that did not get through their TLS handshake. */
  tlsHandshakesFailed: number
  /** The same by label, and times. */
  readonly detail: Detail
}

export function createCounters(): Counters {
  return {
    sessionsTotal: 0,
    sessions: 0,
    loginsRefused: 0,
    sessionsRefused: 0,
    protocolErrors: 0,
    frameTimeouts: 0,
    framesTooLarge: 0,
    unreadEnded: 0,
    unansweredEnded: 0,
    killed: 0,
    bugEnded: 0,
    bugs: 0,
    argumentsRefused: 0,
    transactionsRefused: 0,
    pressurePauses: 0,
    unfinishedBytes: 0,
    transactionBytes: 0,
    unreadBytes: 0,
    commands: 0,
    held: 0,
    drained: 0,
    expired: 0,
    timedOut: 0,
    failed: 0,
    gone: 0,
    waiting: 0,
    waitingBytes: 0,
    pendingBytes: 0,
    replayed: 0,
    absorbed: 0,
    unknownOutcomes: 0,
    refusedByBreaker: 0,
    resubscriptions: 0,
    linksOpened: 0,
    linksLost: 0,
    linksRetired: 0,
    scriptsReloaded: 0,
    trips: 0,
    clientBytesIn: 0,
    clientBytesOut: 0,
    masterBytesIn: 0,
    masterBytesOut: 0,
    tlsHandshakesFailed: 0,
    detail: createDetail(),
  }
}

/** What does not add up; undefined where the sum is right. */
export function imbalance(counters: Counters): string | undefined {
  const { held, drained, expired, timedOut, failed, gone, waiting } = counters
  if (held === drained + expired + timedOut + failed + gone + waiting) return undefined
  const parts = { drained, expired, timedOut, failed, gone, waiting }
  const sum = Object.entries(parts).map(([name, value]) => `${name} ${value}`)
  return `held ${held} != ${sum.join(' + ')}`
}
