// settings.ts: what the judgement needs of the options, without secrets. Pure.
import { holdLimitMs } from '../backoff.ts'
import type { Config } from '../config.ts'

export type CheckSettings = Readonly<ReturnType<typeof settingsOf>>

export function settingsOf(config: Config) {
  const {
    masterName,
    listen,
    replicaListen,
    replicaFallback,
    replicaMaxLagMs,
    readSplit,
    answerTimeoutMs,
    maxSessions,
    links,
    redisUsername,
    sentinelUsername,
  } = config
  const backoff = { minMs: config.retryBackoffMinMs, maxMs: config.retryBackoffMaxMs }
  return {
    masterName,
    listen,
    replicaListen,
    /** By TCP or by a socket. */
    hasReplicaPort: replicaListen !== null || config.replicaListenSocket !== null,
    replicaFallback,
    replicaMaxLagMs,
    readSplit,
    answerTimeoutMs,
    maxSessions,
    links,
    /** --retry-policy; and how many replicas --ack asks for, null where the master alone acknowledges. */
    policy: config.retryPolicy,
    ackReplicas: config.ackReplicas === 0 ? null : config.ackReplicas,
    redisUsername,
    sentinelUsername,
    /** The longest a command may wait, by --hold-timeout and --max-retries. */
    holdLimitMs: holdLimitMs(config.holdTimeoutMs, config.maxRetries, backoff),
    hasRedisPassword: config.redisPassword !== null,
    redisTls: config.redisTls !== null,
    sentinelTls: config.sentinelTls !== null,
    /** Addresses that --nat-map already translates. */
    mapped: config.natMap.map(rule => rule.from),
  }
}
