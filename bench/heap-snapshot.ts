// heap-snapshot.ts: reads V8's heap snapshots and compares two of them by kind of object. Pure but for the reading.

import { readFileSync } from 'node:fs'

/** Bytes and number of objects by their kind: `object Session`, `native system / JSArrayBufferData`, ... */
export type HeapTotals = ReadonlyMap<string, { readonly count: number; readonly bytes: number }>

export interface HeapGrowth {
  readonly beforeBytes: number
  readonly afterBytes: number
  /** The kinds that have grown most, by bytes. */
  readonly most: readonly { readonly kind: string; readonly bytes: number; readonly count: number }[]
}

const shown = 5
// Strings and code differ from run to run and are many: each counts as one kind.
const named = new Set(['object', 'native', 'closure'])

/** @throws Error when the file is no (whole) snapshot. */
export function readHeapSnapshot(file: string): HeapTotals {
  const content: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (!isSnapshot(content)) throw new Error(`${file} is no heap snapshot`)
  const { node_fields: fields, node_types: types } = content.snapshot.meta
  const at = (name: string): number => fields.indexOf(name)
  const [type, name, size] = [at('type'), at('name'), at('self_size')]
  const kinds = types[type] ?? []
  const totals = new Map<string, { count: number; bytes: number }>()
  for (let i = 0; i < content.nodes.length; i += fields.length) {
    const sort = kinds[content.nodes[i + type] ?? 0] ?? 'unknown'
    const kind = named.has(sort) ? `${sort} ${content.strings[content.nodes[i + name] ?? 0] ?? ''}` : sort
    const total = totals.get(kind) ?? { count: 0, bytes: 0 }
    total.count++
    total.bytes += content.nodes[i + size] ?? 0
    totals.set(kind, total)
  }
  return totals
}

export function heapGrowth(before: HeapTotals, after: HeapTotals): HeapGrowth {
  const sum = (totals: HeapTotals): number => [...totals.values()].reduce((all, { bytes }) => all + bytes, 0)
  const grown = [...after].map(([kind, now]) => {
    const then = before.get(kind) ?? { count: 0, bytes: 0 }
    return { kind, bytes: now.bytes - then.bytes, count: now.count - then.count }
  })
  const most = grown
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, shown)
  return { beforeBytes: sum(before), afterBytes: sum(after), most }
}

interface Snapshot {
  readonly snapshot: { readonly meta: { readonly node_fields: string[]; readonly node_types: string[][] } }
  readonly nodes: readonly number[]
  readonly strings: readonly string[]
}

function isSnapshot(content: unknown): content is Snapshot {
  return typeof content === 'object' && content !== null && 'snapshot' in content && 'nodes' in content
}
