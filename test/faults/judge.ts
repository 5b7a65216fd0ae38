// judge.ts: from what was seen in a trial to its figures, and from the figures to what a cell may not have. Pure.
import type { Actual, Ledger, Operation } from '../support/ledger.ts'
import type { MajorityChange } from '../support/majority.ts'
import type { Window } from '../support/pace.ts'
import type { Look } from './observe.ts'
import { linkLost } from './reasons.ts'
import type { Allowance, Cell, Counted, Fault, Figures, Findings, LoadName, Policy } from './types.ts'

export interface Seen {
  readonly ledger: Ledger
  readonly findings: Findings
  /** What the ledger's keys hold at the master by majority afterwards. */
  readonly actual: Actual
  /** When the fault began; milliseconds since the epoch. */
  readonly struckAt: number
  /** When a majority first named the master that there is now, after the fault began; null where it stayed. */
  readonly handedOverAt: number | null
  /** When the loads were told to end: from then on nobody writes what others wait for. */
  readonly stoppedAt: number
}

export function figuresOf({ ledger, findings, actual, struckAt, handedOverAt, stoppedAt }: Seen): Figures {
  const report = ledger.report(actual)
  const outside = lostOutside(ledger.operations, actual, { struckAt, handedOverAt })
  const untrue = untrueWords(ledger.operations, actual)
  const stray = handedOverAt === null ? [] : strayWords(ledger.operations, actual, handedOverAt)
  const errors: Record<string, number> = {}
  for (const [message, count] of Object.entries(report.errors)) {
    const code = message.split(' ', 1)[0] ?? ''
    errors[code] = (errors[code] ?? 0) + count
  }
  const lost = [...report.lostWrites.map(one => `${one.key}: ${one.found} instead of ${one.wanted}`), ...findings.lost]
  const doubled = [...report.doubled.map(one => `${one.key}: ${one.found}, at most ${one.atMost}`), ...findings.doubled]
  const reordered = [...report.reordered.map(one => `${one.client}: ${one.what}`), ...findings.reordered]
  const broken = report.connectionErrors.map(one => `${one.client}: ${one.message}`)
  const unanswered = ledger.operations.filter(({ outcome }) => outcome.kind === 'pending')
  return {
    done: report.ok,
    connectionErrors: broken.length,
    errors,
    lost: lost.length,
    lostOutside: outside.length,
    doubled: doubled.length,
    reordered: reordered.length,
    untrue: untrue.length,
    stray: stray.length,
    unanswered: unanswered.length,
    pauseMs: Math.round(longestPause(ledger.operations, struckAt, stoppedAt)),
    afterMajorityMs: handedOverAt === null ? null : Math.round(lastToResume(ledger.operations, handedOverAt)),
    examples: [
      ...few('connection', broken),
      ...few('lost', lost),
      ...few('lostOutside', outside),
      ...few('doubled', doubled),
      ...few('reordered', reordered),
      ...few('untrue', untrue),
      ...few('stray', stray),
      ...few(
        'unanswered',
        unanswered.map(({ client, kind, key }) => `${client}: ${kind} ${key}`),
      ),
      ...few('error', Object.keys(report.errors)),
    ],
  }
}

const shown = 3

function few(what: string, all: readonly string[]): string[] {
  return all.slice(0, shown).map(text => `${what}: ${text.slice(0, 160)}`)
}

/** SETs that are there although their client was told that they did not run. */
function untrueWords(operations: readonly Operation[], actual: Actual): string[] {
  return operations
    .filter(({ kind, outcome, key, value }) => kind === 'set' && saidNo(outcome) && actual.get(key) === value)
    .map(({ key }) => `${key} is there`)
}

function saidNo(outcome: Operation['outcome']): boolean {
  return outcome.kind === 'aborted' || (outcome.kind === 'error' && outcome.message.includes('was not run'))
}

/** Replication on one machine takes milliseconds: what was acknowledged this long before a fault is not lost by it. */
const replicatedMs = 1000

