// config.ts — every option of the program, in one table, and the reading of it into one frozen value.
//
//   flags ▶ environment ▶ file ▶ default      the first that gives a text wins; each text is read by the option's kind
//
// The table is the only source of names, types, defaults, units, help and secrecy: the help, the README's table and
// the errors are made from it. All that is wrong is reported at once, by where it stood, and a secret is never shown.
// Never: starts anything, writes anything, or decides an exit code.
import { type Address, formatAddress, sameAddress } from './address.ts'
import { readEnvironment } from './config/environment.ts'
import { readConfigFile } from './config/file.ts'
import { readFlags } from './config/flags.ts'
import { helpTable, helpText } from './config/help.ts'
import { type Option, optional, required, type Settings, type Source, secret, withDefault } from './config/option.ts'
import { brokenRelations, type Relation, settle } from './config/settle.ts'
import {
  addressList,
  commandList,
  count,
  duration,
  listenAddress,
  oneOf,
  password,
  size,
  text,
} from './config/values.ts'
import { type LogLevel, logLevels } from './ops/log.ts'

export interface Config {
  readonly sentinels: readonly Address[]
  readonly masterName: string
  readonly listenHost: string
  readonly listenPort: number
  readonly links: 'auto' | 'private'
  readonly denyCommands: readonly string[]
  readonly retryPolicy: 'always' | 'safe'
  readonly maxRetries: number
  readonly retryBackoffMinMs: number
  readonly retryBackoffMaxMs: number
  readonly holdTimeoutMs: number
  readonly maxHeldBytes: number
  readonly maxSessionHeldBytes: number
  readonly maxSessions: number
  readonly redisUsername: string | null
  readonly redisPassword: string | null
  readonly sentinelUsername: string | null
  readonly sentinelPassword: string | null
  readonly logLevel: LogLevel
  readonly shutdownGraceMs: number
}

// Commands that would turn the connection into a replication stream, or change who is master behind Sentinel's back.
const denied = 'sync,psync,replconf,replicaof,slaveof,failover,shutdown'
const upstream = 'Redis and Sentinel'
const sessions = 'Clients'
const failover = 'Failover'
const credentials = 'Credentials'
const process = 'Process'

const options = {
  sentinels: required({
    group: upstream,
    kind: addressList(26379),
    help: 'The Sentinels to ask first; they name the others.',
  }),
  master: required({ group: upstream, kind: text('NAME'), help: 'The name by which the Sentinels know the master.' }),
  links: withDefault('auto', {
    group: upstream,
    kind: oneOf('auto', 'private'),
    help:
      'auto: sessions of the same user, database and protocol share a connection to the master where that changes ' +
      'nothing for them. private: each session has its own.',
  }),
  listen: withDefault('127.0.0.1:6379', {
    group: sessions,
    kind: listenAddress('127.0.0.1'),
    help: 'Where clients connect. Without a host: 127.0.0.1.',
  }),
  'max-sessions': withDefault('10000', {
    group: sessions,
    kind: count({ min: 0, max: 1_000_000 }),
    help: 'Client connections at a time; 0 is no limit.',
  }),
  'deny-commands': withDefault(denied, {
    group: sessions,
    kind: commandList(denied),
    help:
      'Commands answered with an error instead of being sent. A list replaces the default; +keys adds to it, ' +
      '-shutdown takes from it; empty denies none; config|set names a subcommand.',
  }),
  'retry-policy': withDefault('always', {
    group: failover,
    kind: oneOf('always', 'safe'),
    help:
      'What happens to a command that was sent and got no answer. always: it is sent again. safe: it is sent again ' +
      'only where running twice is the same as running once; otherwise the client gets an error.',
  }),
  'max-retries': withDefault('0', {
    group: failover,
    kind: count({ min: 0, max: 1_000_000 }),
    help: 'How often one command is sent again at most; 0 is no limit but --hold-timeout.',
  }),
  'retry-backoff-min': withDefault('50ms', {
    group: failover,
    kind: duration({ min: '1ms', max: '10m' }),
    help: 'The wait before the first retry; it doubles with each, with jitter, up to --retry-backoff-max.',
  }),
  'retry-backoff-max': withDefault('1s', {
    group: failover,
    kind: duration({ min: '1ms', max: '10m' }),
    help: 'The longest wait between retries.',
  }),
  'hold-timeout': withDefault('60s', {
    group: failover,
    kind: duration({ min: '1ms', max: '24h' }),
    help: 'How long a command waits for a master before its client gets an error.',
  }),
  'max-held-bytes': withDefault('256mb', {
    group: failover,
    kind: size({ min: '1kb', max: '1024gb' }),
    help: 'Bytes of commands held for all clients together.',
  }),
  'max-session-held-bytes': withDefault('1mb', {
    group: failover,
    kind: size({ min: '1kb', max: '1024gb' }),
    help: 'Bytes of unanswered commands of one client; above that nothing more is read from it until it has answers.',
  }),
  'redis-username': optional({
    group: credentials,
    kind: text('NAME'),
    help: 'The Redis user of clients that do not sign in themselves.',
  }),
  'redis-password': secret({
    group: credentials,
    kind: password(),
    help: 'The password of that user, or of the default user.',
  }),
  'sentinel-username': optional({
    group: credentials,
    kind: text('NAME'),
    help: 'The user to sign in as at the Sentinels.',
  }),
  'sentinel-password': secret({
    group: credentials,
    kind: password(),
    help: 'The password of that user, or of the default user, at the Sentinels.',
  }),
  'log-level': withDefault('info', {
    group: process,
    kind: oneOf(...logLevels),
    help: 'The least serious lines to write; they are JSON, on standard output.',
  }),
  'shutdown-grace': withDefault('10s', {
    group: process,
    kind: duration({ min: '0ms', max: '1h' }),
    help: 'How long SIGTERM lets commands in flight finish; a second signal ends at once.',
  }),
  config: optional({
    group: process,
    kind: text('FILE'),
    help: 'A YAML or JSON file of options; its keys are the names of the flags without --.',
  }),
} as const satisfies Record<string, Option<unknown>>

