// counters.ts: the counters of the data plane. They are plain numbers: the hot path affords an addition, not a call.
//
// Must stay true at every moment (checked after every failover test):
//   held = drained + expired + timedOut + failed + gone + waiting
//
// A new counter needs a line here, and a row in counter-metrics.ts, which makes it a metric. The compiler asks for it.
// The rows say what each counts; the comments here say what they leave out.
import { createDetail } from './labelled-counters.ts'

export type { HoldLabel, MoveLabel, PauseEnd, SplitCause, SplitReads } from './labelled-counters.ts'
export { createSplitReads } from './labelled-counters.ts'

export type Counters = ReturnType<typeof createCounters>

/** All at zero. */
export function createCounters() {
  return {
    /** Sessions accepted, and open now. */
    sessionsTotal: 0,
    sessions: 0,
    /** Sessions that have asked to be told of holds, those of RESP2 included. */
    handoffSessions: 0,
    failingOverTold: 0,
    failedOverTold: 0,
    movingTold: 0,
    loginsRefused: 0,
    sessionsRefused: 0,
    protocolErrors: 0,
    frameTimeouts: 0,
    /** Sessions ended for a command of more than 1 GB. */
    framesTooLarge: 0,
    unreadEnded: 0,
    unansweredEnded: 0,
    killed: 0,
    bugEnded: 0,
    bugs: 0,
    argumentsRefused: 0,
    transactionsRefused: 0,
    pressurePauses: 0,
    /** Bytes read from clients that are no request yet: unfinished commands, and what waits behind a command. */
    unfinishedBytes: 0,
    transactionBytes: 0,
    unreadBytes: 0,
    commands: 0,
    /** Requests that had to wait for a link or the gate, by how their wait ended. */
    held: 0,
    drained: 0,
    expired: 0,
    /** Blocking commands whose own time-out ended while they waited: the server's answer, no expiry. */
    timedOut: 0,
    failed: 0,
    gone: 0,
    /** --dry-run: commands that came while the gate was shut. */
    wouldHold: 0,
    /** Requests that wait now, and their bytes. */
    waiting: 0,
    waitingBytes: 0,
    /** Of them, those for whom a master is served that lacks their user. */
    waitingForUser: 0,
    /** Bytes of requests without their last reply, waiting or sent, each with a fixed share for its own memory. */
    pendingBytes: 0,
    /** Requests sent again, and error replies of the server that were kept from the client. */
    replayed: 0,
    absorbed: 0,
    unknownOutcomes: 0,
    /** Policy `once`: blocks sent, the commands in them, and blocks that the server refused as a whole. */
    blocks: 0,
    blockCommands: 0,
    blocksAborted: 0,
    appliedUnanswered: 0,
    proofsLost: 0,
    markersLost: 0,
    unmarkedWrites: 0,
    /** --ack replicated: how often the master was asked, and answered with too few replicas. */
    barriers: 0,
    barriersShort: 0,
    /** Requests whose reply waits for replicas now, and the bytes of these replies. */
    withheldReplies: 0,
    withheldBytes: 0,
    unacknowledged: 0,
    refusedByBreaker: 0,
    resubscriptions: 0,
    linksOpened: 0,
    linksLost: 0,
    linksRetired: 0,
    scriptsReloaded: 0,
    trips: 0,
    /** Bytes read from and written to clients, and to the master, handshakes included. */
    clientBytesIn: 0,
    clientBytesOut: 0,
    masterBytesIn: 0,
    masterBytesOut: 0,
    tlsHandshakesFailed: 0,
    sentinelPortSessions: 0,
    sentinelPortCommands: 0,
    /** The same by label, and times. */
    detail: createDetail(),
  }
}

/** The outcome of a request is unknown. `owner`: its session. */
export function countUnknown(counters: Counters, owner: object): void {
  counters.unknownOutcomes++
  counters.detail.waits.sample?.note(owner, 'unknown')
}
