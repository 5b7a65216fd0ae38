// metric-type.ts: what a metric is: its name, its help text, and how its value is read at scrape.
import type { CounterRow } from './counter-metrics.ts'
import type { Counters } from './counters.ts'
import type { Histogram } from './histogram.ts'
import type { Tally } from './labelled-counters.ts'
import type { Snapshot } from './snapshot.ts'

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

interface Described {
  readonly name: string
  readonly help: string
  /** Label names, for the reference. */
  readonly labels: readonly string[]
}

export type Metric =
  | (Described & { readonly type: 'counter' | 'gauge'; readonly read: (snapshot: Snapshot) => readonly Sample[] })
  | (Described & { readonly type: 'histogram'; readonly read: (snapshot: Snapshot) => Histogram })

type Read = (snapshot: Snapshot) => number

export function single(type: 'counter' | 'gauge', name: string, help: string, read: Read): Metric {
  return { type, name, help, labels: [], read: snapshot => [{ labels: {}, value: read(snapshot) }] }
}

/** One series per label of a tally. With several `labels`, those of the tally are words with spaces between them. */
export function tallied(
  name: string,
  help: string,
  labels: readonly string[],
  read: (snapshot: Snapshot) => Tally,
): Metric {
  const sample = ([text, value]: [string, number]): Sample => {
    const words = text.split(' ')
    return { labels: Object.fromEntries(labels.map((label, i) => [label, words[i] ?? 'other'])), value }
  }
  return { type: 'counter', name, help, labels, read: snapshot => read(snapshot).entries().map(sample) }
}

/** One series per state, 1 for the one that holds. */
export function oneOfStates(
  name: string,
  help: string,
  states: readonly string[],
  read: (snapshot: Snapshot) => string,
): Metric {
  const samples = (snapshot: Snapshot): Sample[] => {
    const current = read(snapshot)
    return states.map(state => ({ labels: { state }, value: state === current ? 1 : 0 }))
  }
  return { type: 'gauge', name, help, labels: ['state'], read: samples }
}

/** The rows of counter-metrics.ts as metrics; rows of one name make one metric. */
export function fromRows(rows: Readonly<Record<string, CounterRow | null>>): Metric[] {
  const byName = new Map<string, { row: CounterRow; fields: (readonly [field: string, row: CounterRow])[] }>()
  for (const [field, row] of Object.entries(rows)) {
    if (row === null) continue
    const entry = byName.get(row.name) ?? { row, fields: [] }
    entry.fields.push([field, row])
    byName.set(row.name, entry)
  }
  return [...byName.values()].map(({ row, fields }) => ({
    type: row.type,
    name: row.name,
    help: row.help,
    labels: row.label ? [row.label[0]] : [],
    read: snapshot =>
      fields.map(([field, { label }]) => ({
        labels: label ? { [label[0]]: label[1] } : {},
        value: numberOf(snapshot.counters, field),
      })),
  }))
}

function numberOf(counters: Readonly<Counters>, field: string): number {
  const value: unknown = Reflect.get(counters, field)
  return typeof value === 'number' ? value : Number.NaN
}
