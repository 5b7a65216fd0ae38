// undisturbed.ts: looks again where this process stood still in the meantime (SIGSTOP, a frozen or overloaded machine).
//
// After a standstill Node calls all timers that are due before it reads a socket: servers that have answered would be
// told of as silent, what they took as slow, and their clocks as wrong.

/** A standstill of so much can break a limit of one second. */
const STILL_MS = 500
const TICK_MS = 50
/** On a machine that stands still all the time the last look counts. */
const MOST_LOOKS = 3
/** So long may all looks but the last take: with long limits a standstill breaks none, and somebody waits. */
const AGAIN_WITHIN_MS = 10_000

/** What `look` answers when this process ran all the while. */
export async function undisturbed<T>(look: () => Promise<T>): Promise<T> {
  const from = performance.now()
  for (let looks = 1; ; looks++) {
    const stoodStill = watchStandstills()
    const seen = await look().finally(stoodStill.end)
    const isLong = performance.now() - from > AGAIN_WITHIN_MS
    if (!stoodStill.is() || looks === MOST_LOOKS || isLong) return seen
  }
}

/** Whether this process stands still between now and `end`. */
function watchStandstills(): { end(): void; is(): boolean } {
  let dueAt = performance.now() + TICK_MS
  let is = false
  const see = (): void => {
    const now = performance.now()
    is ||= now - dueAt >= STILL_MS
    dueAt = now + TICK_MS
  }
  const timer = setInterval(see, TICK_MS)
  return {
    end: () => {
      clearInterval(timer)
      // What ended the look may have come before the timer in the same turn.
      see()
    },
    is: () => is,
  }
}
