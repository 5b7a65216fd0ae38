// config.ts: reads all options of the program into one frozen value for each master.
//
//   flags ▶ environment ▶ file ▶ default      the first that gives a text wins; the kind of the option reads the text
//
// config/option-table.ts is the only source of names, types, defaults, units, help and secrecy. `toConfig` gives each
// option its name in code: a new option is a row there and a line here; one of an address also in `printableConfig`,
// and a secret in a file also in `passwordFiles`. All mistakes are reported at once, each with
// its place, and never with a secret.
// Never: starts anything, writes anything, or decides an exit code.
import { formatAddress } from './address.ts'
import { differingOptions } from './config/after-restart.ts'
import type { Environment } from './config/environment.ts'
import { type ResolvedMaster, resolveMasters } from './config/masters.ts'
import { options, type Values } from './config/option-table.ts'
import { type Question, readSources, type WrongOptions } from './config/sources.ts'
import { isReadOnce } from './transport/read-file.ts'
import type { ServerTls } from './transport/server-route.ts'

export type { Environment } from './config/environment.ts'
export type { Question, WrongOptions } from './config/sources.ts'

/** All options of one master, and those of the program, ready for use. */
export type Config = ReturnType<typeof toConfig>
export type ListenSocket = NonNullable<Config['listenSocket']>

function toConfig({ name, required, values, secretFiles }: ResolvedMaster) {
  return Object.freeze({
    sentinels: values.sentinels,
    masterName: name,
    /** /startup waits for this master. */
    required,
    connectTimeoutMs: values['connect-timeout'],
    answerTimeoutMs: values['answer-timeout'],
    natMap: values['nat-map'],
    /** null: only a Unix-domain socket, no TCP port. */
    listen: values.listen,
    listenSocket: socketOf(values, 'listen-socket'),
    clientUsername: values['client-username'],
    clientPassword: values['client-password'],
    /** 0: no limit. */
    frameTimeoutMs: values['frame-timeout'],
    sentinelListen: values['sentinel-listen'],
    /** null: no TCP port for clients that only read; with the socket null, too, there is none at all. */
    replicaListen: values['replica-listen'],
    replicaListenSocket: socketOf(values, 'replica-listen-socket'),
    replicaMaxLagMs: values['replica-max-lag'],
    replicaFallback: values['replica-fallback'],
    readSplit: values['read-split'],
    handoffNotifications: values['handoff-notifications'],
    /** null: the way by which clients reach Holdfast is not known. */
    announce: values.announce,
    tcpKeepaliveMs: values['tcp-keepalive'],
    maxUnreadBytes: values['max-unread-bytes'],
    links: values.links,
    denyCommands: values['deny-commands'],
    retryPolicy: values['retry-policy'],
    /** Replicas that must have a write before its client gets the reply; 0: none. */
    ackReplicas: values.ack,
    reads: values.reads,
    maxRetries: values['max-retries'],
    retryBackoffMinMs: values['retry-backoff-min'],
    retryBackoffMaxMs: values['retry-backoff-max'],
    holdTimeoutMs: values['hold-timeout'],
    dryRun: values['dry-run'],
    maxHeldBytes: values['max-held-bytes'],
    maxSessionHeldBytes: values['max-session-held-bytes'],
    maxSessions: values['max-sessions'],
    redisUsername: values['redis-username'],
    redisPassword: values['redis-password'],
    sentinelUsername: values['sentinel-username'],
    sentinelPassword: values['sentinel-password'],
    /** The files of the passwords, which are read again when they change; null for a password that was in none. */
    passwordFiles: {
      redis: secretFiles.get('redis-password') ?? null,
      sentinel: secretFiles.get('sentinel-password') ?? null,
      client: secretFiles.get('client-password') ?? null,
    },
    redisTls: tlsOf('redis', values),
    sentinelTls: tlsOf('sentinel', values),
    listenTls: listenTlsOf(values),
    adminListen: values['admin-listen'],
    controlSocket: values['control-socket'],
    logLevel: values['log-level'],
    logPretty: values['log-pretty'],
    sockets: values.sockets,
    pollForMs: values['poll-for'],
    shutdownDelayMs: values['shutdown-delay'],
    shutdownGraceMs: values['shutdown-grace'],
  })
}

function tlsOf(side: 'redis' | 'sentinel', values: Values): ServerTls | null {
  if (!values[`${side}-tls`]) return null
  return {
    caFile: values[`${side}-tls-ca`],
    certFile: values[`${side}-tls-cert`],
    keyFile: values[`${side}-tls-key`],
    serverName: values[`${side}-tls-server-name`],
    minVersion: values[`${side}-tls-min-version`],
  }
}

