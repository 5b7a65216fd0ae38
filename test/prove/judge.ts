// judge.ts: is a history true of what the servers hold in the end? Pure, in linear time but for registers.
//
//   doubled   an effect is there more often than it was asked for
//   wrong     an answer is not true: "was not run" and it is there; a length that is not the element's place; half of a
//             transaction; a value that nobody wrote
//   order     effects of one client, or of two of which one ended before the other began, are the wrong way round; or
//             the answers about a register have no order that explains them
//   lost      acknowledged (or APPLIED), and not there: Redis replicates asynchronously, so a crash may do that
//
// A list that is only appended to is the order of all appends. What a crash takes is its tail, so an element that is
// still there is where its reply said.
import type { Value } from '../support/resp-client.ts'
import type { Operation } from './history.ts'
import { isLinearizable, type Step } from './register.ts'

/** What is stored: lists, counters and registers by key. */
export interface Final {
  readonly lists: ReadonlyMap<string, readonly string[]>
  readonly counters: ReadonlyMap<string, number>
  readonly registers?: ReadonlyMap<string, string | null>
}

/** What the fault may do to all data, whatever the policy. */
export interface Terms {
  /** Acknowledged writes may be gone, and what was read may never have been: nothing is said of what follows from them. */
  readonly mayLose?: boolean
  /** Reads may have seen what a crash took: acknowledged writes alone are explained. */
  readonly dirtyReads?: boolean
  /**
   * A `SET` without an answer is sent again, and may bring back its value over that of another client
   * (docs/guarantees.md). It does so before its answer: the old link cannot bring anything any more.
   */
  readonly repeatsSets?: boolean
  /** The data was wiped in between: places and beginnings of lists are not those of the end. */
  readonly wiped?: boolean
  /** Errors of the server's own that may come: such a command has no effect. */
  readonly refusals?: RegExp
}

export interface Verdict {
  readonly doubled: readonly string[]
  readonly wrong: readonly string[]
  readonly order: readonly string[]
  lost: number
  applied: number
  unknown: number
  notRun: number
  refused: number
  operations: number
}

/** `moves`: from which list to which jobs are moved. */
export function judge(
  operations: readonly Operation[],
  final: Final,
  moves: readonly (readonly [from: string, to: string])[] = [],
  terms: Terms = { mayLose: true },
): Verdict {
  const count = (told: Operation['told']): number => operations.filter(operation => operation.told === told).length
  const verdict = {
    ...{ doubled: [] as string[], wrong: [] as string[], order: [] as string[], lost: 0 },
    ...{ applied: count('applied'), unknown: count('unknown'), notRun: count('not-run'), refused: count('refused') },
    operations: operations.length,
  }
  for (const { told, kind, element, message } of operations) {
    if (told === 'pending') verdict.wrong.push(`${kind} ${element} has no answer`)
    if (told === 'refused' && terms.refusals?.test(message) !== true)
      verdict.wrong.push(`${kind} ${element}: ${message}`)
  }
  const byKey = Map.groupBy(operations, ({ key }) => key)
  for (const [key, list] of final.lists) judgeList(byKey.get(key) ?? [], list, terms, verdict)
  for (const [key, value] of final.counters) judgeCounter(key, byKey.get(key) ?? [], value, verdict)
  for (const [key, value] of final.registers ?? []) judgeRegister(key, byKey.get(key) ?? [], value, terms, verdict)
  for (const [from, to] of moves) judgeMoves(final.lists.get(from) ?? [], final.lists.get(to) ?? [], verdict)
  return verdict
}

interface Found {
  doubled: string[]
  wrong: string[]
  order: string[]
  lost: number
}

const pushes = ({ kind }: Operation): boolean => kind === 'append' || kind === 'pair'
const hasNoEffect = ({ told }: Operation): boolean => told === 'not-run' || told === 'refused'
const tookEffect = ({ told }: Operation): boolean => told === 'ok' || told === 'applied'

