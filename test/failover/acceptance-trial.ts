// acceptance-trial.ts: twenty plain clients through several failovers of one kind, and what they and the old master
// saw.
//
// Owns: the load, the order of the steps of a round, the measurement. Never: judges; the tests state the bounds.
//
//   load ─────────────────────────────────────────────────────────────────────▶ stop, read back
//     round:  fault ─▶ majority names the new master ─▶ old master back ─▶ demoted ─▶ set whole

import type { Holdfast } from '../support/holdfast.ts'
import type { Report } from '../support/ledger.ts'
import { nowMs } from '../support/ledger.ts'
import { openWindow, type Window } from '../support/pace.ts'
import { ask } from '../support/resp-client.ts'
import type { Node, SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import { readBack, startWorkload, type Workload } from '../support/workload.ts'

export type Fault = 'kill' | 'planned' | 'freeze'

const { HOLDFAST_ROUNDS = '1' } = process.env

/** How many rounds of each kind; HOLDFAST_ROUNDS, 1 where it is not set. */
export const rounds = Number(HOLDFAST_ROUNDS)

export interface Round {
  readonly fault: Fault
  /** Per client: milliseconds from the majority's first answer to the first reply after it; ascending. */
  readonly resumedAfterMs: readonly number[]
  /** The longest time one client had no reply, milliseconds. */
  readonly pauseMs: number
  /** Writes of ours that reached the old master between the majority's answer (or its return) and its demotion. */
  readonly writesToTheOld: number
  /** How long the old master was seen as a writable master in that time, milliseconds. */
  readonly oldWasMasterMs: number
  /** How the machine fared from the fault to the last client's reply. */
  readonly pace: Window
}

/**
 * Ten raw sockets and ten ioredis clients without Sentinel settings or retries, SET, INCR and ECHO at a steady rate.
 */
export function startClients(port: number, roundsPerSecond = 25, prefix = 'w'): Workload {
  return startWorkload({ port, rawClients: 10, ioredisClients: 10, roundsPerSecond, prefix })
}

/** Waits until every client has had a reply to something it sent from now on. */
export async function everyClientServed({ ledger }: Workload): Promise<void> {
  const from = nowMs()
  const served = (): boolean => {
    const fresh = ledger.operations.filter(({ startedAt, outcome }) => startedAt >= from && outcome.kind === 'ok')
    return new Set(fresh.map(({ client }) => client)).size === 20
  }
  await waitUntil('every client is served', served, { withinMs: 30_000, everyMs: 50 })
}

/** One failover, from a whole set to a whole set. After the last one nobody waits for the set to be whole again. */
export async function runRound(
  set: SentinelSet,
  workload: Workload,
  fault: Fault,
  { isLast = false }: { readonly isLast?: boolean } = {},
): Promise<Round> {
  await everyClientServed(workload)
  const old = await set.currentMaster()
  const faultAt = nowMs()
  const readPace = openWindow()
  await inflict(set, old, fault)
  const { majorityAt } = await set.waitForNewMaster(old, { withinMs: 30_000 })
  const majority = majorityAt + nowMs() - Date.now()
  await everyClientServed(workload)
  const pace = readPace()
  const seenAtOld = await watchOldMaster(set, old, fault)
  if (!isLast) await set.settle()
  const resumed = resumedAfter(workload, majority)
  const pauses = [...resumed.keys()].map(client => pauseBetween(workload, client, faultAt, majority + 5000))
  return {
    fault,
    pace,
    resumedAfterMs: [...resumed.values()].sort((a, b) => a - b),
    pauseMs: Math.max(...pauses),
    ...seenAtOld,
  }
}

async function inflict(set: SentinelSet, old: Node, fault: Fault): Promise<void> {
  switch (fault) {
    case 'kill':
      return set.kill(old)
    case 'planned':
      return set.failover()
    case 'freeze':
      return set.stop(old)
  }
}

/** Brings the old master back where it is away, and counts the writes it takes until it is demoted. */
async function watchOldMaster(
  set: SentinelSet,
  old: Node,
  fault: Fault,
): Promise<Pick<Round, 'writesToTheOld' | 'oldWasMasterMs'>> {
  if (fault === 'kill') await set.restart(old)
  if (fault === 'freeze') {
    await set.resume(old)
    // It wakes up to what was in its sockets, runs it, and only then is it a node that must not be written to.
    for (let i = 0; i < 3; i++) await ask(old, ['PING'])
  }
  const began = performance.now()
  let last = began
  // A node that was killed counts from zero; the others from what they had taken when they were still the master.
  let first: number | null = fault === 'kill' ? 0 : null
  let writes = 0
  const demoted = async (): Promise<boolean> => {
    const seen = await look(old)
    if (!seen.master) return true
    first ??= seen.writes
    writes = seen.writes - first
    last = performance.now()
    return false
  }
  await waitUntil(`${old.name} is demoted`, demoted, { withinMs: 60_000, everyMs: 20 })
  return { writesToTheOld: writes, oldWasMasterMs: last - began }
}

/**
 * Role and writes in one look: a replica counts what it replicates as well, so only a master's number says anything.
 */
async function look(node: Node): Promise<{ master: boolean; writes: number }> {
  const info = String(await ask(node, ['INFO', 'everything']))
  const calls = [...info.matchAll(/^cmdstat_(?:set|incr):calls=(\d+)/gm)].map(match => Number(match[1]))
  return { master: /^role:master/m.test(info), writes: calls.reduce((a, b) => a + b, 0) }
}

function resumedAfter({ ledger }: Workload, majorityAt: number): Map<string, number> {
  const first = new Map<string, number>()
  for (const { client, outcome, endedAt } of ledger.operations) {
    if (outcome.kind !== 'ok' || endedAt < majorityAt) continue
    first.set(client, Math.min(first.get(client) ?? Number.POSITIVE_INFINITY, endedAt - majorityAt))
  }
  return first
}

function pauseBetween({ ledger }: Workload, client: string, from: number, to: number): number {
  const replies = ledger.operations
    .filter(one => one.client === client && one.outcome.kind === 'ok' && one.endedAt >= from && one.endedAt <= to)
    .map(({ endedAt }) => endedAt)
    .sort((a, b) => a - b)
  return replies.reduce((longest, at, i) => Math.max(longest, at - (replies[i - 1] ?? from)), 0)
}

/** Ends the load and judges it by what the master holds now. */
export async function endOfTrial(set: SentinelSet, workload: Workload): Promise<Report> {
  await workload.stop()
  return workload.ledger.report(await readBack(workload.ledger, await set.currentMaster()))
}

export function median(ascending: readonly number[]): number {
  return ascending[Math.floor(ascending.length / 2)] ?? Number.POSITIVE_INFINITY
}

/** One line a person can read. */
export function describeRound(round: Round): string {
  const { resumedAfterMs: after } = round
  const at = (q: number): string => (after[Math.min(after.length - 1, Math.floor(q * after.length))] ?? 0).toFixed(0)
  return (
    `${round.fault}: ${after.length} clients served again ms after the majority: min ${at(0)}, median ${at(0.5)}, ` +
    `p90 ${at(0.9)}, max ${at(1)}; longest pause ${round.pauseMs.toFixed(0)} ms; old master writable for another ` +
    `${round.oldWasMasterMs.toFixed(0)} ms, writes to it ${round.writesToTheOld}`
  )
}

export function describeReport(report: Report, holdfast: Holdfast): string {
  const { operations, ok, lostWrites, doubled, reordered, connectionErrors, errors } = report
  const drains = holdfast.log.filter(({ event }) => event === 'hold.drain').map(line => line.heldMs)
  return (
    `${operations} operations, ${ok} ok, connection errors ${connectionErrors.length}, error replies ` +
    `${JSON.stringify(errors)}, lost ${lostWrites.length}, doubled ${doubled.length}, reordered ${reordered.length}; ` +
    `held for ms: ${drains.join(', ')}`
  )
}
