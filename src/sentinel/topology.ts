// topology.ts: works one observation into the state of the control plane and says what to do. Pure: no I/O, no timer,
// no clock but the `now` that it gets. majority-rules.ts and minority-rules.ts hold the rules that run after each.
//
//   answers, events, losses, probes, ticks ──▶ next(topology, observation, now) ──▶ new topology + effects (watcher.ts)
//
// Owns: each Sentinel's last answer and announced failover, the last good master, whether the gate may be open.
// Must stay true: a master that was served changes only by the present word of a majority, and a failover of it shuts
// the gate in the very step that hears of it.
import { formatAddress, sameAddress } from '../address.ts'
import type { SentinelEvent } from './events.ts'
import {
  type Failover,
  failoverAfterEvent,
  failoverAfterView,
  failoverLeaderEnded,
  failoverOrphaned,
} from './failover.ts'
import { decide } from './majority-rules.ts'
import { type View, viewAfterPromotion, viewAfterSwitch } from './sentinel-view.ts'
import type { Draft, LinkSign, Observation, ProbeResult, SentinelState, Step, Topology } from './topology-state.ts'
import { announcer, note } from './topology-steps.ts'

const SUSPECT_MS = 5_000
/** A row of confirm() calls moves the moment from which answers count this far at most, or it would never end. */
const CONFIRM_ROW_MS = 500
/**
 * The same of standstills. A process that does not get enough of a processor stands still in every turn, and every
 * answer comes over one. More in a row than this move the moment no more; what is longer apart is no row.
 */
const STALL_ROW = { most: 3, apartMs: 10_000 }
/** The watcher looks at least once a second: after a longer gap nobody knows who can be reached. */
const STOOD_STILL_MS = 1_500

export function createTopology(now: number, answerMs = 1_000): Topology {
  return {
    answerMs,
    sentinels: new Map(),
    master: null,
    servedAt: null,
    leftAt: null,
    basis: null,
    gate: { kind: 'shut', since: now, cause: 'unconfirmed' },
    wanted: { since: now, first: now, owed: false, stalls: 0, stalledAt: now },
    probe: null,
    warm: null,
    rival: null,
    candidate: null,
    agreed: null,
    minoritySince: null,
    suspectUntil: now,
    heardAt: now,
  }
}

/** The topology after `observation`, and what to do about it, in order. `now`: ms of a monotonic clock. */
export function next(topology: Topology, observation: Observation, now: number): Step {
  const draft: Draft = { ...topology, heardAt: now, effects: [] }
  if (now - topology.heardAt > STOOD_STILL_MS) {
    draft.minoritySince = null
    draft.agreed = null
  }
  accept(draft, observation, now)
  if (mayDecide(observation)) decide(draft, now)
  if (observation.kind === 'event') askAfter(draft, observation.key, observation.event)
  const { effects, ...rest } = draft
  return { topology: rest, effects }
}

/** In a failover a thousand events come in a second. Of some it is known that no rule asks for them. */
function mayDecide(observation: Observation): boolean {
  if (observation.kind !== 'event') return true
  const { kind } = observation.event
  return kind !== 'epoch' && kind !== 'doubted' && kind !== 'tilt' && kind !== 'peers' && kind !== 'stir'
}

/** Whether to ask every Sentinel often: something is undecided, or about to be. */
export function isUnsettled(topology: Topology, now: number): boolean {
  return topology.gate.kind === 'shut' || topology.wanted !== null || now < topology.suspectUntil
}

