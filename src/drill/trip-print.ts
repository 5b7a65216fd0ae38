// trip-print.ts: writes what a drill there and back has shown, for people or for machines. Pure.
import { formatAddress } from '../address.ts'
import type { Finding } from '../check/finding.ts'
import { countOf } from '../check/print.ts'
import type { Plan } from '../switchover/plan.ts'
import { type ClassRow, classesOf, classHead, classLine } from './classes.ts'
import type { Account } from './observe.ts'
import { type DrillReport, isSuspect, remedies, rowsOf } from './print.ts'
import type { Leg, Trip, TripEnd } from './round-trip.ts'

/** What was found before it. `plan` null: a problem forbids it. */
export interface Before {
  readonly masterName: string
  readonly findings: readonly Finding[]
  readonly plan: Plan | null
}

/** Somebody gave up, or a command failed: the drill has found something. */
export function hasFound({ legs }: Trip): boolean {
  return legs.flatMap(({ accounts }) => accounts).some(one => one.did === 'closed' || one.failed + one.unknown > 0)
}

export function dryRunAsText({ plan }: Before): string {
  if (plan === null) return ''
  const [from, to] = [formatAddress(plan.master.address), formatAddress(plan.target.address)]
  return (
    `Would make another node the master in place of ${from} (probably ${to}) as holdfast switchover does, wait until ` +
    `${from} follows it and the Sentinels have seen that, and make ${from} the master again. Nothing was done.\n`
  )
}

export function endAsText({ first, end }: Trip): string {
  switch (end.kind) {
    case 'back':
      return `There and back: ${first} is the master again.\n`
    case 'aborted':
      return `Aborted on the way there: ${end.why}. The master is ${end.master}.\nremedy: ${end.remedy}\n`
    case 'not-back':
      return `Not back: ${end.why}. The master is ${end.master}, and commands are sent.\nremedy: ${end.remedy}\n`
    case 'unfinished':
      return `Not seen to its end: ${end.why}. The Sentinels decide who is master.\nremedy: ${end.remedy}\n`
  }
}

/** With a head; the sum of both legs last. */
export function classRowsOf({ legs }: Trip): string[][] {
  const lines = (name: string, rows: readonly ClassRow[]): string[][] => rows.map(row => classLine(name, row))
  const each = legs.flatMap(({ name, accounts }) => lines(name, classesOf([accounts])))
  const sum = legs.length > 1 ? lines('both', classesOf(legs.map(({ accounts }) => accounts))) : []
  return each.length === 0 ? [] : [[...classHead], ...each, ...sum]
}

/** Those that gave up or look as if they had, with a head. */
export function suspectRowsOf({ legs }: Trip): string[][] {
  const tables = legs.map(leg => rowsOf(reportOf(leg)).map((row, i) => [i === 0 ? 'leg' : leg.name, ...row]))
  const [head] = tables.flat()
  return head === undefined ? [] : [head, ...tables.flatMap(([, ...rows]) => rows)]
}

export function remediesOf({ legs }: Trip): string[] {
  return remedies(legs.map(reportOf))
}

/** What clients waited in one leg, in a sentence. */
export function legAsText({ name, outcome }: Leg): string {
  const { waits, heldMs } = outcome
  if (heldMs === null) return `${name}: nothing was held\n`
  const held = `${name}: commands were held for ${heldMs} ms`
  if (waits === null) return `${held}\n`
  const { commands, p50, max, failed, unknown } = waits
  return `${held}; ${commands} waited, half of them ${p50} ms or less, the longest ${max} ms; failed: ${failed}, outcome unknown: ${unknown}\n`
}

function reportOf({ outcome, accounts }: Leg): Pick<DrillReport, 'accounts' | 'heldMs'> {
  return { accounts, heldMs: outcome.heldMs ?? 0 }
}

/** `trip` null: a dry run, or a problem forbade it. */
export function asJson({ masterName, findings, plan }: Before, trip: Trip | null): string {
  const told = {
    master: masterName,
    problems: countOf(findings, 'problem'),
    warnings: countOf(findings, 'warning'),
    findings,
    plan: plan && { from: formatAddress(plan.master.address), probablyBy: formatAddress(plan.target.address) },
    end: trip === null ? null : (trip.end satisfies TripEnd),
    legs: trip?.legs.map(legAsJson) ?? [],
    classes: trip === null ? [] : classesOf(trip.legs.map(({ accounts }) => accounts)),
  }
  return `${JSON.stringify(told, null, 2)}\n`
}

function legAsJson({ name, outcome, accounts }: Leg): object {
  const gaveUp: readonly Account[] = accounts.filter(isSuspect)
  return { name, outcome, classes: classesOf([accounts]), gaveUp }
}
