// wait-until.ts: the only way a test waits: for a condition, with a bound, and with the last value seen in the
// failure.
//
// The bound is time of a usual machine. Time in which this machine stood still does not count, and a slow machine gets
// as many times longer (pace.ts); how slow it is, is measured once more before a wait fails. A server may excuse
// itself, as a Sentinel in TILT does: then the wait begins anew.
// Owns nothing; never sleeps for a fixed time in place of a condition.
import { inspect } from 'node:util'
import { factsNow } from './facts.ts'
import { findExcuse, openWindow, probeAgain, slowness, slownessNow, type Window } from './pace.ts'

export interface WaitOptions {
  /** Milliseconds of a usual machine until the wait fails. */
  readonly withinMs: number
  /** Milliseconds between two looks; 10 where not given. */
  readonly everyMs?: number
}

export type Truthy<T> = Exclude<T, undefined | null | false | 0 | ''>

/** Servers are asked for an excuse this often; a wait of less than this never asks. */
const EXCUSE_EVERY_MS = 2000
/**
 * For so long may excuses make a wait begin anew. A TILT lasts 30 s; each standstill of 2 s begins another. On a machine
 * that stands still all the time no TILT ends: the wait fails and says so, long before the suite ends the file without
 * a word.
 */
export const MOST_EXCUSED_MS = 5 * 60_000

/**
 * Calls `fn` until it answers something truthy, and answers that.
 * A throw of `fn` counts as "not yet" and is shown in the failure. A look that takes longer than the bound is given up.
 *
 * @throws Error naming `what`, the bound and the last value (or error) seen, and how the machine stretched the wait.
 */
export async function waitUntil<T>(what: string, fn: () => T | Promise<T>, options: WaitOptions): Promise<Truthy<T>> {
  const whole = openWindow()
  let window = openWindow()
  let excuse = ''
  let askAt = EXCUSE_EVERY_MS
  let last = 'nothing: the first look never ended'
  for (;;) {
    // Judged before the look: one that begins after the deadline is the last.
    const isOver = leftMs(window(), options.withinMs) <= 0
    const look = await withDeadline(fn, Math.max(leftMs(window(), options.withinMs), isOver ? 1000 : 0))
    if (look.kind === 'value') {
      const seen = look.value
      if (seen) return seen as Truthy<T>
      last = inspect(seen, { depth: 4 })
    } else if (look.kind === 'error') last = `error ${messageOf(look.error)}`
    if (window().elapsedMs >= askAt || (isOver && options.withinMs >= EXCUSE_EVERY_MS)) {
      askAt = window().elapsedMs + EXCUSE_EVERY_MS
      probeAgain()
      const found = whole().elapsedMs < MOST_EXCUSED_MS ? await findExcuse() : null
      if (found !== null) {
        excuse = found
        window = openWindow()
        askAt = EXCUSE_EVERY_MS
        continue
      }
    }
    if (isOver && (await isSpent(window, options.withinMs))) {
      const why = stretch(whole(), excuse)
      const error = new Error(`${what}: not within ${options.withinMs} ms${why}; last seen: ${last}`)
      const facts = factsNow()
      // Tap prints what an error has besides its message.
      throw facts === '' ? error : Object.assign(error, { facts })
    }
    await pause(Math.min(options.everyMs ?? 10, Math.max(1, leftMs(window(), options.withinMs))))
  }
}

/**
 * Calls `onOver` when `withinMs` of a usual machine are over: the bound of what cannot be waited for by looking.
 * Answers what ends it before that.
 */
export function deadline(withinMs: number, onOver: () => void): () => void {
  const window = openWindow()
  let isEnded = false
  let timer: NodeJS.Timeout
  const look = async (): Promise<void> => {
    const isOver = await isSpent(window, withinMs)
    if (isEnded) return
    if (isOver) onOver()
    else timer = setTimeout(look, Math.max(10, leftMs(window(), withinMs)))
  }
  timer = setTimeout(look, withinMs)
  return () => {
    isEnded = true
    clearTimeout(timer)
  }
}

/** Nothing is left, also by how slow the machine is at this moment. */
async function isSpent(window: () => Window, withinMs: number): Promise<boolean> {
  if (leftMs(window(), withinMs) > 0) return false
  await slownessNow()
  return leftMs(window(), withinMs) <= 0
}

/** Milliseconds on the clock that a wait still has which began with the window. */
export function leftMs(window: Window, withinMs: number): number {
  return withinMs * window.slowness - (window.elapsedMs - window.stolenMs)
}

function stretch({ elapsedMs, stolenMs }: Window, excuse: string): string {
  const slow = slowness()
  const why = [
    slow >= 1.5 ? `this machine is ${slow.toFixed(1)} times slower than usual` : '',
    stolenMs > 0 ? `it stood still for ${Math.round(stolenMs)} ms` : '',
    excuse,
  ].filter(text => text !== '')
  return why.length === 0 ? '' : ` (waited ${Math.round(elapsedMs)} ms: ${why.join('; ')})`
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : inspect(error, { depth: 1 })
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
