// judge-bound.ts: judges a promise in time by the pace of the machine: kept, broken, or not judged.
//
// A bound that is broken in a calm window, on a machine that is fast also right after it, is a broken promise. In a
// window in which the machine stood still, let nobody run or was slow, it says nothing: it is measured again, and after
// the third time reported as not judged, with the figure.
// Never: lets a broken bound pass. What is not a promise is no test; its place is bench/.
import { factsNow } from './facts.ts'
import { CALM_SLOWNESS, openWindow, probeAgain, slownessNow, type Window } from './pace.ts'
import { waitUntil } from './wait-until.ts'

/** What judge-bound needs of tap's test. */
export interface Judge {
  pass(...args: [name: string] | [name: string, extra: { skip: string }]): unknown
  fail(name: string, extra: { readonly facts: string }): unknown
  comment(text: string): unknown
}

const MOST_ROUNDS = 3
/** So long on the clock is a calmer machine waited for before the next round; then it is tried all the same. */
const CALM_WITHIN_MS = 5000

/**
 * Measures until a window tells: `measure` answers the milliseconds that the promise is about.
 * One assertion of `t` in any case; a bound that cannot be judged is a skipped one.
 */
export async function judgeBound(
  t: Judge,
  what: string,
  limitMs: number,
  measure: (round: number) => number | Promise<number>,
): Promise<void> {
  for (let round = 1; ; round++) {
    const read = openWindow()
    const ms = await measure(round)
    const window = read()
    if (ms <= limitMs) {
      t.pass(`${what}: ${Math.round(ms)} ms, promised within ${limitMs} ms`)
      return
    }
    if (await settle(t, { what, limitMs, ms, window, slow: slownessNow, isLast: round === MOST_ROUNDS })) return
    await calm()
  }
}

/**
 * The same for what cannot be measured again: `window` was opened before it. `slow`: how slow the machine is afterwards;
 * a test of this file gives its own.
 */
export async function judgeOnce(
  t: Judge,
  what: string,
  limitMs: number,
  ms: number,
  window: Window,
  slow: () => Promise<number> = slownessNow,
): Promise<void> {
  if (ms <= limitMs) t.pass(`${what}: ${Math.round(ms)} ms, promised within ${limitMs} ms`)
  else await settle(t, { what, limitMs, ms, window, slow, isLast: true })
}

/** Judges what a standstill may rightly break: broken in a window that has one, it is not judged. */
export function judgeUnlessStill(t: Judge, what: string, isKept: boolean, { stolenMs }: Window): void {
  if (isKept) t.pass(what)
  else if (stolenMs === 0) t.fail(what, { facts: factsNow() })
  else t.pass(what, { skip: `not judged: the machine stood still for ${Math.round(stolenMs)} ms` })
}

/** The same for what a busy machine may rightly break, too: it is judged in a calm window alone. */
export function judgeIfCalm(t: Judge, what: string, isKept: boolean, { calm }: Window): void {
  if (isKept) t.pass(what)
  else if (calm) t.fail(what, { facts: factsNow() })
  else t.pass(what, { skip: 'not judged: the machine was not calm' })
}

interface Broken {
  readonly what: string
  readonly limitMs: number
  readonly ms: number
  readonly window: Window
  readonly slow: () => Promise<number>
  readonly isLast: boolean
}

/** Answers whether the promise is judged, or given up. */
async function settle(t: Judge, { what, limitMs, ms, window, slow, isLast }: Broken): Promise<boolean> {
  const figure = `${what}: ${Math.round(ms)} ms, promised within ${limitMs} ms`
  // The window knows the last probe, which may be of a quieter time.
  const slowness = window.calm ? await slow() : window.slowness
  if (window.calm && slowness < CALM_SLOWNESS) {
    t.fail(figure, { facts: factsNow() })
    return true
  }
  const { stolenMs, lagMs } = window
  const spells = `the machine stood still for ${Math.round(stolenMs)} ms, had no core for ${Math.round(lagMs)} ms`
  const why = `${spells} and was ${slowness.toFixed(1)} times slower`
  if (isLast) t.pass(figure, { skip: `not judged: ${why}` })
  else t.comment(`${figure}; ${why}; once more`)
  return isLast
}

async function calm(): Promise<void> {
  probeAgain()
  const whole = openWindow()
  let read = openWindow()
  const isTried = (): boolean => {
    const window = read()
    if (!window.calm) {
      probeAgain()
      read = openWindow()
    }
    return (window.calm && window.elapsedMs >= 300) || whole().elapsedMs >= CALM_WITHIN_MS
  }
  await waitUntil('the machine is calm', isTried, { withinMs: 2 * CALM_WITHIN_MS, everyMs: 50 })
}
