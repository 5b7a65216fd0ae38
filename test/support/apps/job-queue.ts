// job-queue.ts: an application on BullMQ: one queue, two workers, one listener for events, all on the proxy's port.
//
// The queue, the listener and the first worker are given a host and a port (BullMQ brings ioredis 6, RESP3); the second
// worker is given an ioredis 5 client (RESP2), of which it makes its second connection itself.
//
// Owns: these and the record of what they did. Never: judges it, retries a job (BullMQ's default is one attempt).
import { setTimeout as pause } from 'node:timers/promises'
import { type Job, Queue, QueueEvents, Worker } from 'bullmq'
import { Redis as Redis5 } from 'ioredis5'

export interface JobQueueOptions {
  readonly port: number
  /** BullMQ's 30000 where not given: a job whose lock is older than this and was not renewed counts as stalled. */
  readonly lockDurationMs?: number
  /** BullMQ's 30000 where not given: how often it looks for stalled jobs. */
  readonly stalledIntervalMs?: number
}

export interface JobQueue {
  /** How often each job's work was done to its end. */
  readonly runs: ReadonlyMap<string, number>
  /** How often the listener was told that a job is completed. */
  readonly completedEvents: ReadonlyMap<string, number>
  /** Jobs that BullMQ took from a worker and gave out again. */
  readonly stalled: readonly string[]
  /** Why a job failed, by its id. */
  readonly failed: ReadonlyMap<string, string>
  /** Error events of the queue, the workers and the listener, and every close of a connection. */
  readonly troubles: readonly string[]
  /** Adds one job after the other or, in bulk, all at once; answers their ids. */
  add(count: number, how: 'singly' | 'in bulk'): Promise<string[]>
  /** From now on a job that is being worked on does not end; answers when all workers are taken up so. */
  suspend(): Promise<void>
  resume(): void
  counts(): Promise<Record<string, number>>
  close(): Promise<void>
}

const concurrency = 4
const jobMs = 40

/** Answers when all of it is connected. */
export async function startJobQueue(options: JobQueueOptions): Promise<JobQueue> {
  const connection = { host: '127.0.0.1', port: options.port }
  // BullMQ refuses a client with a limit of retries.
  const redis5 = new Redis5({ ...connection, maxRetriesPerRequest: null })
  const work = new Work()
  const limits = {
    concurrency,
    ...(options.lockDurationMs !== undefined && { lockDuration: options.lockDurationMs }),
    ...(options.stalledIntervalMs !== undefined && { stalledInterval: options.stalledIntervalMs }),
  }
  const queue = new Queue('mail', { connection })
  const events = new QueueEvents('mail', { connection })
  const workers = [connection, redis5].map(own => new Worker('mail', work.run, { connection: own, ...limits }))
  watch({ queue, events, workers, redis5 }, work)
  await Promise.all([queue, events, ...workers].map(one => one.waitUntilReady()))
  return {
    runs: work.runs,
    completedEvents: work.completedEvents,
    stalled: work.stalled,
    failed: work.failed,
    troubles: work.troubles,
    add: async (count, how) => {
      const data = Array.from({ length: count }, (_, n) => ({ name: 'send', data: { n } }))
      if (how === 'in bulk') return (await queue.addBulk(data)).map(idOf)
      const ids: string[] = []
      for (const { name, data: content } of data) ids.push(idOf(await queue.add(name, content)))
      return ids
    },
    suspend: () => work.suspend(concurrency * workers.length),
    resume: () => work.resume(),
    counts: () => queue.getJobCounts('wait', 'active', 'delayed', 'completed', 'failed'),
    close: async () => {
      work.resume()
      await Promise.all(workers.map(worker => worker.close()))
      work.closing = true
      await Promise.all([queue.close(), events.close()])
      redis5.disconnect()
    },
  }
}

interface Parts {
  readonly queue: Queue
  readonly events: QueueEvents
  readonly workers: readonly Worker[]
  readonly redis5: Redis5
}

function watch({ queue, events, workers, redis5 }: Parts, work: Work): void {
  const trouble = (who: string, what: string) => (detail?: unknown) => {
    if (work.closing) return
    work.troubles.push(`${who} ${what}${detail instanceof Error ? `: ${detail.message}` : ''}`)
  }
  queue.on('error', trouble('queue', 'error')).on('ioredis:close', trouble('queue', 'close'))
  events.on('error', trouble('events', 'error')).on('ioredis:close', trouble('events', 'close'))
  for (const [n, worker] of workers.entries())
    worker.on('error', trouble(`worker ${n + 1}`, 'error')).on('failed', (job, error) => {
      trouble(`worker ${n + 1}`, 'failed job')(error)
      if (job !== undefined) work.failed.set(idOf(job), error.message)
    })
  // A worker does not tell that its connections close before it is closed itself; the client it was given does.
  redis5.on('close', trouble('ioredis 5', 'close')).on('reconnecting', trouble('ioredis 5', 'reconnecting'))
  events.on('completed', ({ jobId }) => raise(work.completedEvents, jobId))
  events.on('stalled', ({ jobId }) => work.stalled.push(jobId))
}

class Work {
  readonly runs = new Map<string, number>()
  readonly completedEvents = new Map<string, number>()
  readonly stalled: string[] = []
  readonly failed = new Map<string, string>()
  readonly troubles: string[] = []
  closing = false
  #suspended: { readonly taken: number; readonly full: () => void; readonly over: Promise<void> } | null = null
  #taken = 0
  #resume: () => void = () => {}

  readonly run = async (job: Job): Promise<number> => {
    await pause(jobMs)
    if (this.#suspended !== null) {
      this.#taken++
      if (this.#taken === this.#suspended.taken) this.#suspended.full()
      await this.#suspended.over
    }
    raise(this.runs, idOf(job))
    return Number(job.data.n) * 2
  }

  /** Answers when `taken` jobs wait in it. */
  suspend(taken: number): Promise<void> {
    this.#taken = 0
    return new Promise(full => {
      const over = new Promise<void>(resolve => {
        this.#resume = resolve
      })
      this.#suspended = { taken, full, over }
    })
  }

  resume(): void {
    this.#suspended = null
    this.#resume()
  }
}

function raise(counts: Map<string, number>, id: string): void {
  counts.set(id, (counts.get(id) ?? 0) + 1)
}

function idOf(job: Job): string {
  if (job.id === undefined) throw new Error('a job without an id')
  return job.id
}