function accept(draft: Draft, observation: Observation, now: number): void {
  switch (observation.kind) {
    case 'joined':
      put(draft, observation.key, newSentinel(observation.seed, now))
      return
    case 'left': {
      const sentinels = new Map(draft.sentinels)
      sentinels.delete(observation.key)
      draft.sentinels = sentinels
      return
    }
    case 'up':
      change(draft, observation.key, { up: true, met: true, runId: observation.runId })
      return
    case 'down': {
      const sentinel = draft.sentinels.get(observation.key)
      if (!sentinel) return
      const awaySince = sentinel.up ? now : sentinel.awaySince
      const failover = failoverOrphaned(sentinel.failover, now)
      put(draft, observation.key, { ...sentinel, up: false, awaySince, view: null, failover })
      return
    }
    case 'refused': {
      const sentinel = draft.sentinels.get(observation.key)
      if (!sentinel || sentinel.up) return
      change(draft, observation.key, { failover: failoverLeaderEnded(sentinel.failover, now) })
      return
    }
    case 'answer':
      acceptAnswer(draft, observation.key, observation.view, now)
      return
    case 'peers':
      change(draft, observation.key, { peers: observation.peers })
      return
    case 'event':
      acceptEvent(draft, observation.key, observation.event, now)
      return
    case 'confirm': {
      // The answer is the hold, and the end of the failover will bring news. What it needs then is not asked for anew.
      if (draft.wanted && draft.master && announcer(draft, draft.master, draft.master.epoch, now) !== null) {
        draft.wanted = { ...draft.wanted, owed: true }
        return
      }
      const first = draft.wanted?.owed ? draft.wanted.first : now
      const since = draft.wanted && now - first > CONFIRM_ROW_MS ? draft.wanted.since : now
      const { stalls = 0, stalledAt = now } = draft.wanted ?? {}
      draft.wanted = { since, first, owed: true, stalls, stalledAt }
      draft.effects.push({ kind: 'ask', key: null })
      return
    }
    case 'stood-still': {
      const { wanted } = draft
      const isRow = wanted !== null && now - wanted.stalledAt <= STALL_ROW.apartMs
      const stalls = isRow ? wanted.stalls + 1 : 1
      const since = isRow && stalls > STALL_ROW.most ? wanted.since : now
      draft.wanted = { since, first: now, owed: true, stalls, stalledAt: now }
      draft.effects.push({ kind: 'ask', key: null })
      return
    }
    case 'probed': {
      const { address, startedAt, result, links, retryAt } = observation
      if (draft.probe?.startedAt !== startedAt || !sameAddress(draft.probe.address, address)) return
      const isServed = draft.master !== null && sameAddress(draft.master, address)
      const vouched = isServed && doLinksVouch(result, links)
      draft.probe = { ...draft.probe, result, answeredAt: now, vouched, retryAt }
      if (result.kind === 'replaced') draft.effects.push({ kind: 'misled' })
      return
    }
    case 'warm':
      draft.warm = observation.address
      return
    case 'cold':
      if (draft.warm && sameAddress(draft.warm, observation.address)) draft.warm = null
      if (draft.probe?.isAhead && sameAddress(draft.probe.address, observation.address)) draft.probe = null
      return
    case 'tick':
      return
  }
}

/**
 * Whether links speak for a node that does not say what it is. A node that answers at all, if only to turn us away, is
 * the process at the other end of a link that lasts. A late node needs a link that got bytes meanwhile.
 */
function doLinksVouch(result: ProbeResult, links: LinkSign): boolean {
  if (result.kind === 'untold') return links !== 'none'
  if (result.kind !== 'unreachable') return false
  return result.sign === 'late' ? links === 'heard' : result.sign === 'turned-away' && links !== 'none'
}

function acceptAnswer(draft: Draft, key: string, view: View | null, now: number): void {
  const sentinel = draft.sentinels.get(key)
  if (!sentinel?.up) return
  // What it has published since then is newer. (An event is heard at once, an answer a moment later.)
  if (view && sentinel.view && view.askedAt < sentinel.view.askedAt) {
    change(draft, key, { spokeAt: now })
  } else if (view) {
    const current = view.askedAt >= sentinel.failoverHeardAt
    const failover = current ? failoverAfterView(sentinel.failover, view, now) : sentinel.failover
    change(draft, key, { view, spokeAt: now, reported: view.knownSentinels, reportedAt: now, failover })
  } else {
    change(draft, key, { view: null, spokeAt: now })
  }
}

function acceptEvent(draft: Draft, key: string, event: SentinelEvent, now: number): void {
  const sentinel = draft.sentinels.get(key)
  if (!sentinel) return
  const { view, newEpoch } = sentinel
  const epoch = Math.max(draft.master?.epoch ?? 0, draft.candidate?.epoch ?? 0, view?.epoch ?? 0)
  // It speaks of the master that it has answered, by a new name perhaps: of another one it would have told.
  const context = { now, epoch, timeoutMs: view?.failoverTimeoutMs ?? 180_000, runId: view?.runId, newEpoch }
  const failover = failoverAfterEvent(sentinel.failover, event, context)
  change(draft, key, {
    failover,
    view: viewAfterEvent(view, event, failover, now),
    newEpoch: event.kind === 'epoch' ? event.epoch : newEpoch,
    failoverHeardAt: event.kind.startsWith('failover-') ? now : sentinel.failoverHeardAt,
    monitoredAnew: sentinel.monitoredAnew || event.kind === 'monitored',
  })
  if (event.kind === 'failover-elected' && event.replica) draft.effects.push({ kind: 'warm', address: event.replica })
  noteEvent(draft, key, event, now)
}

/**
 * After some events a Sentinel may answer otherwise than before, so it is asked: at once where that may open the gate,
 * else soon. The others say all there is to know, or more is to come: a failover ends in one of these, or in an abort,
 * and then decide() asks all.
 */
