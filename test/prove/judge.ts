// judge.ts: is a history true of what the servers hold in the end? Pure, in linear time.
//
//   doubled   an effect is there more often than it was asked for
//   wrong     an answer is not true: "was not run" and it is there; a length that is not the element's place
//   order     effects of one client, or of two of which one ended before the other began, are the wrong way round
//   lost      acknowledged (or APPLIED), and not there: Redis replicates asynchronously, so a crash may do that
//
// A list that is only appended to is the order of all appends. What a crash takes is its tail, so an element that is
// still there is where its reply said.
import type { Value } from '../support/resp-client.ts'
import type { Operation } from './history.ts'

/** What is stored: lists and counters by key. */
export interface Final {
  readonly lists: ReadonlyMap<string, readonly string[]>
  readonly counters: ReadonlyMap<string, number>
}

export interface Verdict {
  readonly doubled: readonly string[]
  readonly wrong: readonly string[]
  readonly order: readonly string[]
  lost: number
  applied: number
  unknown: number
  notRun: number
  operations: number
}

/** `moves`: from which list to which jobs are moved. */
export function judge(
  operations: readonly Operation[],
  final: Final,
  moves: readonly (readonly [from: string, to: string])[] = [],
): Verdict {
  const count = (told: Operation['told']): number => operations.filter(operation => operation.told === told).length
  const verdict = {
    ...{ doubled: [] as string[], wrong: [] as string[], order: [] as string[], lost: 0 },
    ...{
      applied: count('applied'),
      unknown: count('unknown'),
      notRun: count('not-run'),
      operations: operations.length,
    },
  }
  for (const operation of operations) {
    if (operation.told === 'pending') verdict.wrong.push(`${operation.kind} ${operation.element} has no answer`)
    if (operation.told === 'refused') verdict.wrong.push(`${operation.kind} ${operation.element}: ${operation.message}`)
  }
  const byKey = Map.groupBy(operations, ({ key }) => key)
  for (const [key, list] of final.lists) judgeList(byKey.get(key) ?? [], list, verdict)
  for (const [key, value] of final.counters) judgeCounter(key, byKey.get(key) ?? [], value, verdict)
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

function judgeList(operations: readonly Operation[], list: readonly string[], found: Found): void {
  const places = new Map<string, number>()
  list.forEach((element, place) => {
    if (places.has(element)) found.doubled.push(`${element} is there twice`)
    places.set(element, place)
  })
  const appended = operations.filter(pushes)
  for (const operation of appended) judgeAppend(operation, places.get(operation.element), found)
  judgeClients(appended, places, found)
  judgeRealTime(appended, places, found)
  for (const operation of operations) if (operation.kind === 'read') judgeRead(operation, list, found)
}

function judgeAppend({ told, element, value, kind }: Operation, place: number | undefined, found: Found): void {
  if (told === 'not-run' && place !== undefined) found.wrong.push(`${element} was not run, and is there`)
  if ((told === 'ok' || told === 'applied') && place === undefined) found.lost++
  if (told !== 'ok' || place === undefined) return
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
  for (const { element, begun, ended, told } of there.toReversed()) {
    if (begun > earliestEnd) found.order.push(`${element} is before one that had ended when it began`)
    if (told === 'ok' || told === 'applied') earliestEnd = Math.min(earliestEnd, ended)
  }
}

/** A read is a beginning of the list, as far as what it has seen is still there. */
function judgeRead({ told, value, client }: Operation, list: readonly string[], found: Found): void {
  if (told !== 'ok' || !Array.isArray(value)) return
  const there = new Set(list)
  const seen = (value as readonly Value[]).map(String)
  seen.forEach((element, i) => {
    if (there.has(element) && list[i] !== element) found.order.push(`${client} read ${element} at ${i + 1}`)
  })
}

function judgeCounter(key: string, operations: readonly Operation[], value: number, found: Found): void {
  const counts = operations.filter(({ kind }) => kind === 'count')
  if (counts.length === 0) return
  const sure = counts.filter(({ told }) => told === 'ok' || told === 'applied').length
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
