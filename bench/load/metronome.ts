// metronome.ts: a worker thread that says "now" once a period, on time.
//
// Why: timers of an event loop are whole milliseconds from the last turn, so a timetable kept with them is late by half
// a millisecond at the median. A thread that only sleeps (Atomics.wait takes fractions) is late by a tenth of that.

import { parentPort, Worker, workerData } from 'node:worker_threads'

export interface Metronome {
  /** When beat 0 was, as performance.now() of the calling thread; beat n is n periods later. */
  readonly startedAt: number
  stop(): Promise<void>
}

/** Calls `onBeat` each period from another thread's clock, until stopped; the first time soon after it resolves. */
export async function startMetronome(onBeat: () => void, periodMs = 1): Promise<Metronome> {
  const worker = new Worker(new URL(import.meta.url), { execArgv: [], workerData: periodMs })
  const beatZero = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
  })
  worker.on('message', onBeat)
  const startedAt = performance.now() - (monotonicMs() - beatZero)
  return { startedAt, stop: async () => void (await worker.terminate()) }
}

/** The system's monotonic clock, the same in every thread; performance.now() starts anew in each. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

function beat(periodMs: number, tell: (message: unknown) => void): void {
  const clock = new Int32Array(new SharedArrayBuffer(4))
  const beatZero = monotonicMs()
  tell(beatZero)
  for (let n = 1; ; n++) {
    const left = beatZero + n * periodMs - monotonicMs()
    if (left > 0) Atomics.wait(clock, 0, 0, left)
    tell(n)
  }
}

const port = parentPort
if (port !== null) beat(Number(workerData), message => port.postMessage(message))