/**
 * Acknowledged SETs that are gone and that asynchronous replication does not explain: their replies came long before
 * the fault, or after a majority named the new master.
 */
function lostOutside(
  operations: readonly Operation[],
  actual: Actual,
  { struckAt, handedOverAt }: Pick<Seen, 'struckAt' | 'handedOverAt'>,
): string[] {
  const explained = (at: number): boolean => at >= struckAt - replicatedMs && at <= (handedOverAt ?? Infinity)
  return operations
    .filter(({ kind, outcome, endedAt }) => kind === 'set' && outcome.kind === 'ok' && !explained(endedAt))
    .filter(({ key, value }) => actual.get(key) !== value)
    .map(({ key, endedAt }) => `${key} was acknowledged ${Math.round(endedAt - struckAt)} ms after the fault`)
}

/** Acknowledged SETs begun after the majority's answer that its master does not have: another node took them. */
function strayWords(operations: readonly Operation[], actual: Actual, handedOverAt: number): string[] {
  return operations
    .filter(({ kind, outcome, startedAt }) => kind === 'set' && outcome.kind === 'ok' && startedAt > handedOverAt)
    .filter(({ key, value }) => actual.get(key) !== value)
    .map(({ key }) => `${key} went elsewhere`)
}

function byClient(operations: readonly Operation[]): Operation[][] {
  return [...Map.groupBy(operations, ({ client }) => client).values()]
}

function longestPause(operations: readonly Operation[], from: number, to: number): number {
  const pauses = byClient(operations).map(own => {
    const moments = own.filter(({ outcome }) => outcome.kind === 'ok').map(({ endedAt }) => endedAt)
    const after = [...moments].sort((a, b) => a - b).filter(at => at > from && at <= to)
    return after.reduce((longest, at, i) => Math.max(longest, at - (after[i - 1] ?? from)), 0)
  })
  return Math.max(0, ...pauses)
}

function lastToResume(operations: readonly Operation[], from: number): number {
  const first = byClient(operations).map(own => {
    const after = own.filter(({ outcome, endedAt }) => outcome.kind === 'ok' && endedAt >= from)
    return after.reduce((soonest, { endedAt }) => Math.min(soonest, endedAt - from), Number.POSITIVE_INFINITY)
  })
  return Math.max(0, ...first.filter(Number.isFinite))
}

/**
 * When and what a majority of the Sentinels answered, for a node that was stopped: until when it may run what nobody
 * hears.
 */
export interface Timeline {
  readonly history: readonly MajorityChange[]
  readonly woken: ReadonlyMap<string, number>
  /** While Holdfast was stopped it sent nothing: what a node runs then has lain in the node's sockets. */
  readonly stopped: readonly { readonly from: number; readonly to: number }[]
}

/**
 * Writes that a node ran as a master while a majority named another one all the time. A node that has just been woken
 * runs what was in its sockets, for nobody: what it runs in that moment does not count. Neither does what a node runs
 * while Holdfast is stopped. A node that gets no time of the processor may read then what it was sent before, and
 * nobody is told that it ran: an acknowledged write that is lost is `stray` in the figures.
 */
export function strayWrites(looks: readonly Look[], { history, woken, stopped }: Timeline): number {
  let stray = 0
  for (const own of Map.groupBy(looks, look => look.node).values()) {
    own.forEach((look, i) => {
      const before = own[i - 1]
      if (!before || before.runId !== look.runId || before.role !== 'master' || look.role !== 'master') return
      if (before.askedAt < (woken.get(look.node) ?? Number.NEGATIVE_INFINITY) + wakingMs) return
      if (stopped.some(({ from, to }) => before.askedAt >= from && look.answeredAt <= to)) return
      if (isOther(history, look.node, before.askedAt, look.answeredAt)) stray += look.writes - before.writes
    })
  }
  return stray
}

const wakingMs = 200

