// judge-bound.ts: judges a promise in time by the pace of the machine: kept, broken, or not judged.
//
// A bound that is broken in a calm window is a broken promise. In a window in which the machine stood still, or was
// slow, it says nothing: it is measured again, and after the third time reported as not judged, with the figure.
// Never: lets a broken bound pass. What is not a promise is no test; its place is bench/.
import { factsNow } from './facts.ts'
import { openWindow, probeAgain, type Window } from './pace.ts'
import { waitUntil } from './wait-until.ts'

/** What judge-bound needs of tap's test. */
export interface Judge {
  pass(...args: [name: string] | [name: string, extra: { skip: string }]): unknown
  fail(name: string, extra: { readonly facts: string }): unknown
  comment(text: string): unknown
}

const MOST_ROUNDS = 3
/** How long to wait for a calmer machine before the next round; then it is tried all the same. */
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
    if (settle(t, what, limitMs, ms, window, round === MOST_ROUNDS)) return
    await calm()
  }
}

/** The same for what cannot be measured again: `read` is a window that was opened before. */
export function judgeOnce(t: Judge, what: string, limitMs: number, ms: number, window: Window): void {
  if (ms <= limitMs) t.pass(`${what}: ${Math.round(ms)} ms, promised within ${limitMs} ms`)
  else settle(t, what, limitMs, ms, window, true)
}

/** Answers whether the promise is judged, or given up. */
function settle(t: Judge, what: string, limitMs: number, ms: number, window: Window, isLast: boolean): boolean {
  const figure = `${what}: ${Math.round(ms)} ms, promised within ${limitMs} ms`
  if (window.calm) {
    t.fail(figure, { facts: factsNow() })
    return true
  }
  const why = `the machine stood still for ${Math.round(window.stolenMs)} ms and was ${window.slowness.toFixed(1)} times slower`
  if (isLast) t.pass(figure, { skip: `not judged: ${why}` })
  else t.comment(`${figure}; ${why}; once more`)
  return isLast
}

async function calm(): Promise<void> {
  probeAgain()
  let read = openWindow()
  const quiet = (): boolean => {
    const window = read()
    if (!window.calm) {
      probeAgain()
      read = openWindow()
    }
    return window.calm && window.elapsedMs >= 300
  }
  await waitUntil('the machine is calm', quiet, { withinMs: CALM_WITHIN_MS, everyMs: 50 }).catch(() => {})
}
