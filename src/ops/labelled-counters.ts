// labelled-counters.ts: counts by label, and times. They count rare events, but for `calls`: one addition to an array
// per command.
//
// Every label is there from the start, so that a rate over a series is right from its first count.
// Never: holds a key, a value, a user or anything else that grows with what clients send.
import { Histogram } from './histogram.ts'

/** Why the gate shuts: the control plane's causes, the start, and a standstill of the process. */
export const holdCauses = [
  'starting',
  'failover-announced',
  'master-moved',
  'not-master',
  'master-unreachable',
  'master-loading',
  'no-majority',
  'stood-still',
] as const
export type HoldLabel = (typeof holdCauses)[number]
/** How a pause ended, see relay/pause-state.ts. */
const pauseEnds = ['resume', 'max', 'lease', 'holder-gone', 'in-flight', 'hold-time', 'stopping'] as const
export type PauseEnd = (typeof pauseEnds)[number]
/** Why the sessions of a replica go elsewhere (src/replicas). */
export const moveCauses = [
  'replica-unreachable',
  'replica-promoted',
  'replica-loading',
  'replica-cut-off',
  'replica-lagging',
  'replica-unlisted',
  'replica-restarted',
  'master-not-served',
  'replica-back',
] as const
export type MoveLabel = (typeof moveCauses)[number]
/** Why a read that a replica could answer went to the master (--read-split). */
export const splitCauses = ['unanswered', 'behind', 'no-replica', 'paused'] as const
export type SplitCause = (typeof splitCauses)[number]
const linkKinds = ['shared', 'private', 'spare', 'barrier'] as const
export const lostReasons = [
  'dial-failed',
  'dial-timeout',
  'peer-closed',
  'reset',
  'broken-reply',
  'handshake',
  'cut',
  'bug',
] as const
export const handshakeFailures = ['auth', 'not-master', 'not-ready', 'busy', 'refused'] as const
export const absorbedCodes = ['READONLY', 'MASTERDOWN', 'REDIRECT', 'LOADING', 'NOREPLICAS', 'UNBLOCKED'] as const
export const commandClasses = [
  'read',
  'idempotent',
  'state-idempotent',
  'non-idempotent',
  'connection',
  'blocking',
  'admin',
  'forbidden',
] as const
const replayReasons = ['lost', 'refused', 'not-now'] as const
export type CommandClass = (typeof commandClasses)[number]

/** More than there are commands; the slot of a command is its index in the table of commands. */
const MAX_COMMANDS = 512

const replayLabels = commandClasses.flatMap(cls => replayReasons.map(reason => `${cls} ${reason}`))
const failoverCauses = holdCauses.filter(cause => cause !== 'starting')

/** Counts by label. An unforeseen label counts as `other`, because a new text must not add a series. */
export class Tally {
  readonly #counts: Map<string, number>

  constructor(labels: readonly string[]) {
    this.#counts = new Map(labels.map(label => [label, 0]))
  }

  add(label: string): void {
    const known = this.#counts.has(label) ? label : 'other'
    this.#counts.set(known, (this.#counts.get(known) ?? 0) + 1)
  }

  get(label: string): number {
    return this.#counts.get(label) ?? 0
  }

  get total(): number {
    let total = 0
    for (const count of this.#counts.values()) total += count
    return total
  }

  entries(): [label: string, count: number][] {
    return [...this.#counts]
  }
}

/** Commands that a replica could answer, by where they went. HOT PATH of reads that are split: an addition for each run. */
export type SplitReads = Record<'replica' | SplitCause, number>

export function createSplitReads(): SplitReads {
  return { replica: 0, unanswered: 0, behind: 0, 'no-replica': 0, paused: 0 }
}

export function createDetail() {
  return {
    /** HOT PATH. Commands of clients by their index in the table of commands. */
    calls: new Float64Array(MAX_COMMANDS),
    linksOpened: new Tally(linkKinds),
    linksLost: new Tally(lostReasons),
    handshakesFailed: new Tally(handshakeFailures),
    /** By the first word of the server's error line. */
    absorbed: new Tally(absorbedCodes),
    /** Labels are `class reason`. */
    replays: new Tally(replayLabels),
    holds: new Tally(holdCauses),
    failovers: new Tally(failoverCauses),
    pauses: new Tally(pauseEnds),
    /** Seconds: the wait of one request; a shut gate; a pause; a failover from the shut gate until nothing waits. */
    waits: new Histogram(),
    holdTimes: new Histogram(),
    pauseTimes: new Histogram(),
    failoverTimes: new Histogram(),
  }
}
