// replica-metrics.ts: the metrics of the port for replicas: sums over its groups, and what is known of each replica. And
// where reads of the master's port went (--read-split).
//
// Their names begin with holdfast_replica and holdfast_split; the other metrics of a master count its own port alone.
import type { Counters } from './counters.ts'
import { moveCauses, splitCauses } from './labelled-counters.ts'
import { gauge, labelled, type Metric } from './metric-type.ts'
import type { MasterSnapshot } from './snapshot.ts'

const ends = ['drained', 'expired', 'timedOut', 'failed', 'gone'] as const
const conditions = ['good', 'behind', ...moveCauses.filter(cause => cause.startsWith('replica-'))] as const

/** Of all groups of the port for replicas. */
function ofGroups({ replicas }: MasterSnapshot, count: (counters: Readonly<Counters>) => number): number {
  return replicas?.counters.reduce((sum, one) => sum + count(one), 0) ?? 0
}

function counter(name: string, help: string, count: (counters: Readonly<Counters>) => number): Metric {
  return labelled('counter', name, help, [], master => [['', ofGroups(master, count)]])
}

/** All are 0 without --replica-listen and --read-split. */
export const replicaMetrics: readonly Metric[] = [
  gauge('holdfast_replica_sessions', 'Open client connections of --replica-listen.', f =>
    ofGroups(f, one => one.sessions),
  ),
  counter(
    'holdfast_replica_sessions_accepted_total',
    'Accepted client connections of --replica-listen.',
    one => one.sessionsTotal,
  ),
  counter(
    'holdfast_replica_sessions_refused_total',
    'Clients of --replica-listen turned away because of --max-sessions, or of the limit of open files.',
    one => one.sessionsRefused,
  ),
  counter('holdfast_replica_commands_total', 'Commands of clients of --replica-listen.', one => one.commands),
  counter(
    'holdfast_replica_held_total',
    'Requests of --replica-listen that had to wait for a node or a link.',
    one => one.held,
  ),
  labelled(
    'counter',
    'holdfast_replica_held_ended_total',
    'The same whose wait has ended, as in holdfast_held_ended_total.',
    ['end'],
    f => ends.map(end => [end === 'timedOut' ? 'timed-out' : end, ofGroups(f, one => one[end])]),
  ),
  gauge('holdfast_replica_held_requests', 'Requests of --replica-listen that wait now.', f =>
    ofGroups(f, one => one.waiting),
  ),
  labelled(
    'gauge',
    'holdfast_replicas',
    'Replicas by what they are good for; every other condition than good and behind is a cause to leave one.',
    ['condition'],
    ({ replicas }) =>
      conditions.map(name => [name, replicas?.nodes.filter(({ condition }) => condition === name).length ?? 0]),
  ),
  gauge(
    'holdfast_replica_lag_seconds',
    'How far the replica that is furthest behind may be behind the master, of those that are read from.',
    ({ replicas }) =>
      Math.max(0, ...(replicas?.nodes ?? []).map(one => (one.sessions > 0 ? (one.lagMs ?? 0) : 0))) / 1000,
  ),
  labelled(
    'counter',
    'holdfast_replica_moves_total',
    'How often the sessions of one replica left the node where they read, by cause.',
    ['cause'],
    ({ replicas }) => moveCauses.map(cause => [cause, replicas?.moves.get(cause) ?? 0]),
  ),
  labelled(
    'counter',
    'holdfast_split_reads_total',
    'Commands of --listen that a replica could answer, by where --read-split sent them.',
    ['where'],
    ({ replicas }) => [
      ['replica', replicas?.split?.reads.replica ?? 0],
      ['master', splitCauses.reduce((sum, why) => sum + (replicas?.split?.reads[why] ?? 0), 0)],
    ],
  ),
  labelled(
    'counter',
    'holdfast_split_reads_at_master_total',
    'Those of them that went to the master, by cause: something before them was unanswered; no replica was known to ' +
      'have what their session had written; no replica could be read; a pause.',
    ['why'],
    ({ replicas }) => splitCauses.map(why => [why, replicas?.split?.reads[why] ?? 0]),
  ),
  gauge(
    'holdfast_split_held_requests',
    'Reads that --read-split sent to a replica, and that wait now.',
    ({ replicas }) => (replicas?.split?.counters ?? []).reduce((sum, one) => sum + one.waiting, 0),
  ),
]
