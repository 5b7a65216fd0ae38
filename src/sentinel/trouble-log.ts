// trouble-log.ts: logs what keeps the watcher from knowing the master, in words for the person who has to repair it.
// It logs a trouble that lasts once, again after 10 s and then less and less often, and its end once.
import { type BackoffLimits, doublingMs } from '../backoff.ts'
import type { Log } from '../ops/log.ts'
import type { SentinelStatus, TopologyStatus } from './control-status.ts'
import { isNoSentinel } from './remedies.ts'

export type TroubleKind = 'no-sentinel' | 'name-unknown' | 'no-majority'

export interface SentinelsSeen extends Pick<TopologyStatus, 'masterName' | 'majority' | 'trouble'> {
  readonly sentinels: readonly Pick<SentinelStatus, 'address' | 'reachable' | 'names' | 'error'>[]
  /** A majority names one master. */
  readonly hasCandidate: boolean
}

/** The trouble, if any. Pure. */
export function troubleOf({ sentinels, hasCandidate }: SentinelsSeen): TroubleKind | null {
  if (hasCandidate) return null
  const up = sentinels.filter(one => one.reachable && !isNoSentinel(one.error ?? ''))
  if (up.length === 0) return 'no-sentinel'
  return up.every(one => one.names === null) ? 'name-unknown' : 'no-majority'
}

const texts = {
  'no-sentinel': 'no Sentinel can be asked: Holdfast keeps dialling them all',
  'name-unknown': 'no reachable Sentinel knows this master name: is --master right?',
  'no-majority':
    'no majority of the Sentinels names one master: Holdfast follows none, and the last good one stays in use ' +
    'while it is the same process',
} as const

const LASTS_MS = 500
const REPEAT: BackoffLimits = { minMs: 10_000, maxMs: 600_000 }

interface Trouble {
  readonly kind: TroubleKind
  /** When a master was known last. */
  readonly since: number
  logged: { readonly at: number; readonly times: number } | null
}

/** Remembers what was logged last. One per watcher. */
export function createTroubleLog(log: Log): (seen: SentinelsSeen, now: number) => void {
  let trouble: Trouble | null = null
  return (seen, now) => {
    const kind = troubleOf(seen)
    if (kind === null) {
      if (trouble?.logged) {
        log.info(
          { event: 'sentinels.well', after: trouble.kind, ms: Math.round(now - trouble.since) },
          'a majority of the Sentinels names one master again',
        )
      }
      trouble = null
      return
    }
    if (trouble?.kind !== kind) trouble = { kind, since: trouble?.since ?? now, logged: null }
    const { since, logged } = trouble
    if (now - since < LASTS_MS || (logged !== null && now - logged.at < doublingMs(logged.times, REPEAT))) return
    trouble.logged = { at: now, times: (logged?.times ?? 0) + 1 }
    const { masterName, majority, trouble: detail } = seen
    const sentinels = seen.sentinels.map(one => `${one.address}: ${one.error ?? one.names ?? 'no answer yet'}`)
    const fields = { cause: kind, detail: detail ?? undefined, masterName, majority, sentinels }
    log.warn({ event: 'sentinels.trouble', ...fields }, texts[kind])
  }
}
