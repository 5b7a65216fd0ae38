// decide.ts — the rules that run after every input of the topology. Pure.
//
//   1. a failover is announced of the master we serve     → hold, in this step
//   2. that failover is over without a new master         → ask afresh, then serve the old one again
//   3. who does a majority name, and may it replace the master (newer epoch, or the same address)
//   4. another master than ours is named                  → hold: what the old one takes from here on is lost
//   5. answers asked for after the need arose agree       → probe the node
//   6. the node says it is a master                       → serve; anything else → hold, and probe again
//
// Without a majority nothing changes: the last good master stays in use as long as its links work.
import { type Address, formatAddress, type Master, sameAddress } from '../address.ts'
import { blocks } from './failover.ts'
import { type Candidate, candidateOf, knownSentinels, majorityBelow, majorityOf, type Vote } from './majority.ts'
import type { Draft, Effect, HoldCause, ProbeResult, SentinelState, Topology } from './state.ts'

export const decideTiming = {
  /** An answer older than this has no vote. Settled polling is one a second. */
  viewLifeMs: 2_500,
  /** A probe's good news is used at once or not at all. */
  probeLifeMs: 500,
  /**
   * A majority that names an address without a newer epoch is believed after this, and only while our own master is
   * none: a returning stale Sentinel is corrected by the others within 2 s, so after this time the history was begun
   * anew (every Sentinel lost its configuration).
   */
  rivalMs: 15_000,
} as const

/** How many Sentinels there are and how many make a majority. */
export function quorumOf(topology: Topology, now: number): { known: number; majority: number } {
  const seeds = new Set<string>()
  const voters = new Set<string>()
  const reported = new Map<string, number>()
  for (const [key, sentinel] of topology.sentinels) {
    const id = sentinel.runId ?? key
    if (sentinel.seed) seeds.add(id)
    if (hasVote(sentinel, now)) voters.add(id)
    if (sentinel.reported !== null) reported.set(id, sentinel.reported)
  }
  const known = knownSentinels(seeds.size, [...reported.values()], voters.size)
  return { known, majority: majorityOf(known) }
}

/** Whom a majority names by answers asked for at `since` or later; null without a majority. */
export function candidateSince(topology: Topology, since: number, now: number): Candidate | null {
  return candidateOf(votesSince(topology, since, now), quorumOf(topology, now).majority)
}

export function decide(draft: Draft, now: number): void {
  holdIfAnnounced(draft, now)
  const candidate = candidateSince(draft, Number.NEGATIVE_INFINITY, now)
  const epoch = candidate && acceptableEpoch(draft, candidate, now)
  if (!candidate || epoch === null) return
  follow(draft, candidate, epoch, now)
  const { master, gate } = draft
  const settled = master && sameAddress(master, candidate.address) && master.epoch === epoch
  if (settled && gate.kind === 'open' && !draft.wanted) return
  if (!draft.wanted) ask(draft, now)
  if (master && !sameAddress(master, candidate.address) && gate.kind === 'open') {
    const detail = `a majority names ${formatAddress(candidate.address)}, epoch ${epoch}`
    hold(draft, 'master-moved', detail, now)
  }
  confirmNode(draft, candidate.address, now)
}

export function note(draft: Draft, level: 'debug' | 'info' | 'warn' | 'error', event: string, fields: object): void {
  draft.effects.push({ kind: 'note', level, event, fields: { ...fields } })
}

function holdIfAnnounced(draft: Draft, now: number): void {
  const { master, gate } = draft
  if (!master) return
  const by = announcer(draft, master, master.epoch, now)
  const announced = gate.kind === 'shut' && gate.cause === 'failover-announced'
  if (by !== null) {
    hold(draft, 'failover-announced', `${by} announces a failover of ${formatAddress(master)}`, now)
  } else if (announced) {
    note(draft, 'info', 'failover.over', {
      master: formatAddress(master),
      epoch: master.epoch,
      ms: tenths(now - gate.since),
      msg: 'the announced failover did not happen, or is over',
    })
    draft.gate = { ...gate, cause: 'unconfirmed' }
    ask(draft, now)
  }
}

