// member.ts: one process of the crowd: many sidecars, each with its own control plane, data plane and one client.
//
//   parent ──start, mark, report, stop──▶ this process ──ready, report──▶ parent          (messages of fork)
//   client ─▶ listener ─▶ proxy ─▶ master          so often in here; nothing is shared but the code
//
// Each sidecar is a whole Proxy of src/proxy.ts with a listener, lanes and a watcher. Its log is the program's, and goes
// nowhere but is formatted. The client sends one small command at a time, a second after the last reply.
// Ends when its parent does.
import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type DestinationStream, pino } from 'pino'
import type { Log } from '../../src/ops/log.ts'
import { type Client, encode, openClient } from '../load/client.ts'

export type ToMember =
  | {
      readonly kind: 'start'
      /** The checkout whose proxies these are. */
      readonly checkout: string
      readonly count: number
      readonly firstNumber: number
      readonly sentinels: readonly string[]
      readonly masterName: string
      /** Where the log of the first sidecar goes, debug lines included; null: nowhere. */
      readonly logFile: string | null
      /** Where a CPU profile of the failover goes; null: nowhere. */
      readonly profileFile: string | null
    }
  | { readonly kind: 'collect' }
  /** From here on replies, gaps, errors and warnings count. */
  | { readonly kind: 'mark' }
  /** `since`: Date.now() of the moment after which a first reply is looked for. */
  | { readonly kind: 'report'; readonly since: number }
  | { readonly kind: 'stop' }

export interface ClientReport {
  /** Date.now() of the first reply at or after `since`; null: there was none. */
  readonly firstAt: number | null
  readonly longestGapMs: number
}

export type FromMember =
  | { readonly kind: 'ready' }
  | { readonly kind: 'collected' }
  | {
      readonly kind: 'report'
      readonly clients: readonly ClientReport[]
      readonly errors: number
      readonly lost: number
      /** Warnings and errors that the sidecars logged since the mark, by event. */
      readonly warnings: Readonly<Record<string, number>>
      /** CPU seconds of this process since its start. */
      readonly cpuSeconds: number
      readonly residentBytes: number
    }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly why: string }

/** From a reply to the next command. A hold lasts longer, so that every client waits when the majority speaks. */
const PAUSE_MS = 1_000
/** A sidecar's share of a failover is less than a millisecond. */
const SAMPLE_US = 200
const STARTS_AT_ONCE = 10
const READY_WITHIN_MS = 60_000

interface Sidecar {
  readonly stop: () => Promise<void>
  readonly client: Client
}

interface Pulse {
  replies: number
  /** Date.now() of each since the mark. */
  repliesAt: number[]
  lastReplyAt: number
  longestGapMs: number
}

class Member {
  readonly #sidecars: Sidecar[] = []
  readonly #pulses: Pulse[] = []
  #errors = 0
  #lost = 0
  #warnings: Record<string, number> = {}
  #isOver = false
  #profiler: Session | null = null
  #profileFile: string | null = null
  #markedAt = 0

  async start(order: Extract<ToMember, { kind: 'start' }>): Promise<void> {
    this.#profileFile = order.profileFile
    if (order.profileFile !== null) await this.#profile()
    const { readConfig } = await import(join(order.checkout, 'src/config.ts'))
    const { createProxy } = await import(join(order.checkout, 'src/proxy.ts'))
    const { createLog } = await import(join(order.checkout, 'src/ops/log.ts'))
    const flags = [
      ['--sentinels', order.sentinels.join(',')],
      ['--master', order.masterName],
      ['--listen', '127.0.0.1:0'],
      ['--shutdown-grace', '1s'],
      ['--hold-timeout', '60s'],
    ].flat()
    const read = readConfig(flags, {})
    if (read.kind !== 'config') throw new Error(JSON.stringify(read))
    const startOne = async (n: number): Promise<void> => {
      // A checkout from before one process could serve several masters takes and gives one.
      const file = n === order.firstNumber ? order.logFile : null
      const log: Log = file === null ? createLog('info', this.#countWarnings) : createLog('debug', toFile(file))
      const proxy = createProxy(read.masters ?? read.config, log)
      const bound = await proxy.start()
      const { listen } = bound.masters?.[0] ?? bound
      const client = await this.#connect(listen?.port ?? 0, n)
      this.#sidecars.push({ stop: () => proxy.stop(), client })
    }
    for (let n = 0; n < order.count; n += STARTS_AT_ONCE) {
      const some = Array.from(
        { length: Math.min(STARTS_AT_ONCE, order.count - n) },
        (_, i) => order.firstNumber + n + i,
      )
      await Promise.all(some.map(startOne))
    }
    const limit = performance.now() + READY_WITHIN_MS
    while (this.#pulses.some(one => one.replies < 2)) {
      if (performance.now() > limit) throw new Error(`not every client is served within ${READY_WITHIN_MS} ms`)
      await delay(20)
    }
  }

  mark(): void {
    this.#errors = 0
    this.#lost = 0
    this.#warnings = {}
    for (const one of this.#pulses) {
      one.repliesAt = []
      one.longestGapMs = 0
    }
    this.#markedAt = Number(process.hrtime.bigint()) / 1_000
  }

  async #profile(): Promise<void> {
    this.#profiler = new Session()
    this.#profiler.connect()
    await this.#profiler.post('Profiler.enable')
    await this.#profiler.post('Profiler.setSamplingInterval', { interval: SAMPLE_US })
    await this.#profiler.post('Profiler.start')
  }

