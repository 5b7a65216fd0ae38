// metrics.ts: every metric of the program, in one table: /metrics, docs/metrics.md and their tests are made from it.
//
//   counters (plain numbers) ──▶ read at scrape ──▶ exposition.ts ──▶ /metrics
//
// All series are there from the first scrape. Labels take values from fixed lists; the exceptions are the address of
// the master, of which there is one at a time, and the names of several masters. Never: counts anything itself.
import { labelOf, libraryLabels } from './client-libraries.ts'
import { counterRows } from './counter-metrics.ts'
import { commandClasses, holdCauses } from './labelled-counters.ts'
import { fromRows, gauge, histogram, labelled, type Metric, ofProgram, tallied } from './metric-type.ts'
import type { ProcessStats } from './process-stats.ts'
import { replicaMetrics } from './replica-metrics.ts'
import type { LibrarySnapshot, LinkSnapshot, MasterSnapshot, SentinelSnapshot } from './snapshot.ts'

const gateStates = ['holding', 'draining', 'open', 'tripped'] as const

const dataPlane: readonly Metric[] = [
  ...fromRows(counterRows),
  labelled(
    'gauge',
    'holdfast_library_sessions',
    'Open sessions by the library that they name (CLIENT SETINFO; none: no name, other: one that Holdfast does not ' +
      'know), and by whether they are told of holds.',
    ['library', 'told'],
    ({ libraries }) =>
      libraryLabels.flatMap(label => [
        [`${label} yes`, sessionsOf(libraries, label, 'toldOfHolds')],
        [`${label} no`, sessionsOf(libraries, label, 'sessions') - sessionsOf(libraries, label, 'toldOfHolds')],
      ]),
  ),
  labelled(
    'counter',
    'holdfast_commands_total',
    'Commands of clients by what a repeat of them does, by their names alone; a command inside MULTI counts as ' +
      'itself.',
    ['class'],
    ({ commands }) => commandClasses.map(cls => [cls, commands.get(cls) ?? 0]),
  ),
  labelled(
    'gauge',
    'holdfast_links',
    'Links to the master that are up: shared by sessions, private to one, idle for the next session, or retired ' +
      '(silent, with replies still awaited).',
    ['kind'],
    ({ links }) => (['shared', 'private', 'idle', 'retired'] as const).map(kind => [kind, sum(links, kind)]),
  ),
  gauge('holdfast_links_dialing', 'Links to the master that are being dialled.', ({ links }) => sum(links, 'dialing')),
  gauge('holdfast_requests_in_flight', 'Requests sent to the master and not fully answered.', ({ links }) =>
    sum(links, 'inFlight'),
  ),
  tallied('holdfast_links_opened_total', 'Links to the master that came up.', ['kind'], 'linksOpened'),
  tallied(
    'holdfast_links_lost_total',
    'Links to the master that ended while they were wanted. cut: by Holdfast, because the master moved or fell silent.',
    ['reason'],
    'linksLost',
  ),
  tallied(
    'holdfast_handshakes_failed_total',
    'Links that reached the node and could not be used.',
    ['cause'],
    'handshakesFailed',
  ),
  tallied(
    'holdfast_absorbed_errors_total',
    'Error replies of the server that clients did not see, because Holdfast sent the commands again.',
    ['code'],
    'absorbed',
  ),
  tallied(
    'holdfast_replays_total',
    'Requests that wait to be sent again: their link was lost after they were sent (lost), the node is no master ' +
      '(refused), or it cannot take them yet (not-now). class is that of the worst of their commands. ' +
      'holdfast_resent_total counts those that were sent again; others have run out of time.',
    ['class', 'reason'],
    'replays',
  ),
  histogram(
    'holdfast_held_wait_seconds',
    'How long a request waited, from the first time that it could not be sent until it was sent or ended.',
    'waits',
  ),
]

