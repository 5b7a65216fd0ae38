// sample.ts: what a load generator gives back. Types and the summary of a list of latencies; no I/O.

import { percentile } from '../statistics.ts'

/** Milliseconds. */
export interface Latency {
  avg: number
  p50: number
  p99: number
  p999: number
  max: number
}

export interface LoadResult {
  /** Commands that got a reply. */
  commands: number
  seconds: number
  opsPerSecond: number
  latencyMs: Latency
  /** How late the generator itself was against its own timetable (open loop), or the wake-up of blocked sessions. */
  extra: { label: string; latencyMs: Latency } | null
}

/** Sorts `values` (milliseconds) in place. */
export function summarize(values: Float64Array): Latency {
  values.sort()
  const sum = values.reduce((total, value) => total + value, 0)
  return {
    avg: sum / values.length,
    p50: percentile(values, 0.5),
    p99: percentile(values, 0.99),
    p999: percentile(values, 0.999),
    max: values.at(-1) ?? Number.NaN,
  }
}
