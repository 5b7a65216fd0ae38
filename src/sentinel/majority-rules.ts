// majority-rules.ts: the rules that run after every input of the topology. Pure.
//
//   1. a failover is announced of the master we serve     → hold, in this step; from the choice of the replica on
//      (or of a rival that they name in its place)          withhold: what the old one says is not delivered (lanes.ts)
//   2. that failover is over without a new master         → ask afresh, then serve the old one again
//      while it goes on, the node under promotion is probed ahead of the majority's word
//   3. which node does a majority name? It may replace the master with a newer epoch or with the same address; or when
//      those who name it monitor the name anew; or as a rival: named for 15 s, while ours is no master any more. Another
//      name of ours is none of these: it is used where nobody is at the one that we have, or it is silent for 15 s
//   4. another master than ours is named                  → hold and withhold: what the old one takes is lost
//   5. answers asked for after the need arose agree       → probe the node
//   6. it is a master, will not say what it is (untold), or is ours and links to it work (vouched)   → serve
//      any other answer: a replica, loading, unreachable                                → hold, and probe again
//
// Same address, older epoch: a majority with it means that the Sentinels began anew, and it becomes ours.
// Without a majority the master never changes: minority-rules.ts says whether it may be used at all.
import { type Address, formatAddress, type Master, sameAddress } from '../address.ts'
import { blocks, endOf, type Failover } from './failover.ts'
import { type Candidate, majorityBelow } from './majority.ts'
import { withoutMajority } from './minority-rules.ts'
import type { Draft, ProbeState, SentinelState, Topology } from './topology-state.ts'
import {
  announcer,
  answerSince,
  askAll,
  describeProbe,
  hold,
  holdForNext,
  holdForProbe,
  isBad,
  isHeldForNext,
  isRecent,
  note,
  probe,
  serveMaster,
  tenths,
} from './topology-steps.ts'
import { candidateSince, quorumOf } from './voters.ts'

/**
 * After this time a majority that names an address without a newer epoch is believed, but only while our own master is
 * none. The others correct a stale Sentinel that returns within 2 s. So after this time every Sentinel has lost its
 * configuration: their history began anew.
 */
const RIVAL_MS = 15_000

/**
 * A process that stood still answers here as soon as it goes on, and then its links last. Under its other name it would lose
 * them, with what is unanswered. After this time they are no reason to wait.
 */
const SILENT_MS = 15_000

export function decide(draft: Draft, now: number): void {
  holdIfAnnounced(draft, now)
  probeAhead(draft, now)
  const candidate = namedSince(draft, Number.NEGATIVE_INFINITY, now)
  if (!candidate) {
    withoutMajority(draft, now)
    return
  }
  draft.minoritySince = null
  draft.agreed = null
  const epoch = acceptableEpoch(draft, candidate, now)
  if (epoch === null) return
  follow(draft, candidate, epoch, now)
  const { master, gate } = draft
  const settled = master && sameAddress(master, candidate.address) && master.epoch === epoch
  if (settled && gate.kind === 'open' && !draft.wanted) return
  if (gate.kind === 'shut' && draft.wanted && announcer(draft, candidate.address, epoch, now) !== null) return
  if (!draft.wanted) askAll(draft, now)
  if (master && isOtherName(candidate, master)) {
    if (draft.probe !== null && isBad(draft.probe)) holdForProbe(draft, draft.probe, now)
  } else if (master && !sameAddress(master, candidate.address) && gate.kind === 'open') {
    const detail = `a majority names ${formatAddress(candidate.address)}, epoch ${epoch}`
    hold(draft, 'master-moved', detail, now)
  }
  confirmNode(draft, candidate.address, now)
}

/**
 * Whom a majority names. Where it has another name for the process that is served, ours counts: it works. Where nobody is
 * at ours any more, each of the two is asked in turn.
 */
function namedSince(draft: Draft, since: number, now: number): Candidate | null {
  const candidate = candidateSince(draft, since, now)
  const { master } = draft
  if (!candidate || !master || !isOtherName(candidate, master)) return candidate
  const ours = { host: master.host, port: master.port }
  return isTheirTurn(draft, candidate.address, ours, now) ? candidate : { ...candidate, address: ours }
}

/** Of the process that is served. */
function isOtherName({ address, votes }: Candidate, master: Master): boolean {
  if (sameAddress(master, address) || master.runId === null) return false
  return votes.every(({ runId }) => runId === master.runId)
}

/**
 * A node that is late, or that turns us away, is there: its links may last. Where nothing comes for long, our address leads
 * nowhere: packets to it are lost, and nobody says so.
 */
function isTheirTurn({ probe: asked, gate }: Draft, theirs: Address, ours: Address, now: number): boolean {
  if (asked === null) return false
  const { address, result, retryAt } = asked
  if (sameAddress(address, theirs)) return !isBad(asked) || now < retryAt
  if (!sameAddress(address, ours) || result?.kind !== 'unreachable' || !isBad(asked)) return false
  const isLost = result.sign === 'late' && gate.kind === 'shut' && now - gate.since >= SILENT_MS
  return result.sign === undefined || isLost
}

