// sentinel-view.ts: what one Sentinel says about the master, read from its replies. Pure.
//
// One question is three commands in one write: GET-MASTER-ADDR-BY-NAME, SENTINEL MASTER, GET-MASTER-ADDR-BY-NAME.
// The address is the one both outer answers give; the epoch is `config-epoch` of the middle one. Address and epoch of
// SENTINEL MASTER are never paired: between +promoted-slave and its own +switch-master the leader of a failover shows
// the new config epoch there beside the old ip and port (sentinel.c, addReplySentinelRedisInstance).
import { type Address, sameAddress } from '../address.ts'

/** How far the failover is that this Sentinel leads or tries to lead. */
export type FailoverStage = 'try' | 'elected' | 'promoted'

export interface View {
  /** When the question left and when its answer was here, ms of a monotonic clock. */
  readonly askedAt: number
  readonly answeredAt: number
  readonly address: Address
  readonly epoch: number
  /** SENTINEL MASTER's own ip and port: the master being replaced, while a failover is past the promotion. */
  readonly listed: Address
  readonly failover: FailoverStage | null
  readonly flags: string
  /** num-other-sentinels + 1. */
  readonly knownSentinels: number
  /** How many Sentinels must hold the master for dead, by this one's configuration. */
  readonly quorum: number
  readonly failoverTimeoutMs: number
}

export type Answer =
  | { readonly kind: 'view'; readonly view: View }
  /** The two addresses differ: the configuration changed in between. Ask again at once. */
  | { readonly kind: 'torn' }
  | { readonly kind: 'unknown-name' }
  | { readonly kind: 'failed'; readonly why: string }

/** One Sentinel as another one lists it. */
export interface Peer {
  readonly runId: string
  readonly address: Address
  /** The one that lists it cannot reach it (s_down). */
  readonly down: boolean
}

/** A reply of a pipelined command: its error or its value. */
export type Reply = readonly [error: Error | null, value: unknown]

/** The answer in three replies to the question, in the order it was asked. Never throws. */
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

/** The other Sentinels in a SENTINEL SENTINELS reply; entries that cannot be read are left out. */
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
  const number = Number(port)
  return typeof host === 'string' && host !== '' && Number.isInteger(number) && number > 0 && number < 65536
    ? { host, port: number }
    : undefined
}

/** A flat list of names and values, the shape RESP2 and ioredis's legacy mapping of RESP3 share. */
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
