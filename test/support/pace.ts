// pace.ts: how fast this machine is, and when it stood still: what every wait and every bound of a test is measured
// by.
//
//   witness (a thread of its own) ─▶ spells in which the machine did not run it ─┐
//   this thread's own tick ────────▶ spells in which our event loop was stuck ───┴─▶ stolen time
//   witness, each tick ────────────▶ how late it was run, though a free core is all it needs ──▶ lag
//   probe (the witness counts for a while) ─▶ slowness: how much longer the same work takes here than on a usual machine
//
// Owns: the witness and the tick, from the first use to the end of the process; neither keeps the process alive.
// Never: fails a test, waits for anything.
import { Worker } from 'node:worker_threads'

/** The witness looks at the clock this often. */
const TICK_MS = 20
/** A tick that comes this much late is a spell; less is what any scheduler does. */
const SPELL_MS = 100
/** A tick that comes this much late had no core when it needed one. A quiet machine is not late by a fifth of it. */
const LAG_MS = 10
/** Rounds of the probe, and the milliseconds they take on a usual machine of 2020 or later. */
const PROBE_ROUNDS = 12_000_000
const PROBE_USUAL_MS = 25
/** A machine that is not slower than this is as fast as a usual one. */
export const CALM_SLOWNESS = 2
/** A machine that seems slower than this is taken for one that stands still. */
const MOST_SLOWNESS = 40

/** A probe is waited for this long: what it takes a machine of MOST_SLOWNESS, and the start of the witness there. */
const PROBE_WITHIN_MS = 5000

/** Cells of the memory that the witness shares with us: milliseconds, and the last probe's result. */
const cell = { stolen: 0, tickedAt: 1, slowness: 2, lag: 3 } as const
const cells = new Float64Array(new SharedArrayBuffer(8 * 4))
/** [0]: probes asked for; [1]: probes made. */
const probes = new Int32Array(new SharedArrayBuffer(8))
const ownTick = { stolen: 0, tickedAt: 0 }
let witness: Worker | null = null

const script = `
const { workerData } = require('node:worker_threads')
const { cells, probes, tickMs, spellMs, lagMs, rounds, usualMs } = workerData
const nap = new Int32Array(new SharedArrayBuffer(4))
const now = () => Number(process.hrtime.bigint()) / 1e6
function count(rounds) {
  let x = 88172645
  for (let i = 0; i < rounds; i++) { x ^= x << 13; x ^= x >>> 17; x ^= x << 5 }
  return x
}
function probe() {
  const from = now()
  nap[0] = count(rounds) & 0
  return (now() - from) / usualMs
}
count(100000)
let last = now()
for (;;) {
  if (Atomics.load(probes, 0) > Atomics.load(probes, 1)) {
    // Not late while it works: a tick in the future. A standstill in a probe shows in the other thread's tick.
    cells[1] = now() + 1e6
    // One lucky probe does not make a slow machine fast.
    cells[2] = Math.max(probe(), cells[2] / 2)
    Atomics.add(probes, 1, 1)
    last = now()
  }
  Atomics.wait(nap, 0, 0, tickMs)
  const at = now()
  if (at - last > tickMs + spellMs) cells[0] += at - last - tickMs
  if (at - last > tickMs + lagMs) cells[3] += at - last - tickMs
  last = at
  cells[1] = at
}
`

function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Begins to watch; later calls do nothing. Each window and each wait calls it. */
export function watchPace(): void {
  if (witness !== null) return
  cells[cell.slowness] = 1
  cells[cell.tickedAt] = now()
  ownTick.tickedAt = now()
  Atomics.add(probes, 0, 1)
  const workerData = {
    cells,
    probes,
    tickMs: TICK_MS,
    spellMs: SPELL_MS,
    lagMs: LAG_MS,
    rounds: PROBE_ROUNDS,
    usualMs: PROBE_USUAL_MS,
  }
  witness = new Worker(script, { eval: true, workerData, execArgv: [], env: {}, stdin: false })
  witness.on('error', () => {})
  witness.unref()
  setInterval(() => {
    const at = now()
    if (at - ownTick.tickedAt > TICK_MS + SPELL_MS) ownTick.stolen += at - ownTick.tickedAt - TICK_MS
    ownTick.tickedAt = at
  }, TICK_MS).unref()
}

