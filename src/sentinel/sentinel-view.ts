// sentinel-view.ts: reads what one Sentinel says about the master. Pure.
//
// One question is one command: SENTINEL MASTER gives address and epoch (`config-epoch`) in one reply. They make no pair
// at one time only: between +promoted-slave and its own +switch-master the leader of a failover shows the new epoch
// beside the old ip and port (sentinel.c, addReplySentinelRedisInstance). Its `failover-state` says so. Then a second
// command, GET-MASTER-ADDR-BY-NAME, gives the address that belongs to the epoch.
import { type Address, sameAddress } from '../address.ts'
import { withoutArguments } from '../ops/without-arguments.ts'

/** How far a failover is that a Sentinel leads or tries to lead. */
export type FailoverStage = 'try' | 'elected' | 'promoted'

export interface View {
  /** When the question left and when its answer came, ms of a monotonic clock. */
  readonly askedAt: number
  readonly answeredAt: number
  readonly address: Address
  readonly epoch: number
  /**
   * The Sentinel has published that it follows this address, and was not asked since: `epoch` is the lowest that it can
   * have. Such a view counts only beside an answer that gives the same one (voters.ts).
   */
  readonly isPublished?: true
  /** ip and port of SENTINEL MASTER: after a promotion, until the failover ends, those of the replaced master. */
  readonly listed: Address
  /** The run id of the process at `listed`, by its last INFO to this Sentinel; left out while that has not come. */
  readonly runId?: string
  readonly failover: FailoverStage | null
  readonly flags: string
  /** num-other-sentinels + 1. */
  readonly knownSentinels: number
  /** How many Sentinels must hold the master for dead, by the configuration of this one. */
  readonly quorum: number
  readonly failoverTimeoutMs: number
}

export type Answer =
  | { readonly kind: 'view'; readonly view: View }
  /** The Sentinel has promoted a replica: the address has to be asked for as well. */
  | { readonly kind: 'promoted' }
  /** The two replies do not fit, so the configuration changed in between: worth the same question at once. */
  | { readonly kind: 'torn' }
  | { readonly kind: 'unknown-name' }
  | { readonly kind: 'failed'; readonly why: string }

/** One Sentinel as another one lists it. */
export interface Peer {
  readonly runId: string
  readonly address: Address
  /** The Sentinel that lists it cannot reach it (s_down). */
  readonly down: boolean
}

/** A reply of a pipelined command: its error or its value. */
export type Reply = readonly [error: Error | null, value: unknown]

/**
 * The answer in the reply to SENTINEL MASTER and, where that alone is not enough (`promoted`), in the one to
 * GET-MASTER-ADDR-BY-NAME that was sent behind it. Never throws.
 */
export function readAnswer([error, value]: Reply, current: Reply | null, askedAt: number, answeredAt: number): Answer {
  if (error) return /no such master/i.test(error.message) ? { kind: 'unknown-name' } : failed(error)
  if (current?.[0]) return failed(current[0])
  if (current?.[1] === null) return { kind: 'torn' }
  const fields = readFields(value)
  const listed = fields && readAddress([fields.get('ip'), fields.get('port')])
  const named = current && readAddress(current[1])
  const epoch = Number(fields?.get('config-epoch'))
  if (!fields || !listed || named === undefined || !Number.isSafeInteger(epoch)) {
    return { kind: 'failed', why: 'the answer is not one of a Sentinel' }
  }
  const stage = readStage(fields)
  if (named === null && (stage === 'promoted' || stage === 'unknown')) return { kind: 'promoted' }
  const isMoved = named !== null && !sameAddress(listed, named)
  const runId = fields.get('runid') ?? ''
  if (named !== null && isMoved !== (stage === 'promoted') && stage !== 'unknown') return { kind: 'torn' }
  const view: View = {
    askedAt,
    answeredAt,
    address: named ?? listed,
    epoch,
    listed,
    ...(runId !== '' && { runId }),
    failover: stage === 'unknown' ? (isMoved ? 'promoted' : 'elected') : stage,
    flags: fields.get('flags') ?? '',
    knownSentinels: count(fields.get('num-other-sentinels'), 0) + 1,
    quorum: Math.max(1, count(fields.get('quorum'), 1)),
    failoverTimeoutMs: count(fields.get('failover-timeout'), 180_000),
  }
  return { kind: 'view', view }
}

