// metric-type.ts: what a metric is: its name, its help text, and how its value is read at scrape.
//
// A metric is of the program, or of each master: then it has the label `master` where there are several. One master
// alone has no such label.
import type { counterRows } from './counter-metrics.ts'
import type { Counters } from './counters.ts'
import type { Histogram } from './histogram.ts'
import type { Tally } from './labelled-counters.ts'
import type { MasterSnapshot, Snapshot } from './snapshot.ts'

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

interface Described {
  readonly name: string
  readonly help: string
  /** Label names but `master`, for the reference. */
  readonly labels: readonly string[]
}

type Plain = 'counter' | 'gauge'

export type Metric =
  | (Described & { of: 'program'; readonly type: Plain; readonly read: (snapshot: Snapshot) => readonly Sample[] })
  | (Described & { of: 'master'; readonly type: Plain; readonly read: (master: MasterSnapshot) => readonly Sample[] })
  | (Described & { of: 'master'; readonly type: 'histogram'; readonly read: (master: MasterSnapshot) => Histogram })

/** The label of each series and its value. */
type Series = readonly (readonly [text: string, value: number])[]

export function gauge(name: string, help: string, read: (master: MasterSnapshot) => number): Metric {
  return labelled('gauge', name, help, [], master => [['', read(master)]])
}

/** With several `labels`, the text of a series is words with spaces between them. */
export function labelled(
  type: Plain,
  name: string,
  help: string,
  labels: readonly string[],
  read: (master: MasterSnapshot) => Series,
): Metric {
  return { of: 'master', type, name, help, labels, read: master => samples(read(master), labels) }
}

/** The same of the whole program. */
export const ofProgram = {
  gauge(name: string, help: string, read: (snapshot: Snapshot) => number): Metric {
    return ofProgram.labelled('gauge', name, help, [], snapshot => [['', read(snapshot)]])
  },
  counter(name: string, help: string, read: (snapshot: Snapshot) => number): Metric {
    return ofProgram.labelled('counter', name, help, [], snapshot => [['', read(snapshot)]])
  },
  labelled(
    type: Plain,
    name: string,
    help: string,
    labels: readonly string[],
    read: (snapshot: Snapshot) => Series,
  ): Metric {
    return { of: 'program', type, name, help, labels, read: snapshot => samples(read(snapshot), labels) }
  },
}

function samples(series: Series, labels: readonly string[]): Sample[] {
  return series.map(([text, value]) => {
    const words = text.split(' ')
    return { labels: Object.fromEntries(labels.map((label, i) => [label, words[i] ?? 'other'])), value }
  })
}

/** One series per label of a tally. */
export function tallied(name: string, help: string, labels: readonly string[], tally: NameOf<Tally>): Metric {
  return labelled('counter', name, help, labels, ({ counters }) => counters.detail[tally].entries())
}

export function histogram(name: string, help: string, times: NameOf<Histogram>): Metric {
  return { of: 'master', type: 'histogram', name, help, labels: [], read: ({ counters }) => counters.detail[times] }
}

type Detail = Counters['detail']
type NameOf<T> = { [K in keyof Detail]: Detail[K] extends T ? K : never }[keyof Detail]

/** The rows of counter-metrics.ts as metrics; rows of one name make one metric. */
export function fromRows(rows: typeof counterRows): Metric[] {
  const fields = Object.keys(rows) as (keyof typeof rows)[]
  const all = fields.flatMap(field => (rows[field] ? [{ ...rows[field], field }] : []))
  const firsts = all.filter(({ name }, i) => all.findIndex(row => row.name === name) === i)
  return firsts.map(({ type, name, help, label, ofProgram: isOfProgram }) => {
    const series = all.filter(row => row.name === name)
    const labels = label ? [label[0]] : []
    const read = ({ counters }: Pick<MasterSnapshot, 'counters'>): Series =>
      series.map(row => [row.label?.[1] ?? '', counters[row.field]])
    if (!isOfProgram) return labelled(type, name, help, labels, read)
    // Which master's counters they are in says nothing.
    return ofProgram.labelled(type, name, help, labels, ({ masters }) => sumOf(masters.map(read)))
  })
}

/** Of series with the same texts. */
function sumOf(all: readonly Series[]): Series {
  const [first = []] = all
  return first.map(([text], i) => [text, all.reduce((sum, series) => sum + (series[i]?.[1] ?? 0), 0)])
}