/** Milliseconds that were stolen so far: the machine, or this process's event loop, stood still. */
function stolenSoFar(): number {
  const at = now()
  const late = (tickedAt: number): number => Math.max(0, at - tickedAt - TICK_MS - SPELL_MS)
  const machine = (cells[cell.stolen] ?? 0) + late(cells[cell.tickedAt] ?? at)
  return Math.max(machine, ownTick.stolen + late(ownTick.tickedAt))
}

/** Milliseconds so far in which the witness waited for a core. */
function lagSoFar(): number {
  const late = now() - (cells[cell.tickedAt] ?? 0) - TICK_MS
  return (cells[cell.lag] ?? 0) + (late > LAG_MS ? late : 0)
}

/** How many times longer work takes here than on a usual machine, by the last probe; 1 or more. */
export function slowness(): number {
  return Math.min(MOST_SLOWNESS, Math.max(1, cells[cell.slowness] ?? 1))
}

/** Asks the witness to probe again. The result is there some 25 ms (times the slowness) later. */
export function probeAgain(): void {
  watchPace()
  if (Atomics.load(probes, 0) === Atomics.load(probes, 1)) Atomics.add(probes, 0, 1)
}

/**
 * Probes, and answers how slow the machine is at this moment. Whoever is about to say that something took too long asks
 * this first: what the last probe saw may be seconds old.
 */
export async function slownessNow(): Promise<number> {
  probeAgain()
  const asked = Atomics.load(probes, 0)
  const until = now() + PROBE_WITHIN_MS
  while (Atomics.load(probes, 1) < asked && now() < until) await new Promise(resolve => setTimeout(resolve, 5))
  return slowness()
}

/** What happened to time since the window was opened. */
export interface Window {
  /** Milliseconds on the clock. */
  readonly elapsedMs: number
  /** Milliseconds of them in which the machine or this process stood still. */
  readonly stolenMs: number
  readonly slowness: number
  /** Milliseconds of them in which the witness waited for a core. */
  readonly lagMs: number
  /** Nothing was stolen, a core was free, the machine is as fast as a usual one: a promise in time can be judged. */
  readonly calm: boolean
}

/** Opens a window; the answer reads it, as often as one likes. */
export function openWindow(): () => Window {
  watchPace()
  const from = now()
  const stolenBefore = stolenSoFar()
  const lagBefore = lagSoFar()
  return () => {
    const stolenMs = Math.max(0, stolenSoFar() - stolenBefore)
    const lagMs = Math.max(0, lagSoFar() - lagBefore)
    const slow = slowness()
    const calm = stolenMs === 0 && lagMs === 0 && slow < CALM_SLOWNESS
    return { elapsedMs: now() - from, stolenMs, lagMs, slowness: slow, calm }
  }
}

/** Why a wait may take longer than the machine's pace explains: what a server says of itself. Null: it says nothing. */
export type Excuse = () => Promise<string | null>

const excuses = new Set<Excuse>()
let listener: (why: string) => void = () => {}

/** Every wait of this process asks `excuse` until the answer is called. */
export function addExcuse(excuse: Excuse): () => void {
  excuses.add(excuse)
  return () => excuses.delete(excuse)
}

/** The first excuse there is, told to who listens. */
export async function findExcuse(): Promise<string | null> {
  for (const excuse of excuses) {
    const why = await excuse().catch(() => null)
    if (why === null) continue
    listener(why)
    return why
  }
  return null
}

/** Hears why a wait goes on beyond its bound; for a program that shows a person what it waits for. */
export function onExcuse(hear: (why: string) => void): void {
  listener = hear
}
