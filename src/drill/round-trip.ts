// round-trip.ts: a switchover there and back, each watched.
//
//   switchover ─▶ the set is whole again ─▶ switchover to the first master ─▶ back
//       │ aborted, unfinished      │ it is not, or somebody stops it  │ aborted   │ unfinished
//       ▼                          └──────────── not back ◀───────────┘           ▼
//
// Must stay true: between the legs nothing is held, and nothing has changed but the master; whoever stops it there
// leaves a set that serves.
import { setTimeout as delay } from 'node:timers/promises'
import { formatAddress, sameAddress } from '../address.ts'
import type { SessionSnapshot } from '../ops/snapshot.ts'
import type { Candidate } from '../switchover/candidate.ts'
import type { Judgement } from '../switchover/judge.ts'
import type { Plan } from '../switchover/plan.ts'
import type { ProxyControl } from '../switchover/proxy-hold.ts'
import { type Outcome, runSwitchover, type Step } from '../switchover/run.ts'
import { chosenInstead, goesOn } from './chosen-instead.ts'
import type { Account } from './observe.ts'
import { observe } from './observer.ts'

export interface TripWorld {
  readonly masterName: string
  readonly proxy: ProxyControl
  /** The open sessions of this master now. */
  sessions(): Promise<readonly SessionSnapshot[]>
  /** All that is looked at before a switchover, anew. */
  judge(): Promise<Judgement>
  /** Of each leg, from the begin of its pause until the new master is served, ms. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Told of each step as it ends. */
  say(step: Step): void
  /** Told what is waited for. */
  tell(line: string): void
}

export interface Leg {
  readonly name: 'there' | 'back'
  readonly outcome: Outcome
  readonly accounts: readonly Account[]
}

/** How it ended, and who is master. `not-back`: another node is, and serves. `unfinished`: the Sentinels decide. */
export type TripEnd =
  | { readonly kind: 'back'; readonly master: string }
  | {
      readonly kind: 'aborted' | 'unfinished' | 'not-back'
      /** null: not known. */
      readonly master: string | null
      readonly why: string
      readonly remedy: string
    }

export interface Trip {
  readonly first: string
  readonly legs: readonly Leg[]
  readonly end: TripEnd
}

/** An old master follows some ten to twenty seconds later, and a Sentinel's INFO of it is ten seconds old. */
const WHOLE_MS = 120_000
const LOOK_MS = 1_000
const TELL_MS = 5_000

export async function runTrip(plan: Plan, world: TripWorld): Promise<Trip> {
  const first = formatAddress(plan.master.address)
  const there = await runLeg('there', plan, world)
  const { outcome } = there
  if (outcome.kind !== 'done') {
    const { kind, why, remedy } = outcome
    const master = outcome.kind === 'aborted' ? outcome.master : null
    return { first, legs: [there], end: { kind, why, remedy, master } }
  }
  const way = await becomeWhole(plan, world, outcome.to)
  if ('why' in way) return { first, legs: [there], end: { kind: 'not-back', master: outcome.to, ...way } }
  const back = await runLeg('back', way, { ...world, wanted: plan.master.address })
  return { first, legs: [there, back], end: endOf(first, back.outcome, way.sentinel.candidates) }
}

/** `candidates`: as the Sentinel saw them before it was asked. */
function endOf(first: string, outcome: Outcome, candidates: readonly Candidate[]): TripEnd {
  switch (outcome.kind) {
    case 'done':
      if (outcome.to === first) return { kind: 'back', master: first }
      return { kind: 'not-back', master: outcome.to, ...chosenInstead(first, outcome.to, candidates) }
    case 'aborted': {
      const { why, master, remedy } = outcome
      return { kind: 'not-back', master, why, remedy: `${remedy}; ${goesOn(first)}` }
    }
    case 'unfinished':
      return { kind: 'unfinished', master: null, why: outcome.why, remedy: outcome.remedy }
  }
}

async function runLeg(
  name: Leg['name'],
  plan: Plan,
  world: TripWorld & { readonly wanted?: Plan['master']['address'] },
): Promise<Leg> {
  const { proxy, accounts } = observe(world.proxy, world.sessions)
  const { masterName, timeoutMs, signal, wanted, say, tell } = world
  const outcome = await runSwitchover(plan, {
    masterName,
    proxy,
    timeoutMs,
    signal,
    say,
    sayWait: tell,
    ...(wanted !== undefined && { wanted }),
  })
  return { name, outcome, accounts: await accounts() }
}

/**
 * Until nothing stands against the way back: the first master is a replica that the Sentinels may choose, and there are
 * as many replicas as before. What takes longest is that every Sentinel sees it as a replica (judge-seen.ts). SENTINEL
 * FAILOVER itself needs no rest: 2 x failover-timeout is the rule of failovers that the Sentinels begin by themselves
 * (sentinel.c, sentinelStartFailoverIfNeeded); one that still runs answers INPROG.
 */
async function becomeWhole(
  plan: Plan,
  world: TripWorld,
  other: string,
): Promise<Plan | { why: string; remedy: string; master?: string }> {
  const first = plan.master.address
  const remedy = goesOn(formatAddress(first))
  const from = performance.now()
  let toldAt = from - TELL_MS
  for (;;) {
    if (world.signal.aborted) return { why: 'somebody stopped it between the two switchovers', remedy }
    const judgement = await world.judge()
    const way = judgement.plan
    const now = way === null ? other : formatAddress(way.master.address)
    if (now !== other) return overtaken(now)
    const unreachable = judgement.findings.find(({ id }) => id === 'proxy.unreachable')
    // Its connection is gone for good.
    if (unreachable !== undefined) return { why: `the proxy is gone: ${unreachable.text}`, remedy }
    const isFit = way?.candidates.some(({ address }) => sameAddress(address, first)) === true
    if (isFit && way.candidates.length >= plan.candidates.length) return way
    const at = performance.now()
    const missing = missingOf(judgement, formatAddress(first))
    if (at - from > WHOLE_MS) return { why: `the set is not whole after ${WHOLE_MS / 1000} s: ${missing}`, remedy }
    if (at - toldAt >= TELL_MS) {
      toldAt = at
      const soFar = Math.round((at - from) / 1000)
      world.tell(`waits until the set is whole again (${soFar} s, at most ${WHOLE_MS / 1000} s): ${missing}`)
    }
    await delay(LOOK_MS, undefined, { signal: world.signal }).catch(() => {})
  }
}

/** Whoever moved the master has a reason, or a fault had one. */
function overtaken(master: string): { why: string; remedy: string; master: string } {
  const why = 'somebody else, or a fault, has moved the master between the two switchovers'
  return { why, master, remedy: 'agree with them; run the drill again when nobody else moves the master' }
}

/** What stands against the way back now. */
function missingOf({ findings, plan }: Judgement, first: string): string {
  const found =
    (plan === null ? findings.find(({ level }) => level === 'problem') : undefined) ??
    findings.find(({ id }) => id === 'replica.unfit') ??
    null
  return found === null ? `the Sentinels do not list ${first} as a replica yet` : `${found.subject} ${found.text}`
}