function askAfter({ effects, gate, sentinels }: Draft, key: string, event: SentinelEvent): void {
  switch (event.kind) {
    case 'failover-promoted':
      effects.push({ kind: sentinels.get(key)?.view?.failover === 'promoted' ? 'ask-soon' : 'ask', key })
      break
    case 'switched':
    case 'monitored':
    case 'stir':
      if (event.kind === 'stir' && event.what === '+reset-master') effects.push({ kind: 'ask-peers', key })
      effects.push({ kind: gate.kind === 'shut' ? 'ask' : 'ask-soon', key })
      break
    case 'peers':
      effects.push({ kind: 'ask-peers', key })
      break
    default:
  }
}

/** What its Sentinel would answer now, as far as the event tells. */
function viewAfterEvent(view: View | null, event: SentinelEvent, failover: Failover | null, now: number): View | null {
  if (event.kind === 'switched') return viewAfterSwitch(view, event.from, event.to, now)
  if (event.kind !== 'failover-promoted' || !event.replica || !view || !failover) return view
  const { nextEpoch } = failover
  if (nextEpoch === null || nextEpoch <= view.epoch || !sameAddress(view.address, event.master)) return view
  return viewAfterPromotion(view, event.replica, nextEpoch, now)
}

/** Logs an event that no decision logs. */
function noteEvent(draft: Draft, sentinel: string, event: SentinelEvent, now: number): void {
  switch (event.kind) {
    case 'doubted': {
      const master = formatAddress(event.master)
      if (!draft.master || master !== formatAddress(draft.master)) return
      draft.suspectUntil = event.over ? now : now + SUSPECT_MS
      const story = event.over ? 'master.undoubted' : 'master.doubted'
      const isNews = !isDoubtedByOthers(draft, sentinel)
      note(draft, isNews ? 'info' : 'debug', story, { sentinel, master, msg: texts[story] })
      break
    }
    case 'tilt': {
      const story = event.on ? 'sentinel.tilt' : 'sentinel.tilt_over'
      note(draft, 'warn', story, { sentinel, msg: texts[story] })
      break
    }
    case 'failover-aborted':
      note(draft, 'info', 'failover.aborted', {
        sentinel,
        master: formatAddress(event.master),
        cause: event.why,
        msg: 'a Sentinel gave up the failover',
      })
      break
    case 'failover-elected':
      if (event.replica) {
        const replica = formatAddress(event.replica)
        note(draft, 'debug', 'failover.replica', { sentinel, replica, msg: texts['failover.replica'] })
      }
      break
    case 'switched': {
      const [from, to] = [event.from, event.to].map(formatAddress)
      note(draft, 'debug', 'sentinel.switched', { sentinel, from, to, msg: texts['sentinel.switched'] })
      break
    }
    case 'monitored': {
      const master = formatAddress(event.master)
      note(draft, 'info', 'sentinel.monitored_anew', { sentinel, master, msg: texts['sentinel.monitored_anew'] })
      break
    }
    default:
  }
}

const texts = {
  'master.doubted': 'a quorum of the Sentinels holds the master for dead',
  'master.undoubted': 'the Sentinels hear the master again',
  'sentinel.tilt': 'this Sentinel does not trust its clock or its host: it starts no failover for 30 s',
  // It may be the first word of a TILT: in the middle of one that Sentinel was connected to, or this process started.
  'sentinel.tilt_over': 'this Sentinel acts again: it was in TILT mode, in which it starts no failover',
  'failover.replica': 'this Sentinel has chosen the replica that it promotes',
  'sentinel.switched': 'this Sentinel names another master',
  'sentinel.monitored_anew': 'this Sentinel was told to watch this master (SENTINEL MONITOR)',
} as const

/** The Sentinels say it one by one, some hundred milliseconds apart; one line is enough. */
function isDoubtedByOthers(draft: Draft, sentinel: string): boolean {
  return draft.sentinels.entries().some(([key, { view }]) => key !== sentinel && view?.flags.includes('o_down'))
}

function newSentinel(seed: boolean, now: number): SentinelState {
  return {
    seed,
    up: false,
    met: false,
    awaySince: now,
    runId: null,
    view: null,
    spokeAt: Number.NEGATIVE_INFINITY,
    reported: null,
    reportedAt: Number.NEGATIVE_INFINITY,
    peers: [],
    failover: null,
    failoverHeardAt: Number.NEGATIVE_INFINITY,
    newEpoch: null,
    monitoredAnew: false,
  }
}

function change(draft: Draft, key: string, part: Partial<SentinelState>): void {
  const sentinel = draft.sentinels.get(key)
  if (sentinel) put(draft, key, { ...sentinel, ...part })
}

function put(draft: Draft, key: string, sentinel: SentinelState): void {
  draft.sentinels = new Map(draft.sentinels).set(key, sentinel)
}
