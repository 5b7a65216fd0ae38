// minority-rules.ts: decides what to do while no majority of the Sentinels names one master. Pure.
//
//   no master yet    all that can be asked agree, at least a quorum, the node says it is master   → serve "quorum"
//   a last master    nobody names another or announces a failover, the node is still the same     → serve "last-master"
//   anything else                                                                                 → hold "no-majority"
//
// While nobody asks, nothing happens: the last master stays in use as long as its links work. A question ends in
// bounded time, one way or the other. docs/decisions/0011-no-majority.md says why.
// Must stay true: no master but the last one is served here; the first one needs the Sentinels' own quorum.
import { type Address, formatAddress, type Master, sameAddress } from '../address.ts'
import type { Vote } from './majority.ts'
import type { Draft, ProbeState, Topology } from './topology-state.ts'
import {
  announcer,
  answerSince,
  describeProbe,
  hold,
  isRecent,
  note,
  probe,
  type Serving,
  serveMaster,
} from './topology-steps.ts'
import { deadSentinels, ownQuorum, quorumOf, votesSince } from './voters.ts'

export const minorityTiming = {
  /** All that can be asked must agree this long, so that the others have had the time to be reached. */
  agreedMs: 3_000,
} as const

/** The rules for a step in which no majority names one master. */
export function withoutMajority(draft: Draft, now: number): void {
  draft.minoritySince ??= now
  followAgreement(draft, now)
  if (!draft.wanted) return
  if (draft.master) goOn(draft, draft.master, now)
  else begin(draft, now)
}

/** How long the absence of a majority decides nothing, ms: time to dial and ask a Sentinel that lives. */
export function waitMs({ answerMs }: Topology): number {
  return 2 * answerMs
}

/** What is missing for a majority and what to do about it, for people. */
export function describeMinority(topology: Topology, now: number): string {
  const { known, majority } = quorumOf(topology, now)
  const votes = new Map(votesSince(topology, Number.NEGATIVE_INFINITY, now).map(vote => [vote.voter, vote]))
  const asked = votes.size
  if (asked === 0) return describeSilence(topology)
  const dead = deadSentinels(topology).length
  const gone = `; they count ${dead} that they cannot reach: SENTINEL RESET if those are gone for good`
  const missing = asked < majority ? 'are needed' : `must name the same one: ${whomTheyName([...votes.values()])}`
  const told = `${asked} of ${known} Sentinels can be asked about the master, and ${majority} ${missing}`
  return `${told}${areStrangers(topology) ? strangers : ''}${dead === 0 ? '' : gone}`
}

/** No Sentinel names a master. Those that never answered count no more after a while: "0 of 1" would be no help. */
function describeSilence({ sentinels }: Topology): string {
  const answering = [...sentinels.values()].filter(({ up, spokeAt }) => up && Number.isFinite(spokeAt)).length
  return answering === 0
    ? `no Sentinel can be asked about the master (0 of ${sentinels.size})`
    : `no Sentinel gives a master for this name (${answering} of ${sentinels.size} answer)`
}

const strangers =
  '; those that name different masters do not list one another: where they watch two deployments, give --sentinels those of one'

/** Some name different masters, and each lists others, but none of those: in a failover it would. */
function areStrangers({ sentinels }: Topology): boolean {
  const seen = [...sentinels].flatMap(([key, one]) => (one.up && one.view ? [{ ...one, key, view: one.view }] : []))
  const pairs = seen.flatMap(a => seen.filter(b => !sameAddress(a.view.address, b.view.address)).map(b => ({ a, b })))
  const isListed = ({ a, b }: (typeof pairs)[number]): boolean =>
    a.peers.some(({ runId, address }) => runId === b.runId || formatAddress(address) === b.key)
  const haveListed = seen.every(({ peers }) => peers.length > 0)
  return haveListed && pairs.length > 0 && !pairs.some(isListed)
}

/** `2 name 10.0.0.1:6379, 1 names 10.0.0.2:6379`. */
function whomTheyName(votes: readonly Vote[]): string {
  const named = Map.groupBy(votes, ({ address }) => formatAddress(address))
  return [...named].map(([place, { length }]) => `${length} ${length === 1 ? 'names' : 'name'} ${place}`).join(', ')
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
  const isOther = ({ address, runId }: Vote): boolean =>
    !sameAddress(address, master) && (runId === undefined || runId !== master.runId)
  const other = votesSince(draft, Number.NEGATIVE_INFINITY, now).find(isOther)
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

/** How the last master may stay in use after this word of its node; null: not at all. */
function servingOn({ agreed }: Topology, master: Master, asked: ProbeState, now: number): Below | null {
  if (isSame(asked, master)) return { address: master, epoch: master.epoch, asked, basis: 'last-master' }
  // A Holdfast that starts now would do the same: a new process says it is master, and enough Sentinels name it.
  const isAgreed = agreed !== null && now - agreed.since >= minorityTiming.agreedMs
  if (asked.result?.kind !== 'master' || !isAgreed) return null
  return { address: master, epoch: Math.max(master.epoch, agreed.epoch), asked, basis: 'quorum' }
}

/** Whether every Sentinel that can be asked has answered since then, or has had its time. */
function isEverybodyHeard(topology: Topology, since: number, now: number): boolean {
  if (now - since >= waitMs(topology)) return true
  return [...topology.sentinels.values()].every(
    ({ up, view, spokeAt }) => !up || (view === null ? spokeAt >= since : view.askedAt >= since),
  )
}

/** Whether the node is the same process that was served, as far as that can be known. */
function isSame({ result, vouched }: ProbeState, master: Master): boolean {
  if (vouched) return true
  if (result?.kind === 'master') return master.runId === null || result.runId === null || result.runId === master.runId
  // The node never gave its run id, so nothing is missing now.
  return result?.kind === 'untold' && master.runId === null
}

/** Remembers since when all Sentinels that can be asked, a quorum at least, name one configuration. */
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
  if (draft.agreed?.epoch === epoch && sameAddress(draft.agreed.address, address)) return
  draft.agreed = { address, epoch, since: now }
}

type Below = Serving & { readonly basis: keyof typeof texts }

function serveBelow(draft: Draft, serving: Below, now: number): void {
  if (draft.basis !== serving.basis || draft.gate.kind === 'shut') {
    note(draft, 'warn', 'master.minority', {
      address: formatAddress(serving.address),
      epoch: serving.epoch,
      basis: serving.basis,
      cause: describeMinority(draft, now),
      remedy: 'bring the Sentinels back; where they are gone for good, SENTINEL RESET on each of the others in turn',
      msg: texts[serving.basis],
    })
  }
  serveMaster(draft, serving, now)
}

const texts = {
  quorum: 'without a majority a master is served: all Sentinels that can be asked agree, and the node is master',
  'last-master': 'without a majority the last master stays: no Sentinel names another, and it is the same process',
} as const

function holdFor(draft: Draft, address: Address, { result }: ProbeState, now: number): void {
  hold(draft, 'no-majority', `${describeMinority(draft, now)}; ${describeProbe(address, result)}`, now)
}