  report(since: number): FromMember {
    const { user, system } = process.cpuUsage()
    return {
      kind: 'report',
      clients: this.#pulses.map(({ repliesAt, longestGapMs, lastReplyAt }) => ({
        firstAt: repliesAt.find(at => at >= since) ?? null,
        // One that waits now has a gap that has not ended.
        longestGapMs: Math.max(longestGapMs, Date.now() - lastReplyAt),
      })),
      errors: this.#errors,
      lost: this.#lost,
      warnings: this.#warnings,
      cpuSeconds: (user + system) / 1e6,
      residentBytes: process.memoryUsage.rss(),
    }
  }

  async stop(): Promise<void> {
    this.#isOver = true
    if (this.#profiler !== null && this.#profileFile !== null) {
      const { profile } = await this.#profiler.post('Profiler.stop')
      // Microseconds of the clock of the profile's own times.
      writeFileSync(this.#profileFile, JSON.stringify({ ...profile, markedAt: this.#markedAt }))
    }
    for (const { client } of this.#sidecars) client.close()
    await Promise.all(this.#sidecars.map(one => one.stop()))
  }

  readonly #countWarnings: DestinationStream = {
    write: (line: string): void => {
      if (!line.startsWith('{"level":"warn"') && !line.startsWith('{"level":"error"')) return
      const { event = 'no event' } = JSON.parse(line)
      this.#warnings[event] = (this.#warnings[event] ?? 0) + 1
    },
  }

  async #connect(port: number, n: number): Promise<Client> {
    const pulse: Pulse = { replies: 0, repliesAt: [], lastReplyAt: Date.now(), longestGapMs: 0 }
    const command = encode(['INCR', `crowd:${n}`])
    const send = (): void => {
      if (!this.#isOver) client.write(command)
    }
    const onReply = (_reply: unknown, isError: boolean): void => {
      const now = Date.now()
      pulse.replies++
      pulse.repliesAt.push(now)
      pulse.longestGapMs = Math.max(pulse.longestGapMs, now - pulse.lastReplyAt)
      pulse.lastReplyAt = now
      if (isError) this.#errors++
      setTimeout(send, PAUSE_MS)
    }
    const client = await openClient(port, onReply, () => void this.#lost++)
    this.#pulses.push(pulse)
    setTimeout(send, Math.random() * PAUSE_MS)
    return client
  }
}

function toFile(dest: string): DestinationStream {
  return pino.destination({ dest, sync: true })
}

function tell(message: FromMember): void {
  process.send?.(message)
}

const member = new Member()
// The parent may be gone without a word.
process.once('disconnect', () => process.exit(1))
process.on('message', (message: ToMember) => {
  const failed = (error: unknown): void => tell({ kind: 'failed', why: String(error) })
  switch (message.kind) {
    case 'start':
      member.start(message).then(() => tell({ kind: 'ready' }), failed)
      break
    case 'collect':
      globalThis.gc?.()
      tell({ kind: 'collected' })
      break
    case 'mark':
      member.mark()
      break
    case 'report':
      tell(member.report(message.since))
      break
    case 'stop':
      member.stop().then(() => {
        tell({ kind: 'stopped' })
        process.disconnect()
        process.exit(0)
      }, failed)
      break
  }
})