/** Who announces a failover of this configuration; null if nobody does. */
function announcer(topology: Topology, address: Address, epoch: number, now: number): string | null {
  for (const [key, { failover }] of topology.sentinels) {
    if (failover && blocks(failover, address, epoch, now)) return key
  }
  return null
}

/**
 * The epoch under which `candidate` may be served; null if it may not replace the master. Config epochs only grow
 * (sentinel.c), so a different address needs a newer one; the same address under an older one means the Sentinels
 * began anew, and is believed when a majority of them says so.
 */
function acceptableEpoch(draft: Draft, candidate: Candidate, now: number): number | null {
  const { master } = draft
  if (!master) return candidate.epoch
  if (sameAddress(master, candidate.address)) {
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
      msg: 'a majority names another master under an older epoch: not followed while ours may be alive',
    })
  }
  if (draft.rival.accepted) return true
  if (draft.gate.kind === 'open' && !draft.wanted) return false
  const dead = draft.probe && sameAddress(draft.probe.address, master) && isBad(draft.probe.result)
  if (dead && now - draft.rival.since >= decideTiming.rivalMs) {
    draft.rival = { ...draft.rival, accepted: true }
    note(draft, 'error', 'master.epoch-reset', {
      address: formatAddress(address),
      epoch,
      master: formatAddress(master),
      masterEpoch: master.epoch,
      msg: 'our master is gone and the Sentinels began a new history: following them',
    })
    return true
  }
  probe(draft, master, now)
  if (dead && draft.probe?.result) holdForProbe(draft, draft.probe.result, now)
  return false
}

/** Remembers since when a majority names this configuration, and tells it when it is a new one. */
function follow(draft: Draft, { address, votes }: Candidate, epoch: number, now: number): void {
  const { candidate, master } = draft
  if (candidate && candidate.epoch === epoch && sameAddress(candidate.address, address)) return
  draft.candidate = { address, epoch, since: now }
  const fields = { address: formatAddress(address), epoch, ms: tenths(now - draft.gate.since) }
  if (!master || !sameAddress(master, address)) {
    const { known } = quorumOf(draft, now)
    const msg = 'a majority of the Sentinels names this master'
    note(draft, 'info', 'master.candidate', { ...fields, votes: votes.length, known, msg })
  } else if (epoch < master.epoch) {
    const msg = 'a majority of the Sentinels has an older epoch for the same master: their history began anew'
    note(draft, 'warn', 'master.epoch-lowered', { ...fields, masterEpoch: master.epoch, msg })
  }
}

/** Serves the node once fresh answers and the node itself agree; otherwise does what is still missing for that. */
function confirmNode(draft: Draft, address: Address, now: number): void {
  const since = draft.wanted?.since ?? now
  const fresh = candidateSince(draft, since, now)
  if (!fresh || !sameAddress(fresh.address, address)) return
  const epoch = acceptableEpoch(draft, fresh, now)
  if (epoch === null || announcer(draft, address, epoch, now) !== null) return
  const asked = draft.probe && sameAddress(draft.probe.address, address) ? draft.probe : null
  const result = asked && asked.startedAt >= since ? asked.result : null
  if (asked && result && !isBad(result) && now - asked.startedAt <= decideTiming.probeLifeMs) {
    serve(draft, address, epoch, result, now)
    return
  }
  if (result && isBad(result)) holdForProbe(draft, result, now)
  probe(draft, address, now)
}

