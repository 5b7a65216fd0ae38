// replication-evidence.ts: how far behind its master each replica is, for --replica-listen. Judges nothing.
//
//   the master's place in its stream ──▶ each replica: has it come as far?  asked again until it has, or time is over
//
// How long a replica takes to get there is how far behind it is, by the clock; so a healthy one costs one question.
// Never: writes anything. Where nothing is written no replica can be seen to be behind, and none is.
import { setTimeout as delay } from 'node:timers/promises'
import type { Address } from '../address.ts'
import { type NodeAnswer, readReport } from '../sentinel/replication-report.ts'
import { ask, type Target } from './ask.ts'
import type { ReplicaEvidence } from './evidence.ts'

/** How often a replica that is behind is asked again. */
const AGAIN_MS = 250

interface AskedNode {
  readonly announced: Address
  readonly target: Target
}

interface Replication {
  readonly master: AskedNode
  readonly replicas: readonly AskedNode[]
  /** A replica that has not caught up by then is further behind than that. */
  readonly limitMs: number
}

/** Null: the master does not say where it is. */
export async function replicationEvidence({
  master,
  replicas,
  limitMs,
}: Replication): Promise<ReplicaEvidence[] | null> {
  const from = performance.now()
  const wanted = await reportOf(master.target)
  if (wanted.kind === 'refused') return [{ announced: master.announced, state: 'refused', behindMs: 0 }]
  if (wanted.kind !== 'report' || wanted.role !== 'master') return null
  const look = async (target: Target): Promise<Omit<ReplicaEvidence, 'announced'>> => {
    for (;;) {
      const behindMs = performance.now() - from
      const answer = await reportOf(target)
      if (answer.kind === 'no-data') return { state: 'no-data', behindMs }
      if (answer.kind === 'refused') return { state: 'refused', behindMs }
      if (answer.kind !== 'report' || answer.role !== 'replica') return { state: 'unknown', behindMs }
      if (!answer.linkUp || answer.replid !== wanted.replid) return { state: 'cut-off', behindMs }
      if (answer.offset >= wanted.offset) return { state: 'has-all', behindMs }
      if (behindMs >= limitMs) return { state: 'behind', behindMs }
      await delay(Math.min(AGAIN_MS, limitMs - behindMs + 1))
    }
  }
  return Promise.all(replicas.map(async ({ announced, target }) => ({ announced, ...(await look(target)) })))
}

async function reportOf(target: Target): Promise<NodeAnswer> {
  const { replies, refused } = await ask(target, [['INFO', 'replication'], ['INFO', 'server'], ['PING']])
  return refused ? { kind: 'silent', why: refused.text } : readReport(replies)
}