function judgeList(operations: readonly Operation[], list: readonly string[], terms: Terms, found: Found): void {
  if (operations.some(({ kind }) => kind === 'put' || kind === 'take')) {
    judgeQueue(operations, list, found)
    return
  }
  const places = new Map<string, number>()
  list.forEach((element, place) => {
    if (places.has(element)) found.doubled.push(`${element} is there twice`)
    places.set(element, place)
  })
  const appended = operations.filter(pushes)
  for (const operation of appended) judgeAppend(operation, places.get(operation.element), terms, found)
  judgeClients(appended, places, found)
  judgeRealTime(appended, places, found)
  if (terms.wiped) return
  const reads = operations.filter(({ kind, told }) => kind === 'read' && told === 'ok')
  for (const operation of reads) judgeRead(operation, list, found)
  if (!terms.mayLose && !terms.dirtyReads) judgeFreshness(reads, appended, found)
}

function judgeAppend(operation: Operation, place: number | undefined, { wiped }: Terms, found: Found): void {
  const { told, element, value, kind } = operation
  if (hasNoEffect(operation) && place !== undefined) found.wrong.push(`${element} was not run, and is there`)
  if (tookEffect(operation) && place === undefined) found.lost++
  if (told !== 'ok' || place === undefined || wiped) return
  const length = kind === 'pair' && Array.isArray(value) ? (value as readonly Value[])[1] : value
  if (length !== place + 1) found.wrong.push(`${element} was answered ${String(length)}, and is at ${place + 1}`)
}

function judgeClients(appended: readonly Operation[], places: ReadonlyMap<string, number>, found: Found): void {
  const last = new Map<string, number>()
  for (const { client, element } of appended) {
    const place = places.get(element)
    if (place === undefined) continue
    if (place < (last.get(client) ?? -1)) found.order.push(`${element} is before an earlier one of ${client}`)
    last.set(client, place)
  }
}

/** Of each element: did anything that is behind it end before it began? */
function judgeRealTime(appended: readonly Operation[], places: ReadonlyMap<string, number>, found: Found): void {
  const there = appended.filter(({ element }) => places.has(element))
  there.sort((a, b) => (places.get(a.element) ?? 0) - (places.get(b.element) ?? 0))
  let earliestEnd = Number.POSITIVE_INFINITY
  for (const operation of there.toReversed()) {
    const { element, begun, ended } = operation
    if (begun > earliestEnd) found.order.push(`${element} is before one that had ended when it began`)
    if (tookEffect(operation)) earliestEnd = Math.min(earliestEnd, ended)
  }
}

/** A read is a beginning of the list, as far as what it has seen is still there. */
function judgeRead({ value, client }: Operation, list: readonly string[], found: Found): void {
  const there = new Set(list)
  seenBy(value).forEach((element, i) => {
    if (there.has(element) && list[i] !== element) found.order.push(`${client} read ${element} at ${i + 1}`)
  })
}

const seenBy = (value: Value): string[] => (Array.isArray(value) ? (value as readonly Value[]).map(String) : [])

/** A read has at least what was acknowledged, or read by another, before it began. */
function judgeFreshness(reads: readonly Operation[], appended: readonly Operation[], found: Found): void {
  const known = [
    ...appended.flatMap(({ told, ended, value, kind }) => {
      const length = kind === 'pair' && Array.isArray(value) ? (value as readonly Value[])[1] : value
      return told === 'ok' && typeof length === 'number' ? [{ ended, length }] : []
    }),
    ...reads.map(({ ended, value }) => ({ ended, length: seenBy(value).length })),
  ].sort((a, b) => a.ended - b.ended)
  let least = 0
  let next = 0
  for (const { begun, value, client } of reads.toSorted((a, b) => a.begun - b.begun)) {
    for (let one = known[next]; one !== undefined && one.ended < begun; one = known[++next])
      least = Math.max(least, one.length)
    const { length } = seenBy(value)
    if (length < least) found.order.push(`${client} read ${length} elements, and ${least} were known before`)
  }
}

/**
 * Each job is put once. It is taken once, or still there; one that is nowhere was taken by somebody whose reply was
 * lost. What a crash takes may be a put, or a take: then the job comes back.
 */