function serve(draft: Draft, address: Address, epoch: number, result: ProbeResult, now: number): void {
  const runId = result.kind === 'master' ? result.runId : null
  const master: Master = { host: address.host, port: address.port, epoch, runId }
  draft.effects.push({ kind: 'serve', master })
  const changed = draft.gate.kind === 'shut' || draft.master?.epoch !== epoch || !sameAddress(draft.master, address)
  note(draft, changed ? 'info' : 'debug', 'master.confirmed', {
    address: formatAddress(address),
    epoch,
    cause: draft.gate.kind === 'shut' ? draft.gate.cause : 'asked',
    heldMs: draft.gate.kind === 'shut' ? tenths(now - draft.gate.since) : 0,
    sinceMajorityMs: tenths(now - (draft.candidate?.since ?? now)),
    msg: 'the node confirms that it is the master',
  })
  draft.master = master
  if (draft.gate.kind === 'shut') draft.gate = { kind: 'open', since: now }
  draft.wanted = null
  draft.rival = null
  draft.sentinels = new Map([...draft.sentinels].map(([key, one]) => [key, { ...one, monitoredAnew: false }]))
}

/** Shuts the gate, or changes the cause it is shut for; says so again only to a confirm() that waits for an answer. */
function hold(draft: Draft, cause: HoldCause, detail: string, now: number): void {
  const { gate, wanted, master } = draft
  // While a failover is announced that stays the cause, or the two would take turns with every answer.
  const known = gate.kind === 'shut' && (gate.cause === cause || gate.cause === 'failover-announced')
  if (known && !wanted?.owed) return
  draft.effects.push({ kind: 'hold', cause, detail })
  if (!known) {
    draft.gate = { kind: 'shut', cause, since: gate.kind === 'shut' ? gate.since : now }
    const story = cause === 'failover-announced' ? 'failover.announced' : 'master.held'
    // Whoever shuts the gate tells the first cause; a later one would be told by nobody.
    note(draft, gate.kind === 'shut' ? 'info' : 'debug', story, {
      cause,
      detail,
      master: master && formatAddress(master),
      epoch: master?.epoch,
      msg: cause === 'failover-announced' ? 'a Sentinel announces a failover' : 'why commands are held',
    })
    if (cause === 'failover-announced' || !wanted) ask(draft, now)
  }
  if (draft.wanted) draft.wanted = { ...draft.wanted, owed: false }
}

function holdForProbe(draft: Draft, result: ProbeResult, now: number): void {
  const where = draft.probe ? formatAddress(draft.probe.address) : ''
  if (result.kind === 'replica') hold(draft, 'not-master', `${where} says it is a replica`, now)
  if (result.kind === 'loading') hold(draft, 'master-loading', `${where} is loading its data set`, now)
  if (result.kind === 'unreachable') hold(draft, 'master-unreachable', `${where}: ${result.why}`, now)
}

/** From here on only newer answers count; everybody is asked. */
function ask(draft: Draft, now: number): void {
  draft.wanted = { since: now, first: draft.wanted?.first ?? now, owed: draft.wanted?.owed ?? false }
  draft.effects.push({ kind: 'ask', key: null })
}

function probe(draft: Draft, address: Address, now: number): void {
  const running = draft.probe
  if (running && sameAddress(running.address, address)) {
    if (!running.result || now < running.retryAt) return
  }
  draft.probe = { address, startedAt: now, result: null, retryAt: now }
  const effect: Effect = { kind: 'probe', address, startedAt: now }
  draft.effects.push(effect)
}

function isBad(result: ProbeResult | null): boolean {
  return result !== null && result.kind !== 'master' && result.kind !== 'untold'
}

function votesSince(topology: Topology, since: number, now: number): Vote[] {
  const views = [...topology.sentinels].flatMap(([key, one]) =>
    one.view && hasVote(one, now) && one.view.askedAt >= since ? [{ voter: one.runId ?? key, view: one.view }] : [],
  )
  views.sort((a, b) => a.view.answeredAt - b.view.answeredAt)
  return views.map(({ voter, view }) => ({ voter, address: view.address, epoch: view.epoch }))
}

function hasVote(sentinel: SentinelState, now: number): boolean {
  return sentinel.up && sentinel.view !== null && now - sentinel.view.answeredAt <= decideTiming.viewLifeMs
}

function isMonitoredAnew(topology: Topology, voter: string): boolean {
  for (const [key, one] of topology.sentinels) if ((one.runId ?? key) === voter && one.monitoredAnew) return true
  return false
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10
}
