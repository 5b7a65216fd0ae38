// metric-type.ts: what a metric is: its name, its help text, and how its value is read at scrape.
import type { counterRows } from './counter-metrics.ts'
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
/** The label of each series and its value. */
type Series = readonly (readonly [text: string, value: number])[]

export function gauge(name: string, help: string, read: Read): Metric {
  return labelled('gauge', name, help, [], snapshot => [['', read(snapshot)]])
}

export function counter(name: string, help: string, read: Read): Metric {
  return labelled('counter', name, help, [], snapshot => [['', read(snapshot)]])
}

/** With several `labels`, the text of a series is words with spaces between them. */
export function labelled(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  labels: readonly string[],
  read: (snapshot: Snapshot) => Series,
): Metric {
  const sample = ([text, value]: Series[number]): Sample => {
    const words = text.split(' ')
    return { labels: Object.fromEntries(labels.map((label, i) => [label, words[i] ?? 'other'])), value }
  }
  return { type, name, help, labels, read: snapshot => read(snapshot).map(sample) }
}

/** One series per label of a tally. */
export function tallied(name: string, help: string, labels: readonly string[], tally: NameOf<Tally>): Metric {
  return labelled('counter', name, help, labels, ({ counters }) => counters.detail[tally].entries())
}

export function histogram(name: string, help: string, times: NameOf<Histogram>): Metric {
  return { type: 'histogram', name, help, labels: [], read: ({ counters }) => counters.detail[times] }
}

type Detail = Counters['detail']
type NameOf<T> = { [K in keyof Detail]: Detail[K] extends T ? K : never }[keyof Detail]

/** The rows of counter-metrics.ts as metrics; rows of one name make one metric. */
export function fromRows(rows: typeof counterRows): Metric[] {
  const fields = Object.keys(rows) as (keyof typeof rows)[]
  const all = fields.flatMap(field => (rows[field] ? [{ ...rows[field], field }] : []))
  const firsts = all.filter(({ name }, i) => all.findIndex(row => row.name === name) === i)
  return firsts.map(({ type, name, help, label }) => {
    const series = all.filter(row => row.name === name)
    const read = ({ counters }: Snapshot): Series => series.map(row => [row.label?.[1] ?? '', counters[row.field]])
    return labelled(type, name, help, label ? [label[0]] : [], read)
  })
}
