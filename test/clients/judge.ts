// judge.ts: what a record and the lists on the master prove, fault by fault. Pure.
import type { Settings } from '../support/settings.ts'
import type { Record } from './record.ts'

export const faults = ['killed', 'planned', 'frozen'] as const
export type Fault = (typeof faults)[number]

/** Steps that push their number to a list of their own. */
export const listed = ['commands', 'pipeline', 'transaction', 'script'] as const
const steps = [...listed, 'publish', 'queue'] as const

export interface Window {
  readonly fault: Fault
  readonly from: number
  readonly to: number
  /** Connections accepted meanwhile. */
  readonly connections: number
  /** Every step went on behind the fault. */
  readonly wentOn: boolean
  /** The longest that the proxy held a command, milliseconds. */
  readonly heldMs: number
}

export interface Figures {
  readonly fault: Fault
  readonly done: number
  /** Commands that the library rejected, and how often it gave that reason. */
  readonly errors: readonly (readonly [string, number])[]
  /** Events, and lines that it wrote to its log. */
  readonly warnings: readonly string[]
  readonly wrong: readonly string[]
  /** The longest step, milliseconds. */
  readonly pauseMs: number
  readonly heldMs: number
  readonly reconnects: number
  /** Acknowledged, and not there; a message that somebody had and nobody heard; an element gone from the queue. */
  readonly lost: number
  readonly doubled: number
  /** Failed in the client's eyes, and done all the same. */
  readonly ranAnyway: number
  readonly wentOn: boolean
}

/** `lists`: the elements of each list at the end, by the last word of its key. */
export function judge(
  record: Record,
  lists: ReadonlyMap<string, readonly number[]>,
  windows: readonly Window[],
): Figures[] {
  const counts = new Map([...lists].map(([name, items]) => [name, countOf(items)]))
  const heard = countOf(record.heard.map(({ item }) => item))
  const popped = countOf([...record.popped.map(({ item }) => item), ...(lists.get('queue') ?? [])])
  const seen = (step: string, item: number): number => {
    if (step === 'publish') return heard.get(item) ?? 0
    if (step === 'queue') return popped.get(item) ?? 0
    return counts.get(step)?.get(item) ?? 0
  }
  return windows.map(window => {
    const inside = <T extends { readonly at: number }>(all: readonly T[]): T[] =>
      all.filter(({ at }) => at >= window.from && at < window.to)
    const done = inside(record.done)
    const failed = inside(record.failed)
    const known = [...done, ...failed].filter(({ step }) => steps.some(one => one === step))
    const owed = done.filter(({ step, receivers }) => step !== 'publish' || receivers > 0)
    return {
      fault: window.fault,
      done: done.length,
      errors: tally(failed.map(({ step, text }) => `${step}: ${text}`)),
      warnings: [...inside(record.trouble), ...inside(record.said)].map(({ text }) => text),
      wrong: inside(record.wrong).map(({ text }) => text),
      pauseMs: Math.max(0, ...known.map(({ tookMs }) => tookMs)),
      heldMs: window.heldMs,
      reconnects: window.connections,
      lost: owed.filter(({ step, item }) => seen(step, item) === 0).length,
      doubled: known.filter(({ step, item }) => seen(step, item) > 1).length,
      ranAnyway: failed.filter(({ step, item }) => seen(step, item) > 0).length,
      wentOn: window.wentOn,
    }
  })
}

function countOf(items: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>()
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1)
  return counts
}

function tally(texts: readonly string[]): (readonly [string, number])[] {
  const counts = new Map<string, number>()
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1)
  return [...counts]
}

/** What must not be: an error, a reconnect, a warning, a wrong reply. Lost and doubled are Redis's own to explain. */
export function complaints({ errors, warnings, wrong, reconnects, wentOn }: Figures): string[] {
  return [
    ...errors.map(([text, times]) => `${times} x ${text}`),
    ...warnings,
    ...wrong.map(text => `wrong: ${text}`),
    ...(reconnects > 0 ? [`${reconnects} new connections`] : []),
    ...(wentOn ? [] : ['not every step went on']),
  ]
}

type Promised = Pick<Settings, 'policy' | 'isReplicated'>

/** What is left of them under this policy: the exceptions of docs/exactly-once.md are no complaints. */
export function unexpected(figures: Figures, promised: Promised): string[] {
  const errors = figures.errors.filter(([text]) => !isNamed(figures.fault, text, promised))
  // valkey-glide logs what it passes on, without the step.
  const warnings = figures.warnings.filter(text => !isNamed(figures.fault, `pop: ${text}`, promised))
  return complaints({ ...figures, errors, warnings })
}

/**
 * Under `once` a client is told of a lost reply where `always` would run the command a second time. A planned failover
 * loses none, but for a pop that has just taken something and whose reply waits for replicas. (A library may put a colon
 * behind the code.)
 */
function isNamed(fault: Fault, text: string, { policy, isReplicated }: Promised): boolean {
  if (policy !== 'once') return false
  if (/^pop: .*UNKNOWN:? holdfast: .* without a marker/.test(text)) return fault !== 'planned' || isReplicated
  if (fault === 'planned') return false
  return /APPLIED:? holdfast: |TRYAGAIN:? holdfast: the reply to a read was lost/.test(text)
}
