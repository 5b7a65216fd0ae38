// cost.ts: what one page costs in CPU and in throughput, told so that the noise of a machine does not hide it.
//
// Each round is a pair: with nobody looking, and with a page, one right after the other, in turns which comes first. The
// answer is the median of the differences, with the bounds in which it lies in 95 of 100 runs. CPU is the kernel's count
// for the process, in nanoseconds: another process that takes the core is not in it, as it is in every throughput.
//
// Owns: the load at a fixed rate. Never: judges.
import { setTimeout as delay } from 'node:timers/promises'
import { type Client, encode, openClient } from '../load/client.ts'
import { startMetronome } from '../load/metronome.ts'
import { runClosedLoop } from '../load/redis-benchmark.ts'
import { processCpu } from '../measure.ts'
import { median, medianBounds } from '../statistics.ts'

/** CPU is counted over so long. */
const WINDOW_MS = 2000

export interface Figure {
  readonly median: number
  readonly low: number
  readonly high: number
}

/** Runs `act` with so many pages open. */
export type Watched = <T>(pages: number, act: () => Promise<T>) => Promise<T>

/** Within a pair: with pages and without. */
interface Pair {
  readonly alone: number
  readonly seen: number
}

export function figureOf(values: readonly number[]): Figure {
  return { median: median(values), ...medianBounds(values) }
}

async function pairs(rounds: number, pages: number, watched: Watched, measure: () => Promise<number>): Promise<Pair[]> {
  const found: Pair[] = []
  for (let i = 0; i < rounds; i++) {
    const alone = async (): Promise<number> => watched(0, measure)
    const first = i % 2 === 0 ? await alone() : null
    const seen = await watched(pages, measure)
    found.push({ alone: first ?? (await alone()), seen })
  }
  return found
}

/** CPU seconds of the process in each second, over `ms`. */
function cpuShare(pid: number, ms: number): () => Promise<number> {
  return async () => {
    const before = processCpu(pid).seconds
    const startedAt = performance.now()
    await delay(ms)
    return (processCpu(pid).seconds - before) / ((performance.now() - startedAt) / 1000)
  }
}

export interface CpuCost {
  /** Milliseconds of CPU a second: with nobody looking, and how much more with pages. */
  readonly alone: Figure
  readonly more: Figure
}

function costOf(found: readonly Pair[]): CpuCost {
  return {
    alone: figureOf(found.map(({ alone }) => alone * 1000)),
    more: figureOf(found.map(({ alone, seen }) => (seen - alone) * 1000)),
  }
}

/** Without a command. */
export async function costAtRest(
  pid: number,
  watched: Watched,
  { rounds, pages }: { readonly rounds: number; readonly pages: number },
): Promise<CpuCost> {
  return costOf(await pairs(rounds, pages, watched, cpuShare(pid, WINDOW_MS)))
}

const CLIENTS = 10
const BEAT_MS = 5

/** At a fixed rate of commands, far below what it could do: what a page adds is then not taken from them. */
export async function costUnderLoad(
  proxy: { readonly pid: number; readonly port: number },
  watched: Watched,
  { rounds, ratePerSecond }: { readonly rounds: number; readonly ratePerSecond: number },
): Promise<CpuCost & { readonly perCommand: Figure }> {
  const count = { answered: 0 }
  const fail = (why: Error): void => {
    throw why
  }
  const clients: Client[] = []
  const command = encode(['GET', 'page:cost'])
  for (let i = 0; i < CLIENTS; i++) clients.push(await openClient(proxy.port, () => void count.answered++, fail))
  const each = Math.round((ratePerSecond * BEAT_MS) / 1000 / CLIENTS)
  const batch = Buffer.concat(Array.from({ length: each }, () => command))
  const metronome = await startMetronome(() => {
    for (const client of clients) client.write(batch)
  }, BEAT_MS)
  const share = cpuShare(proxy.pid, WINDOW_MS)
  const perCommand: number[] = []
  try {
    const found = await pairs(rounds, 1, watched, async () => {
      const [before, startedAt] = [count.answered, performance.now()]
      const used = await share()
      const rate = (count.answered - before) / ((performance.now() - startedAt) / 1000)
      perCommand.push((used / rate) * 1e6)
      return used
    })
    return { ...costOf(found), perCommand: figureOf(perCommand) }
  } finally {
    await metronome.stop()
    for (const client of clients) client.close()
  }
}

/** The ratio of the throughput with a page to that without, and commands a second without. */
export async function throughputWithPage(
  port: number,
  watched: Watched,
  { rounds, requests, pipeline }: { readonly rounds: number; readonly requests: number; readonly pipeline: number },
): Promise<{ readonly alone: number; readonly ratio: Figure }> {
  const load = {
    clients: 50,
    pipeline,
    argv: ['GET', 'k:__rand_int__'],
    valueBytes: null,
    keys: 10_000,
    resp: 2,
  } as const
  const run = async (): Promise<number> => {
    const startedAt = performance.now()
    await runClosedLoop({ ...load, port, requests })
    return requests / ((performance.now() - startedAt) / 1000)
  }
  await run()
  const found = await pairs(rounds, 1, watched, run)
  return {
    alone: median(found.map(({ alone }) => alone)),
    ratio: figureOf(found.map(({ alone, seen }) => seen / alone)),
  }
}