const failover: readonly Metric[] = [
  labelled('gauge', 'holdfast_gate', 'The state of the gate: 1 for the one it is in.', ['state'], ({ gate }) =>
    gateStates.map(state => [state, gate.state === state ? 1 : 0]),
  ),
  gauge('holdfast_gate_shut_seconds', 'How long the gate has been shut; 0 while it is not.', ({ gate }) =>
    gate.state === 'holding' || gate.state === 'tripped' ? gate.forMs / 1000 : 0,
  ),
  gauge('holdfast_breaker_open', '1 while commands fail at once, because a hold outlasted --hold-timeout.', f =>
    f.gate.state === 'tripped' ? 1 : 0,
  ),
  tallied('holdfast_holds_total', 'How often the gate shut, the start included.', ['cause'], 'holds'),
  labelled(
    'gauge',
    'holdfast_gate_cause',
    'Why the gate is shut now: 1 for that cause; none while it is open.',
    ['cause'],
    ({ gate }) => holdCauses.map(cause => [cause, gate.cause === cause ? 1 : 0]),
  ),
  histogram('holdfast_hold_seconds', 'How long the gate was shut, each time.', 'holdTimes'),
  gauge('holdfast_dry_run', '1 with --dry-run: the gate is only watched, and nothing is held.', f =>
    f.dryRun ? 1 : 0,
  ),
  gauge('holdfast_paused', '1 while a pause holds all commands (holdfast ctl pause).', f => (f.pause === null ? 0 : 1)),
  tallied(
    'holdfast_pauses_total',
    'Pauses that have ended: by a command (resume), at their longest time (max), not renewed (lease), with their ' +
      'connection (holder-gone), because something stayed in flight (in-flight) or a command had waited almost as long ' +
      'as it may (hold-time), or with the process (stopping).',
    ['end'],
    'pauses',
  ),
  histogram('holdfast_pause_seconds', 'How long pauses lasted.', 'pauseTimes'),
  tallied(
    'holdfast_failovers_total',
    'Changes of the master, a restart at its address included, by the cause that shut the gate.',
    ['cause'],
    'failovers',
  ),
  histogram(
    'holdfast_failover_seconds',
    'From the shut gate until all that waited was sent to the new master.',
    'failoverTimes',
  ),
  gauge('holdfast_master_known', '1 after Holdfast has had a master.', f => (f.served ? 1 : 0)),
  gauge('holdfast_master_epoch', 'The configuration epoch of the master; 0 before there was one.', f =>
    f.master === null ? 0 : f.master.epoch,
  ),
  labelled(
    'gauge',
    'holdfast_master_info',
    '1, with the address of the present or last master; before the first, 0 with the address "none".',
    ['address'],
    ({ master }) => [[master?.address ?? 'none', master === null ? 0 : 1]],
  ),
  gauge(
    'holdfast_sentinels_known',
    'Sentinels that watch the master, as far as known.',
    f => f.topology.knownSentinels,
  ),
  gauge('holdfast_sentinels_majority', 'How many of them make a majority.', f => f.topology.majority),
  gauge('holdfast_sentinels_up', 'Sentinels that can be asked.', f => f.topology.reachableSentinels),
  gauge(
    'holdfast_sentinels_dead',
    'Sentinels that the others still count and hold for dead, and that Holdfast cannot reach either.',
    f => f.topology.deadSentinels,
  ),
  gauge(
    'holdfast_without_majority',
    '1 while no majority of the Sentinels names one master: no change of master can be followed.',
    f => (f.topology.trouble === null ? 0 : 1),
  ),
  gauge(
    'holdfast_sentinels_disagreeing',
    'Sentinels that can be asked and name another master than Holdfast uses.',
    disagreeing,
  ),
]

/** Who looks at the page of the admin port. */
export interface PageStats {
  readonly viewers: number
  readonly refused: number
  readonly dropped: number
}

