// topology-steps.ts: the steps that both sets of rules take on a draft: serve, hold, ask, probe, log. And the questions
// both ask of it: who announces a failover, is this probe recent, is this node bad. Pure.
//
// It never decides which master is right, or when a step is due: majority-rules.ts does with a majority,
// minority-rules.ts without one. A step only keeps the draft whole: `hold` repeats no known cause, `probe` does not ask
// twice at once.
import { type Address, formatAddress, type Master, sameAddress } from '../address.ts'
import { blocks } from './failover.ts'
import type { Basis, Draft, HoldCause, ProbeResult, ProbeState, SentinelState, Topology } from './topology-state.ts'

/** The good news of a probe counts this long. */
const PROBE_LIFE_MS = 500
/** Of a node under promotion, while the connection over which it was asked lasts: who demotes it ends that as well. */
const AHEAD_LIFE_MS = 2_000

/**
 * A new master serves some 50 ms after a majority names it. Where it still cannot be had after this time, that is why
 * commands are held, and no more the failover: log, /status and page say so.
 */
const NAMED_LATE_MS = 1_000
/** See holdForProbe. */
const causesOfProbes: ReadonlySet<string> = new Set([
  'not-master',
  'master-loading',
  'master-unreachable',
  'master-moved',
])

export interface Serving {
  readonly address: Address
  readonly epoch: number
  readonly asked: ProbeState
  readonly basis: Basis
}

export function note(draft: Draft, level: 'debug' | 'info' | 'warn' | 'error', event: string, fields: object): void {
  draft.effects.push({ kind: 'note', level, event, fields: { ...fields } })
}

/** Who announces a failover of this configuration; null if nobody does. */
export function announcer(topology: Topology, address: Address, epoch: number, now: number): string | null {
  const node = { host: address.host, port: address.port, runId: processAt(topology, address) }
  for (const [key, { failover }] of topology.sentinels) {
    if (failover && blocks(failover, node, epoch, now)) return key
  }
  return null
}

/** The run id of the process there, by its own word or by that of a Sentinel; null: nobody has said it. */
function processAt({ master, sentinels }: Topology, address: Address): string | null {
  if (master !== null && master.runId !== null && sameAddress(master, address)) return master.runId
  const isThere = ({ view }: SentinelState): boolean => view?.runId !== undefined && sameAddress(view.listed, address)
  return sentinels.values().find(isThere)?.view?.runId ?? null
}

export function serveMaster(draft: Draft, { address, epoch, asked, basis }: Serving, now: number): void {
  const { gate, wanted } = draft
  const runId = runIdOf(draft, address, asked)
  const since = sinceOf(draft, address, epoch, runId)
  const notAt = followServer(draft, { address, runId, asked })
  const { host, port } = address
  const master: Master = {
    ...{ host, port, epoch, runId },
    ...(since !== epoch && { since }),
    ...(notAt !== null && { notAt }),
  }
  draft.effects.push({ kind: 'serve', master })
  const changed = gate.kind === 'shut' || draft.master?.epoch !== epoch || !sameAddress(draft.master, address)
  note(draft, changed ? 'info' : 'debug', 'master.confirmed', {
    address: formatAddress(address),
    epoch,
    basis,
    cause: gate.kind === 'shut' ? gate.cause : 'asked',
    heldMs: gate.kind === 'shut' ? tenths(now - gate.since) : 0,
    sinceMajorityMs: basis === 'majority' ? tenths(now - (draft.candidate?.since ?? now)) : null,
    ...(asked.vouched && { vouched: asked.result?.kind }),
    msg: asked.vouched
      ? 'the node does not say in time what it is; links to it work, so it stays the master'
      : 'the node confirms that it is the master',
  })
  draft.master = master
  draft.basis = basis
  if (gate.kind === 'shut') draft.gate = { kind: 'open', since: now }
  if (wanted) draft.wanted = null
  draft.rival = null
  draft.warm = null
  if (draft.sentinels.values().some(one => one.monitoredAnew))
    draft.sentinels = new Map([...draft.sentinels].map(([key, one]) => [key, { ...one, monitoredAnew: false }]))
}

/**
 * The epoch under which this process became the master. Sentinels that begin anew say epoch 0, in which nobody has failed
 * over (sentinel.c, createSentinelRedisInstance), until one that did not tells them the old one. To the links of the same
 * process that is no news, unless this process may have slept through a failover there and back.
 */
function sinceOf({ master, gate, wanted }: Draft, address: Address, epoch: number, runId: string | null): number {
  if (!master || !sameAddress(master, address)) return epoch
  const since = master.since ?? master.epoch
  if (epoch === master.epoch) return since
  const isWatched = gate.kind === 'open' && (wanted?.stalls ?? 0) === 0
  const isSame = isWatched && runId !== null && runId === master.runId && (epoch === 0 || epoch === since)
  return isSame ? since : epoch
}

interface Asked {
  readonly address: Address
  readonly runId: string | null
  readonly asked: ProbeState
}

/**
 * Remembers where the master stands and where the one before it stood. Answers where no link to the master may stand. A
 * balancer in front of both leads to whoever is master: then there is no such place.
 */
function followServer(draft: Draft, { address, runId, asked }: Asked): string | null {
  const { master, servedAt } = draft
  const isMoved = master !== null && !sameAddress(master, address) && runId !== master.runId
  const isSame = master !== null && sameAddress(master, address) && runId === master.runId
  const at = asked.result?.kind === 'master' ? (asked.result.at ?? null) : null
  if (isMoved) draft.leftAt = servedAt
  draft.servedAt = at ?? (isSame ? servedAt : null)
  return draft.servedAt !== null && draft.leftAt !== draft.servedAt ? draft.leftAt : null
}

