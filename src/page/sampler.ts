// sampler.ts: once a second a row of numbers for each master, kept for ten minutes.
//
// It has no timer: the watchdog's looks at the clock drive it (relay/watchdog.ts), so an idle process is not woken for
// it. In a standstill there are no looks, so there is a gap, which is the truth.
// Owns: the rings. Never: knows who reads them (feed.ts).
import type { MasterGauges } from '../ops/snapshot.ts'
import { quantile } from './quantile.ts'
import { Ring } from './ring.ts'

/** The numbers of one master in one sample, in their order. Rates are a second's; times are ms; null: none. */
export const masterColumns = ['commands', 'held', 'inFlight', 'waitP50', 'waitP99', 'gate'] as const
/** `gate` as a number: the index here. */
export const gateStates = ['open', 'holding', 'draining', 'tripped', 'paused'] as const

const SAMPLE_MS = 1_000
/** A look comes every 25 to 350 ms; one that comes a little early is in time. */
const EARLY_MS = 20

export interface Sample {
  /** Date.now() */
  readonly time: number
  /** The longest delay of the event loop since the sample before, ms. */
  readonly delayMs: number | null
  /** Of each master: masterColumns. */
  readonly masters: readonly (readonly (number | null)[])[]
}

/** What the last sample was taken from. */
interface Before {
  readonly commands: number
  readonly waits: readonly number[]
}

export class Sampler {
  last: Sample | null = null
  readonly #gauges: readonly (() => MasterGauges)[]
  readonly #rings: readonly Ring[]
  readonly #delays = new Ring(1)
  #before: readonly Before[]
  #sampledAt: number
  #delayMs = 0

  /** `gauges`: of each master. `now`: ms of the monotonic clock. */
  constructor(gauges: readonly (() => MasterGauges)[], now: number) {
    this.#gauges = gauges
    this.#rings = gauges.map(() => new Ring(masterColumns.length))
    this.#before = gauges.map(read => standOf(read()))
    this.#sampledAt = now
  }

  /** The event loop was `lateMs` behind its time. Answers whether a sample was due, and was taken. */
  onLook(lateMs: number, now: number): boolean {
    this.#delayMs = Math.max(this.#delayMs, lateMs)
    const passedMs = now - this.#sampledAt
    if (passedMs < SAMPLE_MS - EARLY_MS) return false
    this.#sampledAt = now
    this.#take(Date.now(), passedMs / 1000)
    return true
  }

  #take(time: number, seconds: number): void {
    const gauges = this.#gauges.map(read => read())
    const rows = gauges.map((one, i) => rowOf(one, this.#before[i], seconds))
    this.#before = gauges.map(standOf)
    for (const [i, row] of rows.entries()) this.#rings[i]?.push(time, row)
    this.#delays.push(time, [this.#delayMs])
    this.last = { time, delayMs: shown(this.#delayMs), masters: rows.map(row => row.map(shown)) }
    this.#delayMs = 0
  }

  /** All samples, by column. */
  history(): {
    readonly times: number[]
    readonly delayMs: (number | null)[]
    readonly masters: (number | null)[][][]
  } {
    return {
      times: this.#delays.times(),
      delayMs: this.#delays.column(0).map(shown),
      masters: this.#rings.map(ring => masterColumns.map((_, i) => ring.column(i).map(shown))),
    }
  }
}

function standOf({ counters }: MasterGauges): Before {
  return { commands: counters.commands, waits: counters.detail.waits.cumulative() }
}

function rowOf({ counters, inFlight, gate }: MasterGauges, before: Before | undefined, seconds: number): number[] {
  const { waits } = counters.detail
  const now = waits.cumulative()
  const wait = (q: number): number => quantile(waits.bounds, before?.waits ?? [], now, q) * 1000
  return [
    (counters.commands - (before?.commands ?? 0)) / seconds,
    counters.waiting,
    inFlight,
    wait(0.5),
    wait(0.99),
    gateStates.indexOf(gate),
  ]
}

/** Two digits behind the point are more than anybody sees. */
function shown(value: number): number | null {
  return Number.isNaN(value) ? null : Math.round(value * 100) / 100
}