const page = (stats: PageStats): readonly Metric[] => [
  ofProgram.gauge(
    'holdfast_page_viewers',
    'Pages of the admin port that are open, and are sent a message a second.',
    () => stats.viewers,
  ),
  ofProgram.counter(
    'holdfast_page_viewers_refused_total',
    'Pages that were refused their messages, because 64 were open.',
    () => stats.refused,
  ),
  ofProgram.counter(
    'holdfast_page_viewers_dropped_total',
    'Pages that Holdfast left, because they had read nothing for ten seconds.',
    () => stats.dropped,
  ),
]

const program = (stats: ProcessStats): readonly Metric[] => [
  ofProgram.labelled(
    'gauge',
    'holdfast_build_info',
    '1, with the version of the program and of Node.',
    ['version', 'node'],
    ({ version }) => [[`${version} ${process.version}`, 1]],
  ),
  gauge(
    'holdfast_sessions_limit',
    'The limit on sessions: --max-sessions, or what the limit of open files allows beside clients of other ports; 0 is none.',
    f => f.limits.maxSessions,
  ),
  gauge('holdfast_pending_limit_bytes', 'The limit --max-held-bytes.', f => f.limits.maxHeldBytes),
  ofProgram.counter(
    'holdfast_log_lines_dropped_total',
    'Log lines that were not written, because standard output is closed, full or read too slowly.',
    f => f.logLinesDropped,
  ),
  ofProgram.gauge('holdfast_stopping', '1 after the stop has begun.', f => (f.stopping ? 1 : 0)),
  ofProgram.labelled(
    'gauge',
    'holdfast_event_loop_delay_seconds',
    'How late the event loop was, over the last 15 to 30 seconds.',
    ['statistic'],
    () => stats.eventLoopDelay(),
  ),
  ofProgram.gauge(
    'process_start_time_seconds',
    'When the process started, in seconds since 1970.',
    () => stats.startTime,
  ),
  ofProgram.counter('process_cpu_seconds_total', 'User and system CPU time.', () => stats.cpuSeconds()),
  ofProgram.gauge('process_resident_memory_bytes', 'Resident memory.', () => stats.memory('rss')),
  ofProgram.gauge('process_open_fds', 'Open file descriptors; NaN where the system does not tell.', () =>
    stats.openFds(),
  ),
  ofProgram.gauge('process_max_fds', 'The limit on open file descriptors; NaN where the system does not tell.', () =>
    stats.maxFds(),
  ),
  ofProgram.gauge('nodejs_heap_size_used_bytes', 'Bytes of JavaScript objects.', () => stats.memory('heapUsed')),
  ofProgram.gauge('nodejs_heap_size_total_bytes', 'Bytes set aside for JavaScript objects.', () =>
    stats.memory('heapTotal'),
  ),
  ofProgram.gauge('nodejs_external_memory_bytes', 'Bytes outside of the JavaScript heap, socket data included.', () =>
    stats.memory('external'),
  ),
]

/** The whole table, in the order of /metrics and docs/metrics.md. */
export function metricsTable(stats: ProcessStats, viewers: PageStats): readonly Metric[] {
  return [...dataPlane, ...failover, ...replicaMetrics, ...page(viewers), ...program(stats)]
}

function sum(links: readonly LinkSnapshot[], of: Exclude<keyof LinkSnapshot, 'identity'>): number {
  return links.reduce((total, one) => total + one[of], 0)
}

function sessionsOf(libraries: readonly LibrarySnapshot[], label: string, of: 'sessions' | 'toldOfHolds'): number {
  return libraries.reduce((total, one) => total + (labelOf(one.library) === label ? one[of] : 0), 0)
}

/** A Sentinel with two addresses counts once. */
function disagreeing({ master, topology }: MasterSnapshot): number {
  if (master === null) return 0
  const differs = ({ reachable, names }: SentinelSnapshot): boolean =>
    reachable && names !== null && names !== master.address
  return new Set(topology.sentinels.filter(differs).map(one => one.runId ?? one.address)).size
}
