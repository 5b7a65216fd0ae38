// sentinel-view.ts: reads what one Sentinel says about the master. Pure.
//
// One question is three commands in one write: GET-MASTER-ADDR-BY-NAME, SENTINEL MASTER, GET-MASTER-ADDR-BY-NAME.
// Both outer answers give the address, the middle one the epoch (`config-epoch`). Address and epoch of SENTINEL MASTER
// never make a pair: between +promoted-slave and its own +switch-master the leader of a failover shows the new config
// epoch there beside the old ip and port (sentinel.c, addReplySentinelRedisInstance).
import { type Address, sameAddress } from '../address.ts'

/** How far a failover is that a Sentinel leads or tries to lead. */
export type FailoverStage = 'try' | 'elected' | 'promoted'

export interface View {
  /** When the question left and when its answer came, ms of a monotonic clock. */
  readonly askedAt: number
  readonly answeredAt: number
  readonly address: Address
  readonly epoch: number
  /** ip and port of SENTINEL MASTER: after a promotion, until the failover ends, those of the replaced master. */
  readonly listed: Address
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
  /** The two addresses differ, so the configuration changed in between: worth the same question at once. */
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

/** The answer in the three replies to a question, in their order. Never throws. */
export function readAnswer(replies: readonly Reply[], askedAt: number, answeredAt: number): Answer {
  const [first, middle, last] = replies
  if (!first || !middle || !last) return { kind: 'failed', why: 'no answer' }
  if (first[0]) return { kind: 'failed', why: first[0].message }
  if (last[0]) return { kind: 'failed', why: last[0].message }
  if (first[1] === null || last[1] === null) return { kind: 'unknown-name' }
  if (middle[0]) return { kind: 'failed', why: middle[0].message }
  const before = readAddress(first[1])
  const after = readAddress(last[1])
  const fields = readFields(middle[1])
  const listed = fields && readAddress([fields.get('ip'), fields.get('port')])
  const epoch = Number(fields?.get('config-epoch'))
  if (!before || !after || !fields || !listed || !Number.isSafeInteger(epoch)) {
    return { kind: 'failed', why: 'the answer is not one of a Sentinel' }
  }
  if (!sameAddress(before, after)) return { kind: 'torn' }
  const view: View = {
    askedAt,
    answeredAt,
    address: after,
    epoch,
    listed,
    failover: readStage(fields, listed, after),
    flags: fields.get('flags') ?? '',
    knownSentinels: count(fields.get('num-other-sentinels'), 0) + 1,
    quorum: Math.max(1, count(fields.get('quorum'), 1)),
    failoverTimeoutMs: count(fields.get('failover-timeout'), 180_000),
  }
  return { kind: 'view', view }
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

function readStage(fields: Map<string, string>, listed: Address, answered: Address): FailoverStage | null {
  const flags = (fields.get('flags') ?? '').split(',')
  if (!flags.includes('failover_in_progress')) return null
  if (!sameAddress(listed, answered)) return 'promoted'
  switch (fields.get('failover-state')) {
    case 'reconf_slaves':
    case 'update_config':
      return 'promoted'
    case 'none':
    case 'wait_start':
      return 'try'
    default:
      return 'elected'
  }
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