function holdIfAnnounced(draft: Draft, now: number): void {
  const { master, gate } = draft
  if (!master) return
  const ours = announcer(draft, master, master.epoch, now)
  const by = ours ?? rivalAnnouncer(draft, now)
  const announced = gate.kind === 'shut' && gate.cause === 'failover-announced'
  if (by !== null) {
    const { rival } = draft
    const whom =
      ours !== null || rival === null
        ? formatAddress(master)
        : `${formatAddress(rival.address)}, which a majority names`
    const detail = `${by} announces a failover of ${whom}`
    if (!isHeldForNext(draft, now)) hold(draft, 'failover-announced', detail, now)
    if (mayBePromoted(draft, master, now)) draft.effects.push({ kind: 'withhold' })
  } else if (announced) {
    note(draft, 'info', 'failover.over', {
      master: formatAddress(master),
      epoch: master.epoch,
      ms: tenths(now - gate.since),
      msg: 'the announced failover is over, or did not happen',
    })
    draft.gate = { ...gate, cause: 'unconfirmed' }
    askAll(draft, now)
  }
}

/**
 * A promotion is done some 800 ms before a majority says so, and the leader says so some 80 ms before. The node is asked
 * meanwhile, so that its own word is there when the majority's comes.
 */
function probeAhead(draft: Draft, now: number): void {
  const { master, wanted, warm } = draft
  if (!master || !wanted) return
  for (const { view, failover } of draft.sentinels.values()) {
    if (!failover?.mayPromote || !blocks(failover, master, master.epoch, now)) continue
    const isNamed = view?.failover === 'promoted' && view.askedAt >= wanted.since && view.epoch > master.epoch
    const replica = isNamed ? view.address : failover.replica
    if (replica === null || !(isNamed || (warm && sameAddress(warm, replica)))) continue
    const asked = answerSince(draft, replica, wanted.since)
    if (asked === null || isBad(asked) || !isRecent(asked, now))
      probe(draft, replica, now, { isAhead: true, unlike: master.runId })
  }
}

/**
 * Sentinels that were all restored from before a failover take our master for a replica that has lost its way. They make
 * another node the master some 20 s later, and demote ours a second after that: what it takes meanwhile is lost.
 */
function rivalAnnouncer(topology: Topology, now: number): string | null {
  for (const [key, { failover }] of topology.sentinels)
    if (failover && endsBesideUs(failover, topology) > now) return key
  return null
}

/**
 * Until when a failover by Sentinels that name a rival may end with our master demoted. Where it lives on after that, they
 * do not reach it. The failover that made ours has an older epoch.
 */
function endsBesideUs(failover: Failover, { rival, master }: Topology): number {
  if (rival === null || master === null || failover.epoch < master.epoch) return Number.NEGATIVE_INFINITY
  return Math.min(endOf(failover), failover.electedAt + RIVAL_MS)
}

/** Whether a failover of the master is so far that its replica may be a master already. */
function mayBePromoted(topology: Topology, master: Master, now: number): boolean {
  const may = ({ failover }: SentinelState) =>
    failover?.mayPromote && (blocks(failover, master, master.epoch, now) || endsBesideUs(failover, topology) > now)
  return topology.sentinels.values().some(may)
}

/**
 * The epoch under which `candidate` may be served; null if it may not replace the master. Config epochs only grow
 * (sentinel.c), so another address needs a newer epoch. The same address under an older epoch means that the Sentinels
 * began anew; a majority of them is believed.
 */
function acceptableEpoch(draft: Draft, candidate: Candidate, now: number): number | null {
  const { master } = draft
  if (!master) return candidate.epoch
  if (sameAddress(master, candidate.address) || isOtherName(candidate, master)) {
    draft.rival = null
    if (candidate.epoch >= master.epoch) return candidate.epoch
    const begunAnew = majorityBelow(candidate.votes, master.epoch, quorumOf(draft, now).majority)
    return begunAnew ? candidate.epoch : master.epoch
  }
  const anew = candidate.votes.every(vote => isMonitoredAnew(draft, vote.voter))
  if (candidate.epoch > master.epoch || anew) return candidate.epoch
  return acceptRival(draft, master, candidate, now) ? candidate.epoch : null
}

function acceptRival(draft: Draft, master: Master, { address, epoch }: Candidate, now: number): boolean {
  if (!draft.rival || !sameAddress(draft.rival.address, address) || draft.rival.epoch !== epoch) {
    draft.rival = { address, epoch, since: now, accepted: false }
    note(draft, 'warn', 'master.rival', {
      address: formatAddress(address),
      epoch,
      master: formatAddress(master),
      masterEpoch: master.epoch,
      msg: 'a majority names another master without a newer epoch: Holdfast does not follow it while ours may be alive',
    })
  }
  if (draft.rival.accepted) return true
  // Whoever is to be promoted is probed then, and one node at a time is.
  if (announcer(draft, master, master.epoch, now) !== null) return false
  if (draft.gate.kind === 'open' && !draft.wanted) return false
  const asked = draft.probe && sameAddress(draft.probe.address, master) ? draft.probe : null
  const isOurs = asked?.result ? isProvenOurs(asked, master) : null
  const hasYielded = asked !== null && isReplicaOf(asked, address, now)
  if (isOurs === false && (hasYielded || now - draft.rival.since >= RIVAL_MS)) {
    draft.rival = { ...draft.rival, accepted: true }
    const isReplica = asked?.result?.kind === 'replica'
    const became = hasYielded ? 'is a replica of theirs now' : isReplica ? 'is a replica now' : 'is gone'
    note(draft, 'error', 'master.epoch_reset', {
      address: formatAddress(address),
      epoch,
      master: formatAddress(master),
      masterEpoch: master.epoch,
      msg: `our master ${became} and the Sentinels began a new history: Holdfast follows them`,
    })
    return true
  }
  if (isOurs && goOnBesideRival(draft, master, now)) return false
  if (isOurs === false && asked) holdForRival(draft, asked, address, now)
  probe(draft, master, now)
  return false
}

