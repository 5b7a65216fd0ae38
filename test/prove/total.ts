// total.ts: the rounds of one fault under one set of options, added up, and what of it is broken. Pure.
import { survives } from './failovers.ts'
import type { Fault } from './faults.ts'
import type { Arm, Round } from './rounds.ts'

export interface Total extends Arm {
  readonly fault: string
  rounds: number
  operations: number
  doubled: number
  wrong: number
  order: number
  lost: number
  applied: number
  unknown: number
  notRun: number
  refused: number
  /** Rounds with an APPLIED. */
  withApplied: number
  /** Of rounds with more failovers than the fault asks for, which is more than the options promise to survive. */
  beyond: number
  lostBeyond: number
  unknownBeyond: number
  /** What was found, a few of it in words. */
  readonly found: string[]
}

const MAX_FOUND = 20

export function newTotal(fault: string, { flavour, policy, ack, reads, isApart }: Arm): Total {
  return {
    ...{ flavour, policy, ack, reads, isApart, fault, rounds: 0, operations: 0 },
    ...{ doubled: 0, wrong: 0, order: 0, lost: 0, applied: 0, unknown: 0, notRun: 0, refused: 0, withApplied: 0 },
    ...{ beyond: 0, lostBeyond: 0, unknownBeyond: 0 },
    found: [],
  }
}

export function add(total: Total, round: Round): void {
  total.rounds++
  for (const figure of ['operations', 'applied', 'notRun', 'refused'] as const) total[figure] += round[figure]
  if (round.isBeyond) total.beyond++
  total[round.isBeyond ? 'lostBeyond' : 'lost'] += round.lost
  total[round.isBeyond ? 'unknownBeyond' : 'unknown'] += round.unknown
  for (const figure of ['doubled', 'wrong', 'order'] as const) total[figure] += round[figure].length
  if (round.applied > 0) total.withApplied++
  const found = [...round.doubled, ...round.wrong, ...round.order, ...round.unknownTexts]
  for (const line of found) if (total.found.length < MAX_FOUND) total.found.push(line)
}

/** Two portions of the same. */
export function merge(one: Total, other: Total): Total {
  const sum = { ...one, found: [...one.found, ...other.found].slice(0, MAX_FOUND) }
  for (const figure of ['rounds', 'operations', 'doubled', 'wrong', 'order', 'lost'] as const)
    sum[figure] += other[figure]
  for (const figure of ['applied', 'unknown', 'notRun', 'refused', 'withApplied'] as const) sum[figure] += other[figure]
  for (const figure of ['beyond', 'lostBeyond', 'unknownBeyond'] as const) sum[figure] += other[figure]
  return sum
}

/** What the options promise and this total does not keep, in words; empty: all is kept. */
export function brokenBy(total: Total, fault: Fault): string[] {
  const { policy } = total
  // `always` repeats what may have run: a take takes a second job, which is lost. And it tells of a lost race where an EXEC
  // under WATCH may have won.
  const isProven = policy !== 'always'
  const zeros = [
    ...(isProven ? (['doubled', 'wrong', 'order'] as const) : []),
    ...(isProven && survives(fault, total) ? (['lost'] as const) : []),
    ...(policy === 'once' && fault.unknown === undefined ? (['unknown'] as const) : []),
  ] as const
  return zeros.flatMap(figure => (total[figure] === 0 ? [] : [`${figure} ${total[figure]}`]))
}

/** What a control arm has to show, or the other runs prove nothing; null: these options promise all. */
export function mustShow({ policy, ack }: Arm): 'doubled' | 'lost' | null {
  if (ack === 'master') return 'lost'
  return policy === 'always' && ack === null ? 'doubled' : null
}

/** One line that a person can follow. */
export function lineOf(what: string, round: Round): string {
  const { operations, doubled, wrong, order, lost, applied, unknown, notRun, refused } = round
  return (
    `${what}: ${operations} operations, doubled ${doubled.length}, wrong ${wrong.length}, order ${order.length}, ` +
    `lost ${lost}${round.isBeyond ? ' (the Sentinels failed over once too often)' : ''}, applied ${applied}, unknown ${unknown}, not run ${notRun}, refused ${refused}`
  )
}