function judgeQueue(operations: readonly Operation[], list: readonly string[], found: Found): void {
  const left = new Set<string>()
  for (const job of list) {
    if (left.has(job)) found.doubled.push(`the job ${job} is queued twice`)
    left.add(job)
  }
  const takes = operations.filter(({ kind }) => kind === 'take')
  const taken = new Set<string>()
  for (const { told, value } of takes) {
    if (told !== 'ok' || value === null) continue
    const job = String(value)
    if (taken.has(job) || left.has(job)) found.lost++
    taken.add(job)
  }
  const puts = operations.filter(({ kind }) => kind === 'put')
  const known = new Set(puts.map(({ element }) => element))
  for (const job of [...taken, ...left]) if (!known.has(job)) found.wrong.push(`nobody put the job ${job}`)
  for (const put of puts)
    if (hasNoEffect(put) && (taken.has(put.element) || left.has(put.element)))
      found.wrong.push(`the job ${put.element} was not put, and is there`)
  const gone = puts.filter(put => tookEffect(put) && !taken.has(put.element) && !left.has(put.element)).length
  const silent = takes.filter(({ told }) => told === 'applied' || told === 'unknown').length
  if (gone > silent) found.lost += gone - silent
}

function judgeCounter(key: string, operations: readonly Operation[], value: number, found: Found): void {
  const counts = operations.filter(({ kind }) => kind === 'count' || kind === 'transfer')
  if (counts.length === 0) return
  const sure = counts.filter(tookEffect).length
  const open = counts.filter(({ told }) => told === 'unknown' || told === 'pending').length
  if (value > sure + open) found.doubled.push(`${key} is ${value}, of ${sure} that ran and ${open} that may have`)
  if (value < sure) found.lost += sure - value
}

/** LMOVE keeps every job: one that is in both lists, or twice in one, was moved twice. */
function judgeMoves(from: readonly string[], to: readonly string[], found: Found): void {
  const seen = new Set<string>()
  for (const job of [...from, ...to]) {
    if (seen.has(job)) found.doubled.push(`the job ${job} is there twice`)
    seen.add(job)
  }
}

/** Where something may be lost or come back, only what is true of any history is asked: nobody reads what nobody wrote. */
function judgeRegister(
  key: string,
  operations: readonly Operation[],
  value: string | null,
  { mayLose, dirtyReads, wiped, repeatsSets = false }: Terms,
  found: Found,
): void {
  const written = new Map(operations.filter(({ kind }) => kind !== 'get').map(one => [one.element, one]))
  const read = [
    ...operations.flatMap(({ kind, told, value }) => (kind === 'get' && told === 'ok' ? [value] : [])),
    value,
  ]
  for (const one of new Set(read.flatMap(value => (value === null ? [] : [String(value)])))) {
    const writer = written.get(one)
    if (writer === undefined || hasNoEffect(writer)) found.wrong.push(`${key} was ${one}, which nobody wrote`)
  }
  if (mayLose || wiped) return
  const last = Math.max(0, ...operations.map(({ ended }) => ended))
  const steps: Step[] = operations
    .flatMap(stepOf)
    .filter(({ kind }) => kind !== 'read' || !dirtyReads)
    .map(step => ({ ...step, repeats: repeatsSets && step.kind === 'write' }))
  steps.push({ kind: 'read', value, begun: last + 1, ended: last + 2 })
  if (!isLinearizable(steps)) found.order.push(`no order explains all answers about ${key}`)
}

function stepOf(operation: Operation): Step[] {
  const { kind, told, element, expected, begun, ended, value } = operation
  if (kind === 'get')
    return told === 'ok' ? [{ kind: 'read', value: value === null ? null : String(value), begun, ended }] : []
  if (hasNoEffect(operation)) return []
  const step = { value: element, begun, ended, optional: !tookEffect(operation) }
  return [kind === 'cas' ? { ...step, kind, expected } : { ...step, kind: 'write' }]
}
