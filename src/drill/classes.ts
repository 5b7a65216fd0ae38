// classes.ts: what each class of sessions saw, by library, version and kind. Pure.
import type { Account, SessionKind } from './observe.ts'

export interface ClassRow {
  readonly library: string
  readonly version: string
  readonly kind: SessionKind
  /** Each counts once, however many legs it has lived through. */
  readonly sessions: number
  /** A command of theirs waited: how often, and the longest wait of each, ms. */
  readonly waited: number
  readonly medianMs: number
  readonly longestMs: number
  /** They closed their connection while they were held; so many of them came back. */
  readonly closed: number
  readonly cameBack: number
  /** They sent more while a command was unanswered. */
  readonly sentOn: number
  /** Commands. */
  readonly failed: number
  readonly unknown: number
}

/** Those with the most sessions first. `legs`: the accounts of one hold each. */
export function classesOf(legs: readonly (readonly Account[])[]): ClassRow[] {
  const groups = Map.groupBy(legs.flat(), ({ library, version, kind }) => JSON.stringify([library, version, kind]))
  return [...groups.values()].flatMap(rowOf).sort((a, b) => b.sessions - a.sessions)
}

function rowOf(accounts: readonly Account[]): ClassRow[] {
  const [first] = accounts
  if (first === undefined) return []
  const { library, version, kind } = first
  const waits = accounts.flatMap(({ waitedMs }) => waitedMs ?? []).sort((a, b) => a - b)
  const count = (which: (one: Account) => boolean): number => accounts.filter(which).length
  const row = {
    library,
    version,
    kind,
    sessions: new Set(accounts.map(({ id }) => id)).size,
    waited: waits.length,
    medianMs: waits[Math.floor((waits.length - 1) / 2)] ?? 0,
    longestMs: waits.at(-1) ?? 0,
    closed: count(({ did }) => did === 'closed'),
    cameBack: count(({ cameBack }) => cameBack),
    sentOn: count(({ did }) => did === 'sent-on'),
    failed: accounts.reduce((sum, { failed }) => sum + failed, 0),
    unknown: accounts.reduce((sum, { unknown }) => sum + unknown, 0),
  }
  return [row]
}

export const classHead = [
  'leg',
  'library',
  'kind',
  'sessions',
  'waited',
  'median',
  'longest',
  'closed',
  'came back',
  'sent on',
  'failed',
  'unknown',
] as const

/** A line of a table, below `classHead`. */
export function classLine(leg: string, row: ClassRow): string[] {
  const { library, version, kind, waited, medianMs, longestMs } = row
  const counts = [row.closed, row.cameBack, row.sentOn, row.failed, row.unknown].map(String)
  const times = waited === 0 ? ['-', '-'] : [`${medianMs} ms`, `${longestMs} ms`]
  return [leg, `${library} ${version}`.trim() || '-', kind, String(row.sessions), String(waited), ...times, ...counts]
}
