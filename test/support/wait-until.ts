// wait-until.ts — the only way a test waits: for a condition, with a bound, and with the last value seen in the failure.
// Owns nothing; never sleeps for a fixed time in place of a condition.
import { inspect } from 'node:util'

export interface WaitOptions {
  /** Milliseconds until the wait fails. */
  readonly withinMs: number
  /** Milliseconds between two looks; 10 where not given. */
  readonly everyMs?: number
}

export type Truthy<T> = Exclude<T, undefined | null | false | 0 | ''>

/**
 * Calls `fn` until it answers something truthy, and answers that.
 * A throw of `fn` counts as "not yet" and is shown in the failure. A look that takes longer than the bound is given up.
 *
 * @throws Error naming `what`, the bound and the last value (or error) seen.
 */
export async function waitUntil<T>(what: string, fn: () => T | Promise<T>, options: WaitOptions): Promise<Truthy<T>> {
  const deadline = performance.now() + options.withinMs
  let last = 'nothing: the first look never ended'
  for (;;) {
    const left = Math.max(0, deadline - performance.now())
    const look = await withDeadline(fn, left)
    switch (look.kind) {
      case 'value': {
        const seen = look.value
        if (seen) return seen as Truthy<T>
        last = inspect(seen, { depth: 4 })
        break
      }
      case 'error':
        last = `error ${inspect(look.error, { depth: 1 })}`
    }
    if (performance.now() >= deadline) throw new Error(`${what}: not within ${options.withinMs} ms; last seen: ${last}`)
    await pause(Math.min(options.everyMs ?? 10, Math.max(0, deadline - performance.now())))
  }
}

type Look<T> = { kind: 'value'; value: T } | { kind: 'error'; error: unknown } | { kind: 'late' }

async function withDeadline<T>(fn: () => T | Promise<T>, ms: number): Promise<Look<T>> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Look<T>>(resolve => {
    timer = setTimeout(() => resolve({ kind: 'late' }), ms)
  })
  const look = (async (): Promise<Look<T>> => {
    try {
      return { kind: 'value', value: await fn() }
    } catch (error) {
      return { kind: 'error', error }
    }
  })()
  try {
    return await Promise.race([look, late])
  } finally {
    clearTimeout(timer)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
