// observe.ts: what the sessions of a proxy did while commands were held: who left, who came back, who sent on. Pure.
//
//   sessions before the hold ─▶ looks in the hold ─▶ looks after it ─▶ one account for each session that was there
//
// From the wire it cannot be told whether a client that keeps its connection has given a command up. What can be told is
// that it sent more commands while the first was unanswered: a client that waits for each reply does that only then.
import type { SessionSnapshot } from '../ops/snapshot.ts'

/** One look at all sessions. `atMs`: since the hold began. */
export interface Look {
  readonly atMs: number
  readonly inHold: boolean
  readonly sessions: readonly SessionSnapshot[]
}

/** What a session is to a hold: each waits, gives up and comes back in its own way. */
export type SessionKind = 'plain' | 'blocked' | 'subscriber' | 'transaction' | 'tracking'

export interface Account {
  readonly id: number
  readonly address: string
  readonly library: string
  readonly version: string
  readonly name: string
  /** What it was at when the hold began. */
  readonly state: SessionSnapshot['state']
  readonly kind: SessionKind
  readonly command: string
  /**
   * `closed`: it ended its connection while commands were held. `sent-on`: it sent more while one was unanswered.
   * `waited`: it had a command unanswered, and kept its connection. `quiet`: it asked for nothing.
   */
  readonly did: 'closed' | 'sent-on' | 'waited' | 'quiet'
  /** When it was seen to have closed or sent on, ms since the hold began; null where it has not. */
  readonly afterMs: number | null
  /** A connection of the same library, name and host has come since it closed. */
  readonly cameBack: boolean
  /** Commands that it sent in the hold after the first unanswered one. */
  readonly sentOn: number
  /** The longest wait of a command of it, ms; of one that closed, until it did; null: none waited. */
  readonly waitedMs: number | null
  /** Commands that Holdfast answered with an error, and those whose outcome is unknown. */
  readonly failed: number
  readonly unknown: number
}

/** Of a session under observation. */
interface Track {
  readonly first: SessionSnapshot
  /** As it was seen last since the hold began; null: it was not. */
  last: SessionSnapshot | null
  /** `submitted` when it was first seen to wait; null: it never was. */
  waitsFrom: number | null
  sentOn: number
  afterMs: number | null
  closed: boolean
}

/** `before`: the sessions when the hold began. `looks`: in the order of time. Those who gave up come first. */
export function accountsOf(before: readonly SessionSnapshot[], looks: readonly Look[]): Account[] {
  const tracks = new Map<number, Track>()
  for (const first of before) {
    // A blocked command, or one of a subscriber, waits for something else.
    tracks.set(first.id, { first, last: null, waitsFrom: null, sentOn: 0, afterMs: null, closed: false })
  }
  const fresh = new Map<number, SessionSnapshot>()
  for (const look of looks) note(look, tracks, fresh)
  const back = [...fresh.values()]
  const all = [...tracks.values()].map(track => accountOf(track, back))
  const order = ['closed', 'sent-on', 'waited', 'quiet']
  return all.sort((a, b) => order.indexOf(a.did) - order.indexOf(b.did))
}

function note({ atMs, inHold, sessions }: Look, tracks: Map<number, Track>, fresh: Map<number, SessionSnapshot>): void {
  const now = new Map(sessions.filter(({ isLeaving }) => !isLeaving).map(one => [one.id, one]))
  for (const [id, track] of tracks) {
    const session = now.get(id)
    if (session === undefined) {
      if (!track.closed && inHold) track.afterMs = atMs
      if (inHold) track.closed = true
    } else {
      track.last = session
      if (inHold) noteOpen(track, session, atMs)
    }
  }
  for (const [id, session] of now) if (!tracks.has(id)) fresh.set(id, session)
}

function noteOpen(track: Track, { submitted, pending }: SessionSnapshot, atMs: number): void {
  if (pending === 0) return
  track.waitsFrom ??= submitted
  if (submitted <= track.waitsFrom || track.closed) return
  track.sentOn = submitted - track.waitsFrom
  track.afterMs ??= atMs
}

/** Takes the connection that has come back out of `back`, so that it counts once. */
function accountOf(track: Track, back: SessionSnapshot[]): Account {
  const { first, last, waitsFrom, sentOn, afterMs, closed } = track
  const { id, address, library, version, name, state, command } = first
  const at = closed ? back.findIndex(one => isSameClient(one, first)) : -1
  if (at >= 0) back.splice(at, 1)
  const did = closed ? 'closed' : sentOn > 0 ? 'sent-on' : waitsFrom !== null ? 'waited' : 'quiet'
  const { waitedMs = 0, failed = 0, unknown = 0 } = last?.lastPause ?? {}
  const kind = kindOf(first)
  const waited = waitedMs > 0 ? waitedMs : closed && waitsFrom !== null ? afterMs : null
  const what = { id, address, library, version, name, state, kind, command }
  return { ...what, did, afterMs, cameBack: at >= 0, sentOn, waitedMs: waited, failed, unknown }
}

/** The first of these that is true of it. */
export function kindOf({ state, isBlocked, isTracking }: SessionSnapshot): SessionKind {
  if (state === 'subscribed' || state === 'monitoring') return 'subscriber'
  if (state === 'inTransaction') return 'transaction'
  if (isBlocked) return 'blocked'
  return isTracking ? 'tracking' : 'plain'
}

function isSameClient(a: SessionSnapshot, b: SessionSnapshot): boolean {
  return a.library === b.library && a.version === b.version && hostOf(a.address) === hostOf(b.address)
}

/** Of a Unix-domain socket all clients have the same. */
function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':'))
}
