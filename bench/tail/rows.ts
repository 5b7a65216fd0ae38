// rows.ts: the table of large loads beside which the small commands are measured. Data and the selection from it.

/** What the large clients do while fifty clients send small GETs. */
export interface TailRow {
  readonly name: string
  readonly title: string
  readonly command: 'GET' | 'SET'
  readonly valueBytes: number
  readonly clients: number
  /** Commands a second of all large clients; null: each has one under way at all times. */
  readonly ratePerSecond: number | null
}

const kibibyte = 1_024
const mebibyte = kibibyte * kibibyte

function fixed(name: string, command: TailRow['command'], valueBytes: number, ratePerSecond: number): TailRow {
  const size = valueBytes >= mebibyte ? `${valueBytes / mebibyte} MiB` : `${valueBytes / kibibyte} KiB`
  const title = `${ratePerSecond.toLocaleString('en')} ${command}s of ${size} a second`
  return { name, title, command, valueBytes, clients: 1, ratePerSecond }
}

const allRows: readonly TailRow[] = [
  fixed('get1m-50', 'GET', mebibyte, 50),
  fixed('get1m-200', 'GET', mebibyte, 200),
  fixed('set1m-50', 'SET', mebibyte, 50),
  fixed('set1m-200', 'SET', mebibyte, 200),
  fixed('set16k', 'SET', 16 * kibibyte, 3_200),
  fixed('get64k', 'GET', 64 * kibibyte, 800),
  {
    name: 'get1m-always',
    title: '4 GETs of 1 MiB always under way',
    command: 'GET',
    valueBytes: mebibyte,
    clients: 4,
    ratePerSecond: null,
  },
]

export const rowNames: readonly string[] = allRows.map(row => row.name)

/** Rows by name, or by the part before the last `-`; all for no names. @throws Error naming what does not exist. */
export function selectRows(names: readonly string[]): TailRow[] {
  if (names.length === 0) return [...allRows]
  return names.flatMap(name => {
    const found = allRows.filter(row => row.name === name || row.name.slice(0, row.name.lastIndexOf('-')) === name)
    if (found.length === 0) throw new Error(`--tail: no row ${name}; there are ${rowNames.join(' ')}`)
    return found
  })
}