/** Did a majority surely name somebody else than `node` from one moment to the other, without a gap? */
function isOther(history: readonly MajorityChange[], node: string, from: number, to: number): boolean {
  const isIt = ({ address }: MajorityChange): boolean => address === '' || address === node
  // Holdfast may hear of its promotion before whoever asks the Sentinels does.
  const since = (change: MajorityChange): number => (isIt(change) ? change.notBefore : change.at)
  const last = history.findLast(change => since(change) <= from)
  if (!last) return false
  const all = [last, ...history.filter(change => since(change) > from && since(change) <= to)]
  return !all.some(isIt)
}

const counted: readonly Exclude<Counted, 'errors'>[] = [
  'connectionErrors',
  'lost',
  'lostOutside',
  'doubled',
  'reordered',
  'untrue',
  'stray',
  'unanswered',
]

/**
 * From the majority's word to the last client's reply, and the longest pause of a client; on a usual machine. The
 * longest is that of a bare FAILOVER, after which Sentinel takes some 30 s to promote another node. A hold ends after
 * 60 s.
 */
const resumeWithinMs = 1000
const pauseWithinMs = 50_000
/** A machine that stood still for so long in all is no witness of what an announcement spares. */
const lateMs = 500

/** What a cell has and may not have, in words. `pace`: of the time from the fault on. */
export function violationsOf(judged: Fault, { load, policy, figures }: Cell, pace: Window = usual): string[] {
  // A planned failover cuts links a second after it is announced. Who stood still heard it late, and loses them as in a
  // crash.
  const late = judged.failsOver && pace.stolenMs >= lateMs
  const fault = late ? { ...judged, allowed: [...judged.allowed, ...linkLost] } : judged
  const where = `${fault.name}, ${load}, ${policy}`
  const found: string[] = []
  const examples = (what: string): string =>
    figures.examples.filter(text => text.startsWith(what.slice(0, 5))).join('; ')
  for (const figure of counted) {
    if (figures[figure] > 0 && !allowanceFor(fault, { figure, load, policy }))
      found.push(`${where}: ${figure} ${figures[figure]} (${examples(figure)})`)
  }
  for (const [code, count] of Object.entries(figures.errors)) {
    if (!allowanceFor(fault, { figure: 'errors', code, load, policy }))
      found.push(`${where}: ${count} error replies ${code} (${examples('error')})`)
  }
  const unknown = figures.errors['UNKNOWN'] ?? 0
  if (unknown > figures.done) found.push(`${where}: ${unknown} commands UNKNOWN and ${figures.done} done`)
  if ((figures.afterMajorityMs ?? 0) > stretched(resumeWithinMs, pace))
    found.push(`${where}: served ${figures.afterMajorityMs} ms after the majority, not within ${resumeWithinMs}`)
  if (figures.pauseMs > stretched(pauseWithinMs, pace))
    found.push(`${where}: a client waited ${figures.pauseMs} ms, not at most ${pauseWithinMs}`)
  if (figures.done === 0) found.push(`${where}: nothing was done at all`)
  return found
}

const usual: Window = { elapsedMs: 0, stolenMs: 0, lagMs: 0, slowness: 1, calm: true }

/** A bound by the machine's pace. A Sentinel that stood still for two seconds does nothing for 30 more (TILT). */
function stretched(boundMs: number, { stolenMs, slowness }: Window): number {
  return boundMs * slowness + stolenMs + (stolenMs >= 2000 ? 60_000 : 0)
}

interface Question {
  readonly figure: Counted
  readonly code?: string
  readonly load: LoadName
  readonly policy: Policy
}

export function allowanceFor(fault: Fault, { figure, code, load, policy }: Question): Allowance | undefined {
  return fault.allowed.find(
    one =>
      one.figure === figure &&
      (figure !== 'errors' || one.code === code) &&
      (one.loads?.includes(load) ?? true) &&
      (one.policies?.includes(policy) ?? true),
  )
}