/** A node that does not give its run id is the same process as before where a link to it has lasted. */
function runIdOf({ master }: Draft, address: Address, { result, vouched }: ProbeState): string | null {
  if (result?.kind === 'master') return result.runId
  return vouched && master && sameAddress(master, address) ? master.runId : null
}

/** Shuts the gate, or changes its cause. Repeats a known cause only for a confirm() that waits for an answer. */
export function hold(draft: Draft, cause: HoldCause, detail: string, now: number): void {
  const { gate, wanted, master } = draft
  // An announced failover stays the cause, or two causes would take turns with every answer.
  const known = gate.kind === 'shut' && (gate.cause === cause || gate.cause === 'failover-announced')
  if (known && !wanted?.owed) return
  draft.effects.push({ kind: 'hold', cause, detail })
  if (!known) {
    draft.gate = { kind: 'shut', cause, since: gate.kind === 'shut' ? gate.since : now }
    const story = cause === 'failover-announced' ? 'failover.announced' : 'master.held'
    // The data plane logs the cause that shuts the gate; nobody else would log a later one.
    note(draft, gate.kind === 'shut' ? 'info' : 'debug', story, {
      cause,
      detail,
      master: master && formatAddress(master),
      epoch: master?.epoch,
      msg: cause === 'failover-announced' ? 'a Sentinel announces a failover' : 'why commands are held',
    })
    // The end of an announced failover is announced too: a thousand sidecars must not ask those who are at it now.
    if (cause === 'failover-announced') wantFresh(draft, now)
    else if (!wanted) askAll(draft, now)
  }
  if (draft.wanted) draft.wanted = { ...draft.wanted, owed: false }
}

export function holdForProbe(draft: Draft, { address, result }: ProbeState, now: number): void {
  const detail = describeProbe(address, result)
  if (result?.kind === 'replica') hold(draft, 'not-master', detail, now)
  if (result?.kind === 'loading') hold(draft, 'master-loading', detail, now)
  if (result?.kind === 'unreachable') hold(draft, 'master-unreachable', detail, now)
  if (result?.kind === 'replaced') hold(draft, 'master-moved', detail, now)
}

/** Where the announced failover was the cause so far, and is done but for this node, it is none any more. */
export function holdForNext(draft: Draft, asked: ProbeState, now: number): void {
  const { gate } = draft
  if (gate.kind === 'shut' && gate.cause === 'failover-announced' && isNamedLate(draft, now))
    draft.gate = { ...gate, cause: 'unconfirmed' }
  holdForProbe(draft, asked, now)
}

/** The next master is waited for, whoever still announces the failover that made it. */
export function isHeldForNext(topology: Topology, now: number): boolean {
  const { gate } = topology
  return gate.kind === 'shut' && causesOfProbes.has(gate.cause) && isNamedLate(topology, now)
}

/** A majority has named another master for so long that it should serve. */
function isNamedLate({ master, candidate }: Topology, now: number): boolean {
  if (master === null || candidate === null || candidate.epoch <= master.epoch) return false
  return !sameAddress(candidate.address, master) && now - candidate.since >= NAMED_LATE_MS
}

/** `10.0.0.1:6379 says it is a replica`. */
export function describeProbe(address: Address, result: ProbeResult | null): string {
  const where = formatAddress(address)
  switch (result?.kind) {
    case 'replica':
      return `${where} says it is a replica`
    case 'loading':
      return `${where} is loading its data set`
    case 'unreachable':
      return `${where}: ${result.why}`
    case 'replaced':
      return `${where} is the new master, and leads to the server of the old one from here: its name or a nat-map is wrong`
    case 'untold':
      return `${where} does not say whether it is master: ${result.why}`
    case 'master':
      return `${where} says it is a master, and is another process than the one that was served`
    default:
      return `${where} has not answered yet`
  }
}

/** Asks every Sentinel; from here on only newer answers count. */
export function askAll(draft: Draft, now: number): void {
  wantFresh(draft, now)
  draft.effects.push({ kind: 'ask', key: null })
}

/** From here on only answers to questions that are asked later count, whenever that is. */
function wantFresh(draft: Draft, now: number): void {
  const { first = now, owed = false, stalls = 0, stalledAt = now } = draft.wanted ?? {}
  draft.wanted = { since: now, first, owed, stalls, stalledAt }
}

interface ProbeAs {
  /** It is a replica under promotion. */
  readonly isAhead?: boolean
  /** The run id that it cannot have: that of the master which it replaces. */
  readonly unlike?: string | null
}

export function probe(
  draft: Draft,
  address: Address,
  now: number,
  { isAhead = false, unlike = null }: ProbeAs = {},
): void {
  const running = draft.probe
  if (running && sameAddress(running.address, address)) {
    if (!running.result || now < running.retryAt) return
  }
  draft.probe = { address, startedAt: now, result: null, answeredAt: now, vouched: false, retryAt: now, isAhead }
  draft.effects.push({ kind: 'probe', address, startedAt: now, unlike })
}

/** The last probe of this node that began at `since` or later and has ended; null without one. */
export function answerSince({ probe }: Topology, address: Address, since: number): ProbeState | null {
  return probe?.result && sameAddress(probe.address, address) && probe.startedAt >= since ? probe : null
}

export function isRecent({ answeredAt, isAhead }: ProbeState, now: number): boolean {
  return now - answeredAt <= (isAhead ? AHEAD_LIFE_MS : PROBE_LIFE_MS)
}

/** Whether the node must not be served, even by the word of a majority. */
export function isBad({ result, vouched }: ProbeState): boolean {
  return result !== null && result.kind !== 'master' && result.kind !== 'untold' && !vouched
}

export function tenths(ms: number): number {
  return Math.round(ms * 10) / 10
}