type Values = Settings<typeof options>

const relations: readonly Relation<Values>[] = [
  {
    between: ['retry-backoff-min', 'retry-backoff-max'],
    rule: '--retry-backoff-min must not be more than --retry-backoff-max',
    holds: values => values['retry-backoff-min'] <= values['retry-backoff-max'],
  },
  {
    between: ['max-session-held-bytes', 'max-held-bytes'],
    rule: '--max-session-held-bytes must not be more than --max-held-bytes',
    holds: values => values['max-session-held-bytes'] <= values['max-held-bytes'],
  },
  {
    between: ['redis-username', 'redis-password'],
    rule: '--redis-username needs --redis-password or --redis-password-file',
    holds: values => values['redis-username'] === null || values['redis-password'] !== null,
  },
  {
    between: ['sentinel-username', 'sentinel-password'],
    rule: '--sentinel-username needs --sentinel-password or --sentinel-password-file',
    holds: values => values['sentinel-username'] === null || values['sentinel-password'] !== null,
  },
  {
    between: ['listen', 'sentinels'],
    rule: '--listen must not be the address of one of the --sentinels',
    holds: values => !values.sentinels.some(sentinel => sameAddress(sentinel, values.listen)),
  },
]

function toConfig(values: Values): Config {
  return Object.freeze({
    sentinels: values.sentinels,
    masterName: values.master,
    listenHost: values.listen.host,
    listenPort: values.listen.port,
    links: values.links,
    denyCommands: values['deny-commands'],
    retryPolicy: values['retry-policy'],
    maxRetries: values['max-retries'],
    retryBackoffMinMs: values['retry-backoff-min'],
    retryBackoffMaxMs: values['retry-backoff-max'],
    holdTimeoutMs: values['hold-timeout'],
    maxHeldBytes: values['max-held-bytes'],
    maxSessionHeldBytes: values['max-session-held-bytes'],
    maxSessions: values['max-sessions'],
    redisUsername: values['redis-username'],
    redisPassword: values['redis-password'],
    sentinelUsername: values['sentinel-username'],
    sentinelPassword: values['sentinel-password'],
    logLevel: values['log-level'],
    shutdownGraceMs: values['shutdown-grace'],
  })
}

/** The configuration as it may be logged: addresses as text, and of a password only whether there is one. */
export function printableConfig(config: Config): Readonly<Record<string, unknown>> {
  return {
    ...config,
    sentinels: config.sentinels.map(formatAddress),
    redisPassword: config.redisPassword === null ? null : '[secret]',
    sentinelPassword: config.sentinelPassword === null ? null : '[secret]',
  }
}

/** The options as a Markdown table, for the README. */
export function optionsTable(): string {
  return helpTable(options)
}

export type ReadResult =
  | { readonly kind: 'config'; readonly config: Config }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }
  | { readonly kind: 'errors'; readonly errors: string[] }

/**
 * Reads all sources. `argv` is without the program's own two words. Reads files (the config file, secrets) and nothing
 * else; never throws for what a person wrote. A question (--help, --version) is answered whatever else stands there.
 */
export function readConfig(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): ReadResult {
  const flags = readFlags(argv, options)
  if (flags.asked === 'help') return { kind: 'help', text: helpText(options) }
  if (flags.asked === 'version') return { kind: 'version' }
  const environment = readEnvironment(env, options)
  const named = flags.given.get('config') ?? environment.given.get('config')
  const file: Source = named ? readConfigFile(named, options) : { given: new Map(), errors: [] }
  const sources = [flags, environment, file]
  const settled = settle(options, sources)
  const errors = [
    ...sources.flatMap(source => source.errors),
    ...settled.errors,
    ...brokenRelations(settled, { table: options, relations }),
  ]
  return errors.length > 0
    ? { kind: 'errors', errors }
    : { kind: 'config', config: toConfig(Object.fromEntries(settled.values) as Values) }
}
