// report.ts: the rounds of the crowd as tables. Pure: gives strings, prints nothing.
import { alignTable } from '../report.ts'
import { spread } from '../statistics.ts'
import type { Round } from './round.ts'

export interface NamedRound extends Round {
  /** Whose sidecars: this checkout's or another's. */
  readonly subject: string
}

type Column = readonly [title: string, of: (round: Round) => number, digits?: number]

const settledColumns: readonly Column[] = [
  ['commands/s', round => round.settled.commandsPerSecond],
  ['CPU %', round => round.settled.cpu * 100, 2],
  ['connections', round => round.settled.connections],
  ['master CPU %', round => round.settled.masterCpu * 100, 2],
  ['master conns', round => round.settled.masterConnections],
  ['master dials/s', round => round.settled.masterDials, 1],
  ['sidecar CPU %', round => round.settled.sidecarCpu * 100, 3],
  ['sidecar MB', round => round.settled.sidecarBytes / 1e6, 1],
]

const failoverColumns: readonly Column[] = [
  ['to switch', round => round.failover.switchMs],
  ['first', round => round.failover.firstReplyMs],
  ['median', round => round.failover.medianMs],
  ['p99', round => round.failover.p99Ms],
  ['last', round => round.failover.lastMs],
  ['peak cmd/s', round => round.failover.peakCommands],
  ['dials', round => round.failover.dials],
  ['overflows', round => round.failover.overflows],
  ['drops', round => round.failover.drops],
  ['tilts', round => round.failover.tilts],
  ['errors', round => round.failover.errors],
  ['lost', round => round.failover.lostClients],
  ['CPU ms each', round => round.failover.sidecarCpuMs, 1],
  ['in the burst', round => round.failover.burstMs, 2],
  ['servers', round => round.failover.burstServersMs, 2],
  ['others %', round => round.failover.others * 100],
]

export function roundLine({ subject, ...round }: NamedRound): string {
  const { settled, failover } = round
  const warned = Object.entries(failover.warnings).map(([event, times]) => `${event} ${times}`)
  return [
    `${subject}, ${round.sidecars} sidecars in ${round.processes} processes, ${round.trigger} (${round.nth}):`,
    `settled ${Math.round(settled.commandsPerSecond)} commands/s and ${(settled.cpu * 100).toFixed(1)} % at a Sentinel;`,
    `switch after ${failover.switchMs} ms; reply after the majority: first ${failover.firstReplyMs},`,
    `median ${failover.medianMs}, p99 ${failover.p99Ms}, last ${failover.lastMs} ms;`,
    `peak ${Math.round(failover.peakCommands)} commands/s; ${failover.dials} dials, ${failover.overflows} overflows,`,
    `${failover.tilts} tilts, ${failover.errors} errors, ${failover.lostClients} clients lost,`,
    `${failover.sidecarCpuMs.toFixed(1)} ms of CPU a sidecar, ${failover.burstMs.toFixed(2)} of it in the burst; others had ${Math.round(failover.others * 100)} % of the machine`,
    ...(warned.length > 0 ? [`(warned: ${warned.join(', ')})`] : []),
  ].join(' ')
}

/** Median [least..greatest] of each figure, one row for each number of sidecars: how each grows with it. */
export function growthTables(rounds: readonly NamedRound[]): string {
  return [
    'settled: the Sentinel with the most; CPU in % of a core',
    ...table(rounds, settledColumns, one => `${one.subject}, ${one.sidecars}`),
    '',
    'failover: ms from the trigger to the first +switch-master, then from the majority to the reply',
    ...table(
      rounds,
      failoverColumns,
      one => `${one.subject}, ${one.trigger}, ${one.sidecars}${one.nth > 1 ? ', again' : ''}`,
    ),
  ].join('\n')
}

function table(
  rounds: readonly NamedRound[],
  columns: readonly Column[],
  nameOf: (round: NamedRound) => string,
): string[] {
  const rows = [['', ...columns.map(([title]) => title)]]
  for (const [name, group] of Map.groupBy(rounds, nameOf)) {
    rows.push([name, ...columns.map(([, of, digits = 0]) => cell(group.map(of), digits))])
  }
  return alignTable(rows)
}

function cell(values: readonly number[], digits: number): string {
  const all = spread(values)
  if (all === undefined) return '-'
  const middle = all.median.toFixed(digits)
  return values.length === 1 ? middle : `${middle} [${all.min.toFixed(digits)}..${all.max.toFixed(digits)}]`
}