/** With `caFile` clients must show a certificate signed by one of these. */
function listenTlsOf(values: Values) {
  const { 'listen-tls-cert': certFile, 'listen-tls-key': keyFile } = values
  if (certFile === null || keyFile === null) return null
  return { certFile, keyFile, caFile: values['listen-tls-ca'], minVersion: values['listen-tls-min-version'] }
}

function socketOf(values: Values, option: 'listen-socket' | 'replica-listen-socket') {
  const path = values[option]
  return path === null ? null : { path, mode: values['listen-socket-mode'], owner: values['listen-socket-owner'] }
}

/** `toConfig` names a secret as its option: redis-password, redisPassword. */
const secretFields = new Set(
  Object.entries(options).flatMap(([name, { secret }]) =>
    secret ? [name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())] : [],
  ),
)

/** The configuration for the log: addresses as text, and of a password only whether there is one. */
export function printableConfig(config: Config): Readonly<Record<string, unknown>> {
  const secrets = Object.entries(config).filter(([field, value]) => secretFields.has(field) && value !== null)
  return {
    ...config,
    ...Object.fromEntries(secrets.map(([field]) => [field, '[secret]'])),
    sentinels: config.sentinels.map(formatAddress),
    natMap: config.natMap.map(({ from, to }) => `${formatAddress(from)}=${formatAddress(to)}`),
    listen: config.listen === null ? null : formatAddress(config.listen),
    replicaListen: config.replicaListen === null ? null : formatAddress(config.replicaListen),
    announce: config.announce === null ? null : formatAddress(config.announce),
    sentinelListen: config.sentinelListen === null ? null : formatAddress(config.sentinelListen),
    adminListen: config.adminListen === null ? null : formatAddress(config.adminListen),
  }
}

/** The same of several masters: what they have in common once, and the rest below the name of each. */
export function printableConfigs(configs: readonly [Config, ...Config[]]): Readonly<Record<string, unknown>> {
  const all = configs.map(printableConfig)
  const [first = {}] = all
  if (configs.length === 1) return first
  const isCommon = (field: string): boolean =>
    all.every(one => JSON.stringify(one[field]) === JSON.stringify(first[field]))
  const pick = (one: Readonly<Record<string, unknown>>, wanted: (field: string) => boolean) =>
    Object.fromEntries(Object.entries(one).filter(([field]) => field !== 'masterName' && wanted(field)))
  return {
    ...pick(first, isCommon),
    masters: Object.fromEntries(
      configs.map(({ masterName }, i) => [masterName, pick(all[i] ?? {}, f => !isCommon(f))]),
    ),
  }
}

/** The options, all of them right. */
export interface ConfigRead {
  readonly kind: 'config'
  /** The first master's. Options of the program are the same in all. */
  readonly config: Config
  readonly masters: readonly [Config, ...Config[]]
  /** Reads all of it again, which blocks for some milliseconds. */
  readonly afterRestart: () => AfterRestart
}

export type ReadResult = ConfigRead | Question | WrongOptions

/** What a restart would find. */
export interface AfterRestart {
  /** The options that would be others (after-restart.ts). */
  readonly options: readonly string[]
  /** What is wrong with the options: it would not start. */
  readonly mistakes: readonly string[]
}

/**
 * Reads all sources, the files of secrets and the certificates. Never throws for what a person wrote. A question
 * (--help, --version) wins over everything else.
 */
export function readConfig(argv: readonly string[], env: Environment): ReadResult {
  const read = readSources(argv, env)
  if (read.kind !== 'sources') return read
  const { masters, errors } = resolveMasters(read.sources)
  if (masters === null) return { kind: 'errors', errors: [...errors] }
  const [first, ...others] = masters
  const config = toConfig(first)
  const named = read.sources.flatMap(({ given }) => given.get('config')?.text ?? [])
  const files = [...named, ...masters.flatMap(({ secretFiles }) => [...secretFiles.values()])]
  const afterRestart = (): AfterRestart => {
    if (files.some(isReadOnce)) return { options: [], mistakes: [] }
    const again = readSources(argv, env)
    const now = again.kind === 'sources' ? resolveMasters(again.sources) : { masters: null, errors: [] }
    const options = now.masters === null ? [] : differingOptions(masters, now.masters)
    return { options, mistakes: now.errors }
  }
  return { kind: 'config', config, masters: [config, ...others.map(toConfig)], afterRestart }
}
