// metrics.ts: every metric of the program, in one table: /metrics, docs/metrics.md and their tests are made from it.
//
//   counters (plain numbers) ──▶ read at scrape ──▶ exposition.ts ──▶ /metrics
//
// All series are there from the first scrape. Labels take values from fixed lists; the one exception is the address of
// the master, of which there is one at a time. Never: counts anything itself.
import { counterRows } from './counter-metrics.ts'
import { commandClasses, holdCauses } from './labelled-counters.ts'
import { fromRows, type Metric, oneOfStates, single, tallied } from './metric-type.ts'
import type { ProcessStats } from './process-stats.ts'
import type { LinkSnapshot, SentinelSnapshot, Snapshot } from './snapshot.ts'

const gateStates = ['holding', 'draining', 'open', 'tripped'] as const

const dataPlane: readonly Metric[] = [
  ...fromRows(counterRows),
  {
    type: 'counter',
    name: 'holdfast_commands_total',
    help:
      'Commands of clients by what a repeat of them does, by their names alone; a command inside MULTI counts as ' +
      'itself.',
    labels: ['class'],
    read: ({ commands }) => commandClasses.map(cls => ({ labels: { class: cls }, value: commands.get(cls) ?? 0 })),
  },
  {
    type: 'gauge',
    name: 'holdfast_links',
    help:
      'Links to the master that are up: shared by sessions, private to one, idle for the next session, or retired ' +
      '(silent, with replies still awaited).',
    labels: ['kind'],
    read: ({ links }) =>
      (['shared', 'private', 'idle', 'retired'] as const).map(kind => ({
        labels: { kind },
        value: sum(links, one => one[kind]),
      })),
  },
  single('gauge', 'holdfast_links_dialing', 'Links to the master that are being dialled.', ({ links }) =>
    sum(links, one => one.dialing),
  ),
  single('gauge', 'holdfast_requests_in_flight', 'Requests sent to the master and not fully answered.', ({ links }) =>
    sum(links, one => one.inFlight),
  ),
  tallied(
    'holdfast_links_opened_total',
    'Links to the master that came up.',
    ['kind'],
    f => f.counters.detail.linksOpened,
  ),
  tallied(
    'holdfast_links_lost_total',
    'Links to the master that ended while they were wanted. cut: by Holdfast, because the master moved or fell silent.',
    ['reason'],
    f => f.counters.detail.linksLost,
  ),
  tallied(
    'holdfast_handshakes_failed_total',
    'Links that reached the node and could not be used.',
    ['cause'],
    f => f.counters.detail.handshakesFailed,
  ),
  tallied(
    'holdfast_absorbed_errors_total',
    'Error replies of the server that clients did not see, because Holdfast sent the commands again.',
    ['code'],
    f => f.counters.detail.absorbed,
  ),
  tallied(
    'holdfast_replays_total',
    'Requests that Holdfast sends again: their link was lost after they were sent (lost), the node is no master ' +
      '(refused), or it cannot take them yet (not-now). class is that of the worst of their commands.',
    ['class', 'reason'],
    f => f.counters.detail.replays,
  ),
  {
    type: 'histogram',
    name: 'holdfast_held_wait_seconds',
    help: 'How long a request waited, from the first time that it could not be sent until it was sent or ended.',
    labels: [],
    read: f => f.counters.detail.waits,
  },
]