function failed(error: Error): Answer {
  return { kind: 'failed', why: withoutArguments(error.message) }
}

/**
 * The view after a +switch-master of its Sentinel. It says the address and no epoch. That must have grown, because a
 * Sentinel moves for a newer configuration only (sentinel.c, sentinelProcessHelloMessage).
 */
export function viewAfterSwitch(view: View | null, from: Address, to: Address, now: number): View | null {
  if (!view || !sameAddress(view.address, from) || sameAddress(from, to)) return view
  const moved = { address: to, listed: to, epoch: view.epoch + 1, failover: null, isPublished: true } as const
  const { runId: _, ...known } = view
  return { ...known, ...moved, askedAt: now, answeredAt: now }
}

/**
 * The view after +promoted-slave of the leader: from here on it names the replica, under the epoch of its failover
 * (sentinel.c, sentinelRefreshInstanceInfo).
 */
export function viewAfterPromotion(view: View | null, replica: Address, epoch: number, now: number): View | null {
  return view && { ...view, address: replica, epoch, failover: 'promoted', askedAt: now, answeredAt: now }
}

/** The other Sentinels in a reply to SENTINEL SENTINELS, without entries that cannot be read. */
export function readPeers(reply: unknown): Peer[] {
  if (!Array.isArray(reply)) return []
  return reply.flatMap((entry: unknown) => {
    const fields = readFields(entry)
    const runId = fields?.get('runid')
    const address = fields && readAddress([fields.get('ip'), fields.get('port')])
    const down = fields?.get('flags')?.split(',').includes('s_down') ?? false
    return runId && address ? [{ runId, address, down }] : []
  })
}

/** The replicas in a reply to SENTINEL REPLICAS, without entries that cannot be read. */
export function readReplicas(reply: unknown): Address[] {
  if (!Array.isArray(reply)) return []
  return reply.flatMap((entry: unknown) => {
    const fields = readFields(entry)
    return (fields && readAddress([fields.get('ip'), fields.get('port')])) ?? []
  })
}

/** The names of sentinelFailoverStateStr() in sentinel.c. */
const stages: ReadonlyMap<string, FailoverStage> = new Map([
  ['none', 'try'],
  ['wait_start', 'try'],
  ['select_slave', 'elected'],
  ['send_slaveof_noone', 'elected'],
  ['wait_promotion', 'elected'],
  ['reconf_slaves', 'promoted'],
  ['update_config', 'promoted'],
])

/** `unknown`: a failover is on, in a state that only a newer Sentinel has. */
function readStage(fields: Map<string, string>): FailoverStage | 'unknown' | null {
  const flags = (fields.get('flags') ?? '').split(',')
  if (!flags.includes('failover_in_progress')) return null
  return stages.get(fields.get('failover-state') ?? '') ?? 'unknown'
}

/** `[host, port]` as Sentinel gives it. */
export function readAddress(value: unknown): Address | undefined {
  if (!Array.isArray(value) || value.length < 2) return undefined
  const [host, port]: unknown[] = value
  const number = /^\d{1,5}$/.test(String(port)) ? Number(port) : 0
  return typeof host === 'string' && host !== '' && number > 0 && number < 65536 ? { host, port: number } : undefined
}

/** A flat list of names and values: the shape of RESP2, and of RESP3 in the legacy mapping of ioredis. */
export function readFields(value: unknown): Map<string, string> | undefined {
  if (!Array.isArray(value) || value.length % 2 !== 0) return undefined
  const fields = new Map<string, string>()
  for (let i = 0; i < value.length; i += 2) fields.set(String(value[i]), String(value[i + 1]))
  return fields
}

function count(text: string | undefined, fallback: number): number {
  const number = Number(text ?? Number.NaN)
  return Number.isSafeInteger(number) && number >= 0 ? number : fallback
}
