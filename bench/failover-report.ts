// failover-report.ts: the trials of failover.ts as text for people. Pure: gives strings, prints nothing.

import type { DrainTrial, FailoverTrial } from './failover.ts'
import { alignTable } from './report.ts'
import { spread } from './statistics.ts'

export function failoverLine(trial: FailoverTrial): string {
  const { first, median, last } = trial.afterMajorityMs
  const replies = `first reply ${first}, median ${median}, last ${last}; longest wait ${trial.longestGapMs}`
  return `  ${trial.trigger}, ${trial.clients} clients: ${replies}; ${faults(trial.errors, trial.lostConnections)}`
}

export function drainLine(trial: DrainTrial): string {
  const replies = `first reply ${trial.firstMs}, last ${trial.lastMs}; straight to the server ${trial.directMs}`
  return `  ${trial.commands} held commands: ${replies}; ${faults(trial.errors, 0)}`
}

function faults(errors: number, lost: number): string {
  return `${errors} error replies, ${lost} connections lost`
}

/** Median [least..greatest] over the trials of each kind, milliseconds. */
export function failoverTable(trials: readonly FailoverTrial[], drains: readonly DrainTrial[]): string {
  const rows = [['', 'first client', 'median client', 'last client', 'longest wait', 'errors', 'lost']]
  for (const [kind, group] of Map.groupBy(trials, one => `${one.trigger}, ${one.clients} clients`)) {
    rows.push([
      kind,
      range(group.map(one => one.afterMajorityMs.first)),
      range(group.map(one => one.afterMajorityMs.median)),
      range(group.map(one => one.afterMajorityMs.last)),
      range(group.map(one => one.longestGapMs)),
      String(sum(group.map(one => one.errors))),
      String(sum(group.map(one => one.lostConnections))),
    ])
  }
  const drainRows = [
    ['', 'first reply', 'last reply', 'straight to the server', 'errors'],
    [
      `${drains[0]?.commands ?? 0} held commands`,
      range(drains.map(one => one.firstMs)),
      range(drains.map(one => one.lastMs)),
      range(drains.map(one => one.directMs)),
      String(sum(drains.map(one => one.errors))),
    ],
  ]
  return [...alignTable(rows), ...alignTable(drainRows)].join('\n')
}

function range(values: readonly number[]): string {
  const all = spread(values)
  return all === undefined ? '-' : `${Math.round(all.median)} [${all.min}..${all.max}]`
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
