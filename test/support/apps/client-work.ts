// client-work.ts: a client library at work: every kind of command in a loop of its own, each reply checked as it
// comes.
//
//   plain, pipeline, transaction, script   counters go up by one, what was written is read
//   scan                                   every iteration is complete
//   publish ─▶ subscriber, push ─▶ reader  what arrives, to be compared with what was sent (judge-work.ts)
//
// Owns: the loops and the record of each round. Never: retries, or decides which deviation may be excused.
import { setTimeout as pause } from 'node:timers/promises'
import { nowMs } from '../ledger.ts'
import { waitUntil } from '../wait-until.ts'
import type { Batch, ClientDriver, Part } from './client-driver.ts'

export interface Round {
  readonly loop: string
  readonly startedAt: number
  readonly endedAt: number
  /** '' when every reply was what it had to be. */
  readonly wrong: string
}

/** Something handed from one connection to another: a message, a list element. */
export interface Item {
  readonly text: string
  readonly at: number
  /** Of a message: how many the server says have it. */
  readonly receivers: number
}

export interface Work {
  readonly driver: ClientDriver
  readonly rounds: readonly Round[]
  /** Commands that the library rejected. */
  readonly errors: readonly string[]
  readonly published: readonly Item[]
  readonly received: readonly Item[]
  readonly pushed: readonly Item[]
  readonly popped: readonly Item[]
  /** The counters' keys and the last value this client was told of each. */
  readonly counters: ReadonlyMap<string, number>
  /** Waits until every loop has done `more` rounds that began from now on. */
  advance(more: number): Promise<void>
  /** Ends the loops; what was pushed has been read then. */
  stop(): Promise<void>
}

/** Keys that each client's scan must find. */
export const scannedKeys = 400

const restMs = 12

/** Subscribes, opens the reader, writes the keys to be scanned, starts the loops. */
export async function startWork(driver: ClientDriver): Promise<Work> {
  const p = driver.name
  for (let n = 0; n < scannedKeys; n += 100)
    await Promise.all(Array.from({ length: 100 }, (_, i) => driver.set(`${p}:scan:${n + i}`, 'x')))
  const work = new Loops(driver)
  await driver.subscribe(`${p}:news`, text => work.received.push({ text, at: nowMs(), receivers: 0 }))
  const reader = await driver.reader()
  let n = 0
  work.start('plain', () => plainRound(work, `plain-${++n}`))
  work.start('pipeline', () => batchRound(work, 'pipeline', `pipe-${++n}`))
  work.start('transaction', () => batchRound(work, 'transaction', `multi-${++n}`))
  work.start('script', async () => {
    const tag = `script-${++n}`
    const [value, echo] = await driver.bump(`${p}:counter:script`, tag)
    return differences([work.count('script', value), echo], [1, tag])
  })
  work.start('scan', async () => {
    const found = new Set(await driver.scan(`${p}:scan:*`))
    return differences([found.size], [scannedKeys])
  })
  work.start('publish', async () => {
    const text = `news-${work.published.length + 1}`
    const at = nowMs()
    const receivers = await driver.publish(`${p}:news`, text)
    work.published.push({ text, at, receivers })
    return ''
  })
  work.start('push', async () => {
    const text = `item-${work.pushed.length + 1}`
    const at = nowMs()
    await driver.push(`${p}:list`, text)
    work.pushed.push({ text, at, receivers: 0 })
    return ''
  })
  work.startReader(async () => {
    const text = await reader.pop(`${p}:list`, 1)
    if (text !== null) work.popped.push({ text, at: nowMs(), receivers: 0 })
    return text !== null
  })
  return work
}

async function plainRound(work: Loops, value: string): Promise<string> {
  const { driver } = work
  const key = `${driver.name}:plain`
  const stored = await driver.set(key, value)
  const read = await driver.get(key)
  const counted = await driver.incr(`${driver.name}:counter:plain`)
  return differences([stored, read, work.count('plain', counted)], ['OK', value, 1])
}

async function batchRound(work: Loops, kind: 'pipeline' | 'transaction', value: string): Promise<string> {
  const { driver } = work
  const p = driver.name
  const batch: Batch = {
    key: `${p}:${kind}`,
    value,
    counter: `${p}:counter:${kind}`,
    scriptCounter: `${p}:counter:${kind}-script`,
  }
  const [stored, read, counted, scripted] = await driver[kind](batch)
  const [bumped, echo] = Array.isArray(scripted) ? scripted : [scripted, null]
  const seen = [stored, read, work.count(kind, counted), work.count(`${kind}-script`, bumped), echo]
  return differences(seen, ['OK', value, 1, 1, value])
}

function differences(seen: readonly unknown[], wanted: readonly unknown[]): string {
  const [a, b] = [JSON.stringify(seen), JSON.stringify(wanted)]
  return a === b ? '' : `${a} instead of ${b}`
}

class Loops implements Work {
  readonly driver: ClientDriver
  readonly rounds: Round[] = []
  readonly errors: string[] = []
  readonly published: Item[] = []
  readonly received: Item[] = []
  readonly pushed: Item[] = []
  readonly popped: Item[] = []
  readonly counters = new Map<string, number>()
  readonly #writers: { loop: string; ended: Promise<void> }[] = []
  #readerEnded: Promise<void> = Promise.resolve()
  #stopping = false
  #writersDone = false

  constructor(driver: ClientDriver) {
    this.driver = driver
  }

  /** How far the counter has moved since the last reply. */
  count(counter: string, value: Part | undefined): number {
    const key = `${this.driver.name}:counter:${counter}`
    const before = this.counters.get(key) ?? 0
    this.counters.set(key, Number(value))
    return Number(value) - before
  }

  start(loop: string, round: () => Promise<string>): void {
    const run = async (): Promise<void> => {
      while (!this.#stopping) {
        await this.#record(loop, round)
        await pause(restMs)
      }
    }
    this.#writers.push({ loop, ended: run() })
  }

  /** Goes on until all that was pushed is read: one wait without an element after the last push. */
  startReader(read: () => Promise<boolean>): void {
    const run = async (): Promise<void> => {
      for (;;) {
        const wasLast = this.#writersDone
        let got = false
        await this.#record('reader', async () => {
          got = await read()
          return ''
        })
        if (wasLast && !got) return
      }
    }
    this.#readerEnded = run()
  }

  async #record(loop: string, round: () => Promise<string>): Promise<void> {
    const startedAt = nowMs()
    try {
      const wrong = await round()
      this.rounds.push({ loop, startedAt, endedAt: nowMs(), wrong })
    } catch (error) {
      this.errors.push(`${loop}: ${error instanceof Error ? error.message : String(error)}`)
      await pause(restMs)
    }
  }

  async advance(more: number): Promise<void> {
    const from = nowMs()
    const loops = [...this.#writers.map(({ loop }) => loop), 'reader']
    const behind = (): boolean => {
      const fresh = this.rounds.filter(({ startedAt }) => startedAt >= from)
      return loops.every(loop => fresh.filter(round => round.loop === loop).length >= more)
    }
    await waitUntil(`every loop of ${this.driver.name} goes on`, behind, { withinMs: 30_000, everyMs: 20 })
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await Promise.all(this.#writers.map(({ ended }) => ended))
    this.#writersDone = true
    await this.#readerEnded
  }
}
