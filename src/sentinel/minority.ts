// minority.ts: what is done while no majority of the Sentinels can be had. Pure.
//
//   no master yet    all that can be asked agree, at least a quorum, the node says it is master   → serve "quorum"
//   a last master    nobody names another or announces a failover, the node is still the same     → serve "last-master"
//   anything else                                                                                 → hold "no-majority"
//
// Nothing is done while nobody asks: the last master stays in use as long as its links work. A question ends here in
// bounded time, one way or the other. docs/decisions/0011-no-majority.md says why.
// Must stay true: no other master is ever served here than the last one; the first one needs the Sentinels' own quorum.
import { type Address, formatAddress, type Master, sameAddress } from '../address.ts'
import { announcer, answerSince, describeProbe, hold, isRecent, note, probe, serveMaster } from './effects.ts'
import type { Basis, Draft, NamedMaster, ProbeState, Topology } from './topology-state.ts'
import { deadSentinels, ownQuorum, quorumOf, votesSince } from './voters.ts'

export const minorityTiming = {
  /** All that can be asked have agreed for this long: who else there is has had the time to be reached. */
  agreedMs: 3_000,
} as const

/** To be called while no majority names one master. */
export function withoutMajority(draft: Draft, now: number): void {
  draft.minoritySince ??= now
  followAgreement(draft, now)
  if (!draft.wanted) return
  if (draft.master) goOn(draft, draft.master, now)
  else begin(draft, now)
}

/**
 * How long a majority is waited for before its absence decides anything, ms: a Sentinel that lives is dialled and
 * asked.
 */
export function waitMs({ patience }: Topology): number {
  return 2 * patience.answerMs
}

/** What is missing and what to do about it, for people. */
export function describeMinority(topology: Topology, now: number): string {
  const { known, majority } = quorumOf(topology, now)
  const asked = new Set(votesSince(topology, Number.NEGATIVE_INFINITY, now).map(vote => vote.voter)).size
  const dead = deadSentinels(topology).length
  const gone =
    dead === 0 ? '' : `; they count ${dead} that they cannot reach: SENTINEL RESET if those are gone for good`
  return `${asked} of ${known} Sentinels can be asked about it, and ${majority} are needed${gone}`
}

function begin(draft: Draft, now: number): void {
  const { agreed } = draft
  if (now - draft.gate.since < minorityTiming.agreedMs) return
  if (!agreed || now - agreed.since < minorityTiming.agreedMs) {
    hold(draft, 'no-majority', describeMinority(draft, now), now)
    return
  }
  if (announcer(draft, agreed.address, agreed.epoch, now) !== null) return
  const { address, epoch } = agreed
  const asked = answerSince(draft, address, agreed.since)
  if (asked && asked.result?.kind !== 'master') holdFor(draft, address, asked, now)
  else if (asked && isRecent(asked, now)) {
    serveBelow(draft, { address, epoch, asked, basis: 'quorum' }, now)
    return
  }
  probe(draft, address, now)
}

function goOn(draft: Draft, master: Master, now: number): void {
  const since = draft.wanted?.since ?? now
  if (announcer(draft, master, master.epoch, now) !== null) return
  if (now - (draft.minoritySince ?? now) < waitMs(draft) || !isEverybodyHeard(draft, since, now)) return
  const other = votesSince(draft, Number.NEGATIVE_INFINITY, now).find(vote => !sameAddress(vote.address, master))
  if (other) {
    const detail = `${describeMinority(draft, now)}; one of them names ${formatAddress(other.address)}`
    hold(draft, 'no-majority', detail, now)
    return
  }
  const asked = answerSince(draft, master, since)
  const serving = asked && servingOn(draft, master, asked, now)
  if (asked && !serving) holdFor(draft, master, asked, now)
  else if (asked && serving && isRecent(asked, now)) {
    serveBelow(draft, serving, now)
    return
  }
  probe(draft, master, now)
}

/** How the last master may be used further after this word of its node; null: not at all. */
function servingOn({ agreed }: Topology, master: Master, asked: ProbeState, now: number): Below | null {
  if (isSame(asked, master)) return { address: master, epoch: master.epoch, asked, basis: 'last-master' }
  // As a Holdfast that has just begun would: enough Sentinels agree on this address, and a new process says it is
  // master.
  const isAgreed = agreed !== null && now - agreed.since >= minorityTiming.agreedMs
  if (asked.result?.kind !== 'master' || !isAgreed) return null
  return { address: master, epoch: Math.max(master.epoch, agreed.epoch), asked, basis: 'quorum' }
}

/** Every Sentinel that can be asked has answered since then, or has had its time. */
function isEverybodyHeard(topology: Topology, since: number, now: number): boolean {
  if (now - since >= waitMs(topology)) return true
  return [...topology.sentinels.values()].every(
    ({ up, view, spokeAt }) => !up || (view === null ? spokeAt >= since : view.askedAt >= since),
  )
}

/** It is the master that was served, the same process, as far as it can be known. */
function isSame({ result, vouched }: ProbeState, master: Master): boolean {
  if (vouched) return true
  if (result?.kind === 'master') return master.runId === null || result.runId === null || result.runId === master.runId
  // It has never told, so that nothing is missing that was there before.
  return result?.kind === 'untold' && master.runId === null
}

/** Remembers since when all that can be asked name one configuration, a quorum at least. */
function followAgreement(draft: Draft, now: number): void {
  const votes = new Map(votesSince(draft, Number.NEGATIVE_INFINITY, now).map(vote => [vote.voter, vote]))
  const [first] = votes.values()
  const agree = [...votes.values()].every(
    vote => first && vote.epoch === first.epoch && sameAddress(vote.address, first.address),
  )
  const enough = votes.size >= Math.max(1, ownQuorum(draft))
  if (!first || !agree || !enough) {
    draft.agreed = null
    return
  }
  const { address, epoch } = first
  if (draft.agreed && isNamed(draft.agreed, address, epoch)) return
  draft.agreed = { address, epoch, since: now }
}

function isNamed(named: NamedMaster, address: Address, epoch: number): boolean {
  return named.epoch === epoch && sameAddress(named.address, address)
}

interface Below {
  readonly address: Address
  readonly epoch: number
  readonly asked: ProbeState
  readonly basis: Exclude<Basis, 'majority'>
}

function serveBelow(draft: Draft, serving: Below, now: number): void {
  if (draft.basis !== serving.basis || draft.gate.kind === 'shut') {
    note(draft, 'warn', 'master.minority', {
      address: formatAddress(serving.address),
      epoch: serving.epoch,
      basis: serving.basis,
      cause: describeMinority(draft, now),
      remedy:
        'bring the Sentinels back; if they are gone for good, SENTINEL RESET on each other one, one after the other',
      msg: texts[serving.basis],
    })
  }
  serveMaster(draft, serving, now)
}

const texts = {
  quorum: 'a master is served without a majority: all Sentinels that can be asked agree, and the node is master',
  'last-master': 'the last master is served on without a majority: nobody names another, and it is the same process',
} as const

function holdFor(draft: Draft, address: Address, { result }: ProbeState, now: number): void {
  hold(draft, 'no-majority', `${describeMinority(draft, now)}; ${describeProbe(address, result)}`, now)
}
