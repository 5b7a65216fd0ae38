// redis-benchmark.ts: closed loops, by the C program that comes with Redis; in C so that the generator is not what
// is measured. Each client sends its next pipeline when the last one is answered.
//
// Owns: its command line and the reading of its report. The value travels by stdin (-x), because one argument of a
// process cannot be longer than 128 KiB.

import { spawn } from 'node:child_process'
import type { LoadResult } from './sample.ts'

export interface ClosedLoop {
  port: number
  clients: number
  pipeline: number
  requests: number
  /** Size of the random part: key:000000000000 up to this number. */
  keys: number
  resp: 2 | 3
  /** The command; `__rand_int__` becomes 12 random digits. */
  argv: readonly string[]
  /** Bytes of one more argument, the last; null for none. */
  valueBytes: number | null
}

const timeoutMs = 60_000

/** Runs it to its end. Rejects with its last words when it fails, stops on an error reply or takes over a minute. */
export async function runClosedLoop(load: ClosedLoop): Promise<LoadResult> {
  const args = ['-h', '127.0.0.1', '-p', String(load.port), '-c', String(load.clients), '-P', String(load.pipeline)]
  args.push('-n', String(load.requests), '-r', String(load.keys))
  if (load.resp === 3) args.push('-3')
  if (load.valueBytes !== null) args.push('-x')
  const text = await run([...args, ...load.argv], load.valueBytes)
  return readReport(text, load.requests)
}

async function run(args: readonly string[], valueBytes: number | null): Promise<string> {
  const child = spawn('redis-benchmark', args, { stdio: ['pipe', 'pipe', 'pipe'], timeout: timeoutMs })
  let out = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => {
    // The running figures are many and end in a carriage return; only the last one can be followed by the report.
    out = `${out}${chunk.toString()}`.replace(/[^\n]*\r/g, '')
  })
  child.stderr.on('data', (chunk: Buffer) => {
    errors = `${errors}${chunk.toString()}`.slice(-2_000)
  })
  child.stdin.on('error', () => {})
  child.stdin.end(valueBytes === null ? '' : Buffer.alloc(valueBytes, 'x'))
  const stop = (): void => void child.kill('SIGKILL')
  process.once('exit', stop)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      process.removeListener('exit', stop)
      if (code === 0) resolve(out)
      else reject(new Error(`redis-benchmark ended with ${signal ?? code}: ${lastWords(errors, out)}`))
    })
  })
}

function lastWords(errors: string, out: string): string {
  const lines = `${out}\n${errors}`.split('\n').filter(line => line.trim() !== '' && !line.startsWith('WARNING'))
  return lines.slice(-2).join(' | ') || 'it said nothing'
}

/** The report of redis-benchmark 6.2 and later (latencies in milliseconds). */
export function readReport(text: string, requests: number): LoadResult {
  const opsPerSecond = Number(/throughput summary: ([\d.]+)/.exec(text)?.[1])
  const [avg, , p50, , p99, max] = (/latency summary[^\n]*\n[^\n]*\n\s*([\d. ]+)/.exec(text)?.[1] ?? '')
    .trim()
    .split(/\s+/)
    .map(Number)
  if (!(opsPerSecond > 0) || avg === undefined || p50 === undefined || p99 === undefined || max === undefined) {
    throw new Error(`redis-benchmark's report could not be read: ${text.slice(-300)}`)
  }
  const latencyMs = { avg, p50, p99, p999: percentileFrom(text, 99.9) ?? max, max }
  return { commands: requests, seconds: requests / opsPerSecond, opsPerSecond, latencyMs, extra: null }
}

/** The report lists some percentiles, ever closer to 100; this is the first one at or above what is asked for. */
function percentileFrom(text: string, wanted: number): number | undefined {
  const section = text.split('Latency by percentile distribution:')[1]?.split('\n\n')[0] ?? ''
  for (const [, percent, ms] of section.matchAll(/([\d.]+)% <= ([\d.]+) milliseconds/g)) {
    if (Number(percent) >= wanted) return Number(ms)
  }
  return undefined
}