const failover: readonly Metric[] = [
  oneOfStates('holdfast_gate', 'The state of the gate: 1 for the one it is in.', gateStates, f => f.gate.state),
  single('gauge', 'holdfast_gate_shut_seconds', 'How long the gate has been shut; 0 while it is not.', ({ gate }) =>
    gate.state === 'holding' || gate.state === 'tripped' ? gate.forMs / 1000 : 0,
  ),
  single(
    'gauge',
    'holdfast_breaker_open',
    '1 while commands fail at once, because a hold outlasted --hold-timeout.',
    f => (f.gate.state === 'tripped' ? 1 : 0),
  ),
  tallied(
    'holdfast_holds_total',
    'How often the gate shut, the start included.',
    ['cause'],
    f => f.counters.detail.holds,
  ),
  {
    type: 'gauge',
    name: 'holdfast_gate_cause',
    help: 'Why the gate is shut now: 1 for that cause; none while it is open.',
    labels: ['cause'],
    read: ({ gate }) => holdCauses.map(cause => ({ labels: { cause }, value: gate.cause === cause ? 1 : 0 })),
  },
  {
    type: 'histogram',
    name: 'holdfast_hold_seconds',
    help: 'How long the gate was shut, each time.',
    labels: [],
    read: f => f.counters.detail.holdTimes,
  },
  tallied(
    'holdfast_failovers_total',
    'Changes of the master, a restart at its address included, by the cause that shut the gate.',
    ['cause'],
    f => f.counters.detail.failovers,
  ),
  {
    type: 'histogram',
    name: 'holdfast_failover_seconds',
    help: 'From the shut gate until all that waited was sent to the new master.',
    labels: [],
    read: f => f.counters.detail.failoverTimes,
  },
  single('gauge', 'holdfast_master_known', '1 after Holdfast has had a master.', f => (f.served ? 1 : 0)),
  single('gauge', 'holdfast_master_epoch', 'The configuration epoch of the master; 0 before there was one.', f =>
    f.master === null ? 0 : f.master.epoch,
  ),
  {
    type: 'gauge',
    name: 'holdfast_master_info',
    help: '1, with the address of the present or last master; before the first, 0 with the address "none".',
    labels: ['address'],
    read: ({ master }) => [{ labels: { address: master?.address ?? 'none' }, value: master === null ? 0 : 1 }],
  },
  single(
    'gauge',
    'holdfast_sentinels_known',
    'Sentinels that watch the master, as far as known.',
    f => f.topology.knownSentinels,
  ),
  single('gauge', 'holdfast_sentinels_majority', 'How many of them make a majority.', f => f.topology.majority),
  single('gauge', 'holdfast_sentinels_up', 'Sentinels that can be asked.', f => f.topology.reachableSentinels),
  single(
    'gauge',
    'holdfast_sentinels_dead',
    'Sentinels that the others still count and hold for dead, and that Holdfast cannot reach either.',
    f => f.topology.deadSentinels,
  ),
  single(
    'gauge',
    'holdfast_without_majority',
    '1 while no majority of the Sentinels names one master: no change of master can be followed.',
    f => (f.topology.trouble === null ? 0 : 1),
  ),
  single(
    'gauge',
    'holdfast_sentinels_disagreeing',
    'Sentinels that can be asked and name another master than Holdfast uses.',
    disagreeing,
  ),
]

const program = (process: ProcessStats): readonly Metric[] => [
  {
    type: 'gauge',
    name: 'holdfast_build_info',
    help: '1, with the version of the program and of Node.',
    labels: ['version', 'node'],
    read: ({ version }) => [{ labels: { version, node: globalThis.process.version }, value: 1 }],
  },
  single('gauge', 'holdfast_sessions_limit', 'The limit --max-sessions; 0 is none.', f => f.limits.maxSessions),
  single('gauge', 'holdfast_pending_limit_bytes', 'The limit --max-held-bytes.', f => f.limits.maxHeldBytes),
  single(
    'counter',
    'holdfast_log_lines_dropped_total',
    'Log lines that were not written, because standard output is closed, full or read too slowly.',
    f => f.logLinesDropped,
  ),
  single('gauge', 'holdfast_stopping', '1 after the stop has begun.', f => (f.stopping ? 1 : 0)),
  {
    type: 'gauge',
    name: 'holdfast_event_loop_delay_seconds',
    help: 'How late the event loop was, over the last 15 to 30 seconds.',
    labels: ['statistic'],
    read: () => process.eventLoopDelay(),
  },
  single(
    'gauge',
    'process_start_time_seconds',
    'When the process started, in seconds since 1970.',
    () => process.startTime,
  ),
  single('counter', 'process_cpu_seconds_total', 'User and system CPU time.', () => process.cpuSeconds()),
  single('gauge', 'process_resident_memory_bytes', 'Resident memory.', () => process.memory().rss),
  single('gauge', 'process_open_fds', 'Open file descriptors; NaN where the system does not tell.', () =>
    process.openFds(),
  ),
  single('gauge', 'process_max_fds', 'The limit on open file descriptors; NaN where the system does not tell.', () =>
    process.maxFds(),
  ),
  single('gauge', 'nodejs_heap_size_used_bytes', 'Bytes of JavaScript objects.', () => process.memory().heapUsed),
  single(
    'gauge',
    'nodejs_heap_size_total_bytes',
    'Bytes set aside for JavaScript objects.',
    () => process.memory().heapTotal,
  ),
  single(
    'gauge',
    'nodejs_external_memory_bytes',
    'Bytes outside of the JavaScript heap, socket data included.',
    () => process.memory().external,
  ),
]

/** The whole table, in the order of /metrics and docs/metrics.md. */
export function metricsTable(process: ProcessStats): readonly Metric[] {
  return [...dataPlane, ...failover, ...program(process)]
}

function sum(links: readonly LinkSnapshot[], of: (one: LinkSnapshot) => number): number {
  return links.reduce((total, one) => total + of(one), 0)
}

/** A Sentinel with two addresses counts once. */
function disagreeing({ master, topology }: Snapshot): number {
  if (master === null) return 0
  const differs = ({ reachable, names }: SentinelSnapshot): boolean =>
    reachable && names !== null && names !== master.address
  return new Set(topology.sentinels.filter(differs).map(one => one.runId ?? one.address)).size
}
