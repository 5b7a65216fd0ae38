// running-time.ts: a timer for time in which this process runs.
//
// After a standstill (SIGSTOP, a frozen machine) Node calls all timers that are due before it reads a socket. A timer
// that ends something then takes what came meanwhile with it.

/** So much at least is left behind a standstill: time to ask the Sentinels and to read. */
const STEP_MS = 250

/**
 * Calls `act` after `ms` of running time; answers what ends the timer. A step that ends a whole step late does not count.
 * A process that is late in every step gets each other one counted, so `act` is called all the same.
 */
export function afterRunning(ms: number, act: () => void): () => void {
  let leftMs = ms
  let wasLate = false
  let timer: NodeJS.Timeout
  const step = (): void => {
    const stepMs = wasLate ? STEP_MS : Math.min(STEP_MS, leftMs)
    const dueAt = performance.now() + stepMs
    timer = setTimeout(() => {
      wasLate = !wasLate && performance.now() - dueAt >= STEP_MS
      if (!wasLate) leftMs -= stepMs
      if (leftMs > 0) step()
      else act()
    }, stepMs)
  }
  step()
  return () => clearTimeout(timer)
}
