// facts.ts: what a check has seen of a healthy deployment, to be changed by tests of the judgement.
import type { Evidence, NodeEvidence, SentinelEvidence } from '../../../src/check/evidence.ts'
import { judge } from '../../../src/check/judge.ts'
import type { CheckSettings } from '../../../src/check/settings.ts'

export const settings: CheckSettings = {
  masterName: 'm',
  listen: { host: '127.0.0.1', port: 6379 },
  replicaListen: null,
  hasReplicaPort: false,
  readSplit: false,
  replicaFallback: 'master',
  replicaMaxLagMs: 5_000,
  holdLimitMs: 60_000,
  answerTimeoutMs: 1000,
  maxSessions: 1000,
  links: 'auto',
  policy: 'always',
  ackReplicas: null,
  redisUsername: null,
  hasRedisPassword: false,
  sentinelUsername: null,
  redisTls: false,
  sentinelTls: false,
  mapped: [],
}

export const master = { host: '10.0.0.1', port: 6379 }
export const replica = { host: '10.0.0.2', port: 6379 }

export function sentinel(n: number, changes: Partial<SentinelEvidence> = {}): SentinelEvidence {
  return {
    address: { host: `10.0.1.${n}`, port: 26379 },
    announced: null,
    contact: { kind: 'answers', ms: 1 },
    refused: null,
    denied: [],
    runId: `run-${n}`,
    isSentinel: true,
    otherNames: null,
    view: {
      master,
      epoch: 4,
      quorum: 2,
      flags: ['master'],
      downAfterMs: 5000,
      failoverTimeoutMs: 10_000,
      knownSentinels: 3,
    },
    noQuorum: null,
    replicas: [{ address: replica, flags: ['slave'], linkStatus: 'ok', priority: 100 }],
    peers: [],
    inTilt: false,
    ...changes,
  }
}

export function node(changes: Partial<NodeEvidence> = {}): NodeEvidence {
  return {
    announced: master,
    address: master,
    listed: 'master',
    contact: { kind: 'answers', ms: 1 },
    refused: null,
    denied: [],
    unknown: [],
    proofDenied: [],
    proofUnknown: [],
    role: 'master',
    knowsHello: true,
    attached: 2,
    linkState: null,
    settings: { 'min-replicas-to-write': '1', timeout: '0', maxclients: '10000' },
    libraries: [],
    clockOffsetMs: 3,
    ...changes,
  }
}

export const facts = (changes: Partial<Evidence> = {}): Evidence => ({
  sentinels: [sentinel(1), sentinel(2), sentinel(3)],
  nodes: [node()],
  replication: null,
  clients: null,
  clientsUnseen: null,
  listen: { kind: 'free' },
  replicaListen: null,
  sockets: [],
  unusedNat: [],
  oneForMany: [],
  hostAddresses: new Map(),
  ...changes,
})

/** Ids of all problems and warnings. */
export function ids(given: Evidence, changes: Partial<CheckSettings> = {}): string[] {
  const findings = judge(given, { ...settings, ...changes })
  return findings.filter(({ level }) => level === 'problem' || level === 'warning').map(({ id }) => id)
}