/** The node says itself that it follows the one that a majority names. */
function isReplicaOf(asked: ProbeState, address: Address, now: number): boolean {
  const { result } = asked
  return (
    result?.kind === 'replica' && result.of !== undefined && sameAddress(result.of, address) && isRecent(asked, now)
  )
}

/**
 * Whether the process that we served lives and is a master. Another process at its address, or one whose run id is not
 * known, has no such claim against a majority.
 */
function isProvenOurs({ result, vouched }: ProbeState, master: Master): boolean {
  return vouched || (result?.kind === 'master' && result.runId !== null && result.runId === master.runId)
}

function holdForRival(draft: Draft, asked: ProbeState, rival: Address, now: number): void {
  if (isBad(asked)) holdForProbe(draft, asked, now)
  else {
    const detail = `a majority names ${formatAddress(rival)}; ${describeProbe(asked.address, asked.result)}`
    hold(draft, 'master-moved', detail, now)
  }
}

/** While our own master lives, an older history does not replace it, for open links or for new ones. */
function goOnBesideRival(draft: Draft, master: Master, now: number): boolean {
  const { rival, wanted } = draft
  const asked = answerSince(draft, master, wanted?.since ?? now)
  if (!asked || !isRecent(asked, now)) return false
  if (announcer(draft, master, master.epoch, now) !== null || rivalAnnouncer(draft, now) !== null) return false
  serveMaster(draft, { address: master, epoch: master.epoch, asked, basis: 'last-master' }, now)
  draft.rival = rival
  return true
}

/** Remembers since when a majority names this configuration, and logs a new one. */
function follow(draft: Draft, named: Candidate, epoch: number, now: number): void {
  const { candidate, master } = draft
  const { address, votes } = named
  // The two names take turns.
  if (master && isOtherName(named, master)) return
  if (candidate && candidate.epoch === epoch && sameAddress(candidate.address, address)) return
  draft.candidate = { address, epoch, since: now }
  const fields = { address: formatAddress(address), epoch, ms: tenths(now - draft.gate.since) }
  if (!master || !sameAddress(master, address)) {
    const { known } = quorumOf(draft, now)
    const msg = 'a majority of the Sentinels names this master'
    note(draft, 'info', 'master.candidate', { ...fields, votes: votes.length, known, msg })
  } else if (epoch < master.epoch) {
    const msg = 'a majority of the Sentinels has an older epoch for the same master: their history began anew'
    note(draft, 'warn', 'master.epoch_lowered', { ...fields, masterEpoch: master.epoch, msg })
  }
}

/** Serves the node once fresh answers and the node itself agree; until then does what is missing for that. */
function confirmNode(draft: Draft, address: Address, now: number): void {
  const since = draft.wanted?.since ?? now
  const fresh = namedSince(draft, since, now)
  if (!fresh || !sameAddress(fresh.address, address)) return
  const epoch = acceptableEpoch(draft, fresh, now)
  if (epoch === null || announcer(draft, address, epoch, now) !== null) return
  const asked = answerSince(draft, address, since)
  const unlike = replacedBy(draft, fresh, epoch)
  if (asked && !isBad(asked) && isRecent(asked, now) && !isProcess(asked, unlike)) {
    serveMaster(draft, { address, epoch, asked, basis: 'majority' }, now)
    return
  }
  if (asked && isBad(asked)) holdForNext(draft, asked, now)
  probe(draft, address, now, { unlike })
}

/**
 * The run id of the master that the candidate replaces, by a failover; null: it replaces none. After a planned failover the
 * old master says for ten seconds more that it is one, and what it takes is lost. A name server that is behind may lead
 * there by the name of the new one.
 */
function replacedBy({ master }: Topology, candidate: Candidate, epoch: number): string | null {
  if (!master || sameAddress(master, candidate.address) || epoch <= master.epoch) return null
  return isOtherName(candidate, master) ? null : master.runId
}

function isProcess({ result }: ProbeState, runId: string | null): boolean {
  return runId !== null && result?.kind === 'master' && result.runId === runId
}

function isMonitoredAnew(topology: Topology, voter: string): boolean {
  return topology.sentinels.entries().some(([key, one]) => (one.runId ?? key) === voter && one.monitoredAnew)
}
