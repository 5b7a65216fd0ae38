// run-case.ts: one measurement of one case against one port, with the right generator, for about as long as asked.
//
// Owns: how many requests make that long (calibrate). Never: looks at processes or compares targets.

import type { Case } from '../cases.ts'
import { startSleepers } from './blocking.ts'
import { runOpenLoop } from './open-loop.ts'
import { runClosedLoop } from './redis-benchmark.ts'
import type { LoadResult } from './sample.ts'

const longEnoughSeconds = 0.3
const mostRequests = 20_000_000

/** The size of a measurement: requests in a closed loop, seconds in an open one. */
export interface Size {
  requests: number
  seconds: number
}

/**
 * Finds the number of requests that takes `seconds`, by ever longer trials of at least 0.3 s. They also warm the
 * target: its connections, and its compiled code where it has a compiler.
 */
export async function calibrate(one: Case, port: number, seconds: number): Promise<Size> {
  if (one.kind === 'open') {
    await measureLoad(one, port, { requests: 0, seconds: longEnoughSeconds })
    return { requests: 0, seconds }
  }
  // A first trial that is over within a millisecond has no rate; one of large values would last for seconds.
  const least = one.preload.valueBytes > 64 * 1_024 ? 500 : 5_000
  let requests = Math.max(least, one.clients * one.pipeline * 4)
  for (;;) {
    const trial = await measureLoad(one, port, { requests, seconds })
    if (trial.seconds >= longEnoughSeconds || requests >= mostRequests) {
      return { requests: Math.max(one.clients * one.pipeline, Math.round(trial.opsPerSecond * seconds)), seconds }
    }
    requests = Math.min(mostRequests, Math.max(requests * 2, Math.ceil(trial.opsPerSecond * longEnoughSeconds * 1.3)))
  }
}

export async function measureLoad(one: Case, port: number, size: Size): Promise<LoadResult> {
  if (one.kind === 'open') {
    const { clients: connections, ratePerSecond, argv } = one
    return runOpenLoop({ port, connections, ratePerSecond, seconds: size.seconds, argv })
  }
  const { clients, pipeline, resp, argv, valueBytes } = one
  const keys = Math.max(1, one.preload.keys)
  const load = { port, clients, pipeline, requests: size.requests, keys, resp, argv, valueBytes }
  if (one.sleepers === 0) return runClosedLoop(load)
  const sleepers = await startSleepers(port, one.sleepers)
  const result = await runClosedLoop(load).catch(async (error: unknown) => {
    await sleepers.stop().catch(() => {})
    throw error
  })
  return { ...result, extra: { label: 'BLPOP woken', latencyMs: await sleepers.stop() } }
}
