// counter-metrics.ts: the metric of each counter: one row per field of Counters.
//
// The compiler asks for a row for every field, so every count can be seen. docs/metrics.md is made from the rows (npm
// run metrics).
import type { Counters } from './counters.ts'

export interface CounterRow {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  /** It counts what belongs to no master: with several masters it has no label that names one. */
  readonly ofProgram?: true
  /** Rows of one name differ in this label. */
  readonly label?: readonly [name: string, value: string]
}

const counter = (name: string, help: string): CounterRow => ({ name, type: 'counter', help })
const gauge = (name: string, help: string): CounterRow => ({ name, type: 'gauge', help })
/** Makes the rows of one counter, which differ in the value of this label. */
const counterBy =
  (label: string, name: string, help: string) =>
  (value: string): CounterRow => ({ ...counter(name, help), label: [label, value] })

const ended = counterBy(
  'reason',
  'holdfast_sessions_ended_total',
  'Sessions that Holdfast ended: bytes that are no commands (protocol), a command not finished in time ' +
    '(frame-timeout) or too large (frame-size), replies that the client does not read (unread), commands that it ' +
    'sends on and on without reading replies (unanswered), CLIENT KILL (killed), an error in Holdfast (bug).',
)
const notice = counterBy(
  'notice',
  'holdfast_handoff_notices_total',
  'Handoff notifications sent to clients that have asked: a hold begins (failing-over) or is over (failed-over), ' +
    'or Holdfast stops (moving).',
)
const refused = counterBy(
  'reason',
  'holdfast_commands_refused_total',
  'Commands refused because they have too many arguments, or because the open MULTIs hold too much.',
)
const held = counterBy(
  'end',
  'holdfast_held_ended_total',
  "Requests whose wait has ended: sent (drained), out of time (expired), at the end of a blocking command's own " +
    'time-out (timed-out), refused for good (failed), or without a client (gone). ' +
    'With holdfast_held_requests they add up to holdfast_held_total.',
)
const clientBytes = counterBy(
  'direction',
  'holdfast_client_bytes_total',
  'Bytes read from clients (in) and written to them (out).',
)
const masterBytes = counterBy(
  'direction',
  'holdfast_master_bytes_total',
  'Bytes read from the master (in) and written to it (out).',
)

