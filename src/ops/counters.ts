// counters.ts: the counters of the data plane. They are plain numbers: the hot path affords an addition, not a call.
//
// Must stay true at every moment (checked after every failover test):
//   held = drained + expired + timedOut + failed + gone + waiting
//
// A new counter needs a line here, and a row in counter-metrics.ts, which makes it a metric. The compiler asks for it.
import { createDetail } from './labelled-counters.ts'

export type { HoldLabel } from './labelled-counters.ts'

export type Counters = ReturnType<typeof createCounters>

/** All at zero. */
export function createCounters() {
  return {
    /** Sessions accepted, and open now. */
    sessionsTotal: 0,
    sessions: 0,
    /** Refused logins at Holdfast (--client-password). */
    loginsRefused: 0,
    /** Clients turned away because of --max-sessions. */
    sessionsRefused: 0,
    /** Sessions ended for bytes that are no commands. */
    protocolErrors: 0,
    /** Sessions ended for a command that its client did not finish in time. */
    frameTimeouts: 0,
    /** Sessions ended for a command of more than 1 GB. */
    framesTooLarge: 0,
    /** Sessions ended for unread replies. */
    unreadEnded: 0,
    /** Sessions ended because they send on and on and do not read. */
    unansweredEnded: 0,
    /** Sessions ended by a CLIENT KILL of a client. */
    killed: 0,
    /** Sessions ended by an exception of ours, and steps of no session that one cut short. */
    bugEnded: 0,
    bugs: 0,
    /** Commands refused for having too many arguments. */
    argumentsRefused: 0,
    /** Commands refused because the open MULTIs hold too much. */
    transactionsRefused: 0,
    /** Times that reading from a session paused because all together hold too much. */
    pressurePauses: 0,
    /** Bytes read from clients that are no request yet: unfinished commands, and what waits behind a command. */
    unfinishedBytes: 0,
    /** Bytes of commands queued in open MULTIs. */
    transactionBytes: 0,
    /** Bytes of replies that clients have not taken, of clients with more than 64 KB of them. */
    unreadBytes: 0,
    /** Commands of clients. */
    commands: 0,
    /** Requests that had to wait for a link or the gate, by how their wait ended. */
    held: 0,
    drained: 0,
    expired: 0,
    /** Blocking commands whose own time-out ended while they waited: they got the server's answer and did not expire. */
    timedOut: 0,
    failed: 0,
    gone: 0,
    /** Requests that wait now, and their bytes. */
    waiting: 0,
    waitingBytes: 0,
    /** Bytes of requests without their last reply, waiting or sent, each with a fixed share for its own memory. */
    pendingBytes: 0,
    /** Requests sent again, and error replies of the server that were kept from the client. */
    replayed: 0,
    absorbed: 0,
    /** Our own error replies: the outcome is unknown; the breaker was open. */
    unknownOutcomes: 0,
    refusedByBreaker: 0,
    /** Subscriptions made again on a new master. */
    resubscriptions: 0,
    linksOpened: 0,
    linksLost: 0,
    /** Silent links whose node answered others: sessions went on with a fresh one. */
    linksRetired: 0,
    /** Scripts given to new masters. */
    scriptsReloaded: 0,
    /** How often the breaker opened. */
    trips: 0,
    /** Bytes read from and written to clients, and to the master, handshakes included. */
    clientBytesIn: 0,
    clientBytesOut: 0,
    masterBytesIn: 0,
    masterBytesOut: 0,
    /** Clients that did not get through their TLS handshake. */
    tlsHandshakesFailed: 0,
    /** The same by label, and times. */
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
