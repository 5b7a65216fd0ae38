// sentinel-evidence.ts: asks one Sentinel everything that a judgement needs. Judges nothing.

import { type Reply, readAddress, readFields, readPeers } from '../sentinel/sentinel-view.ts'
import { subscribeToAll } from '../sentinel/subscription.ts'
import { ask, deniedOf, errorReplyOf, listOf, type Target } from './ask.ts'
import type { ErrorReply, ListedReplica, SentinelEvidence, SentinelView } from './evidence.ts'
import { contact } from './first-question.ts'
import { leastLimits } from './limits.ts'

type SentinelTarget = Pick<SentinelEvidence, 'announced'> & { readonly target: Target; readonly masterName: string }

export async function sentinelEvidence({ target, announced, masterName }: SentinelTarget): Promise<SentinelEvidence> {
  const { address, tls } = target.route
  const met = await contact(address, { tls: tls !== null, limits: target.limits ?? leastLimits })
  const unasked: SentinelEvidence = {
    address,
    announced,
    contact: met,
    refused: null,
    denied: [],
    runId: null,
    isSentinel: true,
    otherNames: null,
    view: null,
    noQuorum: null,
    replicas: [],
    peers: [],
    inTilt: false,
  }
  if (met.kind !== 'answers') return unasked
  let deaf = false
  const questions = [
    ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName],
    ['SENTINEL', 'MASTER', masterName],
    ['SENTINEL', 'SENTINELS', masterName],
    ['SENTINEL', 'MYID'],
    ['SENTINEL', 'CKQUORUM', masterName],
    ['SENTINEL', 'REPLICAS', masterName],
    ['SENTINEL', 'MASTERS'],
    ['INFO', 'sentinel'],
    ['HELLO', '2'],
    ['CLIENT', 'SETNAME', 'holdfast-check'],
  ]
  const { replies, refused } = await ask(target, questions, async client => {
    // Comes last: RESP2 allows no question after it.
    const heard = await subscribeToAll(client).catch(() => null)
    deaf = heard !== null && heard.refused.length > 0
  })
  if (refused) return { ...unasked, refused }
  const [named, master, sentinels, myId, quorum, replicas, masters, info, hello, setName] = replies
  const denied = deniedOf([
    ['sentinel|get-master-addr-by-name', named],
    ['sentinel|master', master],
    ['sentinel|sentinels', sentinels],
    ['hello', hello],
    ['client|setname', setName],
    ['sentinel|replicas', replicas],
    ['sentinel|myid', myId],
    ['sentinel|ckquorum', quorum],
    ['info', info],
  ])
  const view = viewOf(named, master)
  return {
    ...unasked,
    refused: overall(named),
    denied: deaf ? [...denied, 'subscribe'] : denied,
    runId: textOf(myId),
    isSentinel: !/unknown command/i.test(named?.[0]?.message ?? ''),
    otherNames: named !== undefined && named[0] === null && named[1] === null ? namesIn(masters) : null,
    view,
    noQuorum: /^NOQUORUM/.test(quorum?.[0]?.message ?? '') ? (quorum?.[0]?.message ?? null) : null,
    replicas: replicasOf(replicas),
    peers: readPeers(sentinels?.[1]),
    inTilt: saysTilt(info?.[1]),
  }
}

/** `info`: INFO sentinel. */
export function saysTilt(info: unknown): boolean {
  return /^sentinel_tilt:1/m.test(String(info ?? ''))
}

/** A refusal of the first question that holds for all others too. */
function overall(first: Reply | undefined): ErrorReply | null {
  const refusal = first?.[0] ? errorReplyOf(first[0]) : null
  return refusal?.code === 'NOAUTH' ? refusal : null
}

function viewOf(named: Reply | undefined, master: Reply | undefined): SentinelView | null {
  const address = readAddress(named?.[1])
  const fields = readFields(master?.[1])
  if (!address || !fields) return null
  const number = (name: string): number => Number(fields.get(name) ?? 0)
  return {
    master: address,
    epoch: number('config-epoch'),
    quorum: number('quorum'),
    flags: (fields.get('flags') ?? '').split(','),
    downAfterMs: number('down-after-milliseconds'),
    failoverTimeoutMs: number('failover-timeout'),
    knownSentinels: number('num-other-sentinels') + 1,
  }
}

function replicasOf(reply: Reply | undefined): ListedReplica[] {
  return listOf(reply).flatMap(entry => {
    const fields = readFields(entry)
    const address = fields && readAddress([fields.get('ip'), fields.get('port')])
    if (!fields || !address) return []
    const flags = (fields.get('flags') ?? '').split(',')
    const linkStatus = fields.get('master-link-status') ?? ''
    return [{ address, flags, linkStatus, priority: Number(fields.get('slave-priority') ?? 100) }]
  })
}

function namesIn(reply: Reply | undefined): string[] | 'untold' {
  if (reply?.[0]) return 'untold'
  return listOf(reply).flatMap(entry => readFields(entry)?.get('name') ?? [])
}

function textOf(reply: Reply | undefined): string | null {
  return typeof reply?.[1] === 'string' ? reply[1] : null
}