/** null: another metric says the same in more detail. */
export const counterRows: Readonly<Record<Exclude<keyof Counters, 'detail'>, CounterRow | null>> = {
  sessions: gauge('holdfast_sessions', 'Open client connections.'),
  handoffSessions: gauge(
    'holdfast_handoff_sessions',
    'Sessions that have asked to be told of holds (CLIENT MAINT_NOTIFICATIONS); those of RESP2 are not told.',
  ),
  failingOverTold: notice('failing-over'),
  failedOverTold: notice('failed-over'),
  movingTold: notice('moving'),
  sessionsTotal: counter('holdfast_sessions_accepted_total', 'Accepted client connections.'),
  sessionsRefused: counter(
    'holdfast_sessions_refused_total',
    'Clients turned away because of --max-sessions, or of the limit of open files.',
  ),
  loginsRefused: counter('holdfast_logins_refused_total', 'Refused logins at Holdfast (--client-password).'),
  protocolErrors: ended('protocol'),
  frameTimeouts: ended('frame-timeout'),
  framesTooLarge: ended('frame-size'),
  unreadEnded: ended('unread'),
  unansweredEnded: ended('unanswered'),
  killed: ended('killed'),
  bugEnded: ended('bug'),
  bugs: {
    ...counter(
      'holdfast_bugs_total',
      'Errors in Holdfast that ended one step and no session; the log has each as process.bug.',
    ),
    ofProgram: true,
  },
  argumentsRefused: refused('arguments'),
  transactionsRefused: refused('transaction-bytes'),
  pressurePauses: counter(
    'holdfast_pressure_pauses_total',
    'Times that Holdfast stopped reading from a session because all together hold too much (--max-held-bytes).',
  ),
  unfinishedBytes: gauge('holdfast_unfinished_bytes', 'Bytes from clients that are no request yet.'),
  transactionBytes: gauge('holdfast_transaction_bytes', 'Bytes of commands queued in open MULTIs.'),
  unreadBytes: gauge(
    'holdfast_unread_bytes',
    'Bytes of replies that clients have not taken, of clients with more than 64 KB of them.',
  ),
  commands: null,
  held: counter('holdfast_held_total', 'Requests that could not be sent at once.'),
  drained: held('drained'),
  expired: held('expired'),
  timedOut: held('timed-out'),
  failed: held('failed'),
  gone: held('gone'),
  wouldHold: counter(
    'holdfast_dry_run_commands_total',
    'With --dry-run: commands that came while the gate was shut, and would have been held.',
  ),
  waiting: gauge('holdfast_held_requests', 'Requests that wait to be sent.'),
  waitingBytes: gauge('holdfast_held_bytes', 'Bytes of the requests that wait to be sent.'),
  waitingForUser: gauge(
    'holdfast_held_for_user_requests',
    'Requests that wait because the new master lacks their user; holdfast_held_requests counts them, too.',
  ),
  pendingBytes: gauge(
    'holdfast_pending_bytes',
    'Bytes of requests without their last reply, sent or waiting; --max-held-bytes bounds them.',
  ),
  replayed: counter('holdfast_resent_total', 'Requests that Holdfast sent to a master more than once.'),
  absorbed: null,
  unknownOutcomes: counter(
    'holdfast_unknown_outcomes_total',
    'Requests that ended with an error because nobody can say whether they ran.',
  ),
  blocks: counter('holdfast_blocks_total', 'Blocks of writes sent with a marker (--retry-policy once).'),
  blockCommands: counter('holdfast_block_commands_total', 'Commands in these blocks.'),
  blocksAborted: counter(
    'holdfast_blocks_aborted_total',
    'Blocks that the server refused as a whole, because it refused one command or the marker. What was not refused ' +
      'was sent again.',
  ),
  appliedUnanswered: counter(
    'holdfast_applied_unanswered_total',
    'Writes whose reply was lost with a connection, and which have run by their marker. Their clients got the reply ' +
      'that is always the same, or APPLIED.',
  ),
  proofsLost: counter(
    'holdfast_proofs_lost_total',
    'Requests whose connection was lost and whose marker was not there or could not be read: their writes were ' +
      'answered with UNKNOWN.',
  ),
  markersLost: counter(
    'holdfast_markers_lost_total',
    'Blocks that found their marker gone: flushed, evicted or deleted. They have written it again.',
  ),
  unmarkedWrites: counter(
    'holdfast_unmarked_writes_total',
    'Requests with writes that went without a marker, because the server refuses it or the session watches keys.',
  ),
  barriers: counter(
    'holdfast_barriers_total',
    'How often the master was asked which replicas have its writes (--ack).',
  ),
  barriersShort: counter(
    'holdfast_barriers_short_total',
    'Of these, those that fewer replicas than wanted have confirmed in time.',
  ),
  withheldReplies: gauge(
    'holdfast_withheld_replies',
    'Requests whose reply waits until replicas have what it tells of.',
  ),
  withheldBytes: gauge('holdfast_withheld_bytes', 'Bytes of these replies. They count as pending bytes, too.'),
  unacknowledged: counter(
    'holdfast_unacknowledged_total',
    'Writes that ran on the master and that replicas have not confirmed within the hold time: answered with UNKNOWN.',
  ),
  refusedByBreaker: counter(
    'holdfast_breaker_refused_total',
    'Requests that failed at once while the breaker was open.',
  ),
  resubscriptions: counter('holdfast_resubscriptions_total', 'Channels and patterns subscribed again on a new link.'),
  linksOpened: null,
  linksLost: null,
  linksRetired: counter(
    'holdfast_links_retired_total',
    'Silent links whose node answered others. Sessions went on with fresh links; these only waited for their replies.',
  ),
  tlsHandshakesFailed: counter(
    'holdfast_tls_handshakes_failed_total',
    'Clients that did not get through their TLS handshake.',
  ),
  sentinelPortSessions: {
    ...gauge('holdfast_sentinel_port_sessions', 'Open connections to --sentinel-listen.'),
    ofProgram: true,
  },
  sentinelPortCommands: {
    ...counter('holdfast_sentinel_port_commands_total', 'Commands answered at --sentinel-listen.'),
    ofProgram: true,
  },
  scriptsReloaded: counter('holdfast_scripts_reloaded_total', 'Scripts that Holdfast gave to a new master.'),
  trips: counter('holdfast_breaker_trips_total', 'How often the breaker opened: a hold outlasted --hold-timeout.'),
  clientBytesIn: clientBytes('in'),
  clientBytesOut: clientBytes('out'),
  masterBytesIn: masterBytes('in'),
  masterBytesOut: masterBytes('out'),
}
