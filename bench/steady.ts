// steady.ts: does memory grow while holdfast does the same work for a long time?
//
// A mixed load in one loop; resident memory once a second; a straight line through the second half of the samples; two
// heap snapshots, after the first quarter and at the end, compared by what kind of object has grown.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil } from '../test/support/wait-until.ts'
import { type HeapGrowth, heapGrowth, readHeapSnapshot } from './heap-snapshot.ts'
import { runClosedLoop } from './load/redis-benchmark.ts'
import { memory } from './measure.ts'
import { pidOf } from './memory.ts'
import { type Line, leastSquares } from './statistics.ts'
import type { Target } from './targets.ts'

export interface SteadyResult {
  readonly minutes: number
  readonly commands: number
  readonly startBytes: number
  readonly endBytes: number
  /** Bytes an hour over the second half, with the standard error of the slope. */
  readonly slope: Line
  readonly heap: HeapGrowth
}

const snapshotWithinMs = 60_000
const loads = [
  { clients: 50, pipeline: 1, argv: ['SET', 'steady:__rand_int__'], valueBytes: 64, requests: 60_000 },
  { clients: 50, pipeline: 16, argv: ['GET', 'steady:__rand_int__'], valueBytes: null, requests: 200_000 },
  { clients: 200, pipeline: 1, argv: ['INCR', 'steady:count:__rand_int__'], valueBytes: null, requests: 60_000 },
  { clients: 20, pipeline: 4, argv: ['SET', 'steady:large:__rand_int__'], valueBytes: 16_384, requests: 10_000 },
] as const

/** `folder` is where the target writes a heap snapshot on SIGUSR2 (see startHoldfast). */
export async function measureSteady(target: Target, minutes: number, folder: string): Promise<SteadyResult> {
  const pid = pidOf(target)
  const startedAt = Date.now()
  const endAt = startedAt + minutes * 60_000
  const samples: { seconds: number; bytes: number }[] = []
  const running = { commands: 0, over: false }
  const sampling = (async () => {
    while (!running.over) {
      samples.push({ seconds: (Date.now() - startedAt) / 1000, bytes: memory(pid).residentBytes })
      await delay(1000)
    }
  })()
  await loadUntil(target.port, startedAt + (endAt - startedAt) / 4, running)
  const before = readHeapSnapshot(await takeSnapshot(pid, folder))
  await loadUntil(target.port, endAt, running)
  running.over = true
  await sampling
  const after = readHeapSnapshot(await takeSnapshot(pid, folder))
  const half = samples.filter(({ seconds }) => seconds >= minutes * 30)
  const slope = leastSquares(half.map(({ seconds, bytes }) => ({ x: seconds / 3600, y: bytes })))
  const [startBytes, endBytes] = [half[0]?.bytes ?? Number.NaN, half.at(-1)?.bytes ?? Number.NaN]
  return { minutes, commands: running.commands, startBytes, endBytes, slope, heap: heapGrowth(before, after) }
}

async function loadUntil(port: number, endAt: number, running: { commands: number }): Promise<void> {
  while (Date.now() < endAt) {
    for (const load of loads) {
      await runClosedLoop({ ...load, port, keys: 10_000, resp: 2 })
      running.commands += load.requests
    }
  }
}

/** Node writes the snapshot of `--heapsnapshot-signal` to a file of its own naming; it is whole when its size rests. */
async function takeSnapshot(pid: number, folder: string): Promise<string> {
  const known = new Set(readdirSync(folder))
  process.kill(pid, 'SIGUSR2')
  const written = (): string | undefined =>
    readdirSync(folder).find(name => name.endsWith('.heapsnapshot') && !known.has(name))
  const name = await waitUntil('the heap snapshot is written', () => written(), { withinMs: snapshotWithinMs })
  const file = join(folder, name)
  await waitUntil('the heap snapshot is whole', () => isWhole(file), { withinMs: snapshotWithinMs, everyMs: 500 })
  return file
}

function isWhole(file: string): boolean {
  try {
    readHeapSnapshot(file)
    return true
  } catch {
    return false
  }
}
