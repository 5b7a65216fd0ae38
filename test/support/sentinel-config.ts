// sentinel-config.ts: the config lines of the servers of a SentinelSet. Pure: no I/O.
// Sentinels are told of their replicas and of one another from the start; learning it by themselves takes seconds.
import { randomBytes } from 'node:crypto'

export interface Plan {
  readonly masterName: string
  readonly masterPort: number
  readonly replicaPorts: readonly number[]
  readonly sentinels: readonly { readonly port: number; readonly id: string }[]
  readonly quorum: number
  readonly downAfterMs: number
  readonly failoverTimeoutMs: number
  readonly requirePass: string | undefined
  readonly sentinelPass: string | undefined
  readonly dataConfig: readonly string[]
  readonly sentinelConfig: readonly string[]
  /** Where all of them listen and what they announce: 127.0.0.1, ::1 or localhost. */
  readonly host: string
  /** Lines that make a server speak TLS; none: it does not. */
  readonly tlsConfig: readonly string[]
}

/** 40 hex digits, as Sentinel makes them for itself (sentinel.c, CONFIG_RUN_ID_SIZE). */
export function sentinelId(): string {
  return randomBytes(20).toString('hex')
}

/** Lines for the master (`port` is the master's) or a replica. */
export function dataConfig(plan: Plan, port: number): string[] {
  return [
    'save ""',
    'appendonly no',
    'repl-diskless-sync yes',
    ...(plan.requirePass === undefined ? [] : [`requirepass ${plan.requirePass}`, `masterauth ${plan.requirePass}`]),
    ...(port === plan.masterPort ? [] : [`replicaof ${plan.host} ${plan.masterPort}`]),
    ...(plan.host === 'localhost' ? ['replica-announce-ip localhost'] : []),
    ...plan.tlsConfig,
    ...plan.dataConfig,
  ]
}

export function sentinelConfig(plan: Plan, port: number): string[] {
  const { masterName: name } = plan
  const self = plan.sentinels.find(sentinel => sentinel.port === port)
  const others = plan.sentinels.filter(sentinel => sentinel.port !== port)
  return [
    ...(plan.sentinelPass === undefined
      ? []
      : [`requirepass ${plan.sentinelPass}`, `sentinel sentinel-pass ${plan.sentinelPass}`]),
    ...(self ? [`sentinel myid ${self.id}`] : []),
    ...plan.tlsConfig,
    ...(plan.host === 'localhost'
      ? ['sentinel resolve-hostnames yes', 'sentinel announce-hostnames yes', 'sentinel announce-ip localhost']
      : ['sentinel resolve-hostnames no']),
    'sentinel deny-scripts-reconfig yes',
    `sentinel monitor ${name} ${plan.host} ${plan.masterPort} ${plan.quorum}`,
    `sentinel down-after-milliseconds ${name} ${plan.downAfterMs}`,
    `sentinel failover-timeout ${name} ${plan.failoverTimeoutMs}`,
    `sentinel parallel-syncs ${name} 1`,
    ...(plan.requirePass === undefined ? [] : [`sentinel auth-pass ${name} ${plan.requirePass}`]),
    ...plan.replicaPorts.map(replica => `sentinel known-replica ${name} ${plan.host} ${replica}`),
    ...others.map(other => `sentinel known-sentinel ${name} ${plan.host} ${other.port} ${other.id}`),
    ...plan.sentinelConfig,
  ]
}
