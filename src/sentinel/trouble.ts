// trouble.ts — what keeps the watcher from knowing the master, in words for the person who has to repair it. Pure, but for
// the log it is given. Says each trouble once when it lasts, again after 10 s and then ever more seldom, and once when it is
// over.
import type { Log } from '../ops/log.ts'

export type HealthKind = 'fine' | 'no-sentinel' | 'name-unknown' | 'no-majority'

export interface Patient {
  readonly sentinel: string
  readonly reachable: boolean
  readonly names: string | null
  readonly error: string | null
}

export interface Examination {
  readonly masterName: string
  readonly patients: readonly Patient[]
  readonly majority: number
  readonly hasCandidate: boolean
  /** What is missing for a majority, in words. */
  readonly detail?: string
}

export function healthOf({ patients, hasCandidate }: Examination): HealthKind {
  if (hasCandidate) return 'fine'
  const up = patients.filter(one => one.reachable)
  if (up.length === 0) return 'no-sentinel'
  return up.every(one => one.names === null) ? 'name-unknown' : 'no-majority'
}

const texts = {
  'no-sentinel': 'no Sentinel can be reached; all are being dialled again',
  'name-unknown': 'no reachable Sentinel gives a master for this name; is the master name right?',
  'no-majority':
    'no majority of the Sentinels names one master: none is followed, and the last good one stays in use while it is the same process',
} as const

const lastsMs = 500
/** Every repetition is twice as long after the last one. */
const repeatMs = { first: 10_000, most: 600_000 } as const

/** Remembers what was said last. One per watcher. */
export function createHealthReport(log: Log): (examination: Examination, now: number) => void {
  let kind: HealthKind = 'fine'
  let since = 0
  let saidAt: number | null = null
  let everyMs: number = repeatMs.first
  return (examination, now) => {
    const found = healthOf(examination)
    if (found !== kind) {
      if (found === 'fine' && saidAt !== null) log.info({ event: 'sentinels.well', after: kind, ms: now - since })
      if (kind === 'fine') since = now
      kind = found
      saidAt = null
      everyMs = repeatMs.first
    }
    if (kind === 'fine' || now - since < lastsMs || (saidAt !== null && now - saidAt < everyMs)) return
    if (saidAt !== null) everyMs = Math.min(repeatMs.most, 2 * everyMs)
    saidAt = now
    const { masterName, majority, patients, detail } = examination
    const sentinels = patients.map(one => `${one.sentinel}: ${one.error ?? one.names ?? 'no answer yet'}`)
    log.warn({ event: 'sentinels.trouble', cause: kind, detail, masterName, majority, sentinels, msg: texts[kind] })
  }
}
