// master-options.ts: which options each of several masters may have for itself.
//
//   program  the process has it once: it stands outside of `masters` alone
//   master   a master may say it; what it does not say it inherits from outside
//   own      each master says it for itself, because two cannot share it; nothing is inherited
//
// A new option is a row of option-table.ts and a line here; the compiler asks for it.
// Never: reads a source.
import { type Option, type Table, withDefault } from './option.ts'
import { options, type Values } from './option-table.ts'
import { trueFalse } from './value-kinds.ts'

type Scope = 'program' | 'master' | 'own'

const scopes: Readonly<Record<keyof Values, Scope>> = {
  sentinels: 'program',
  master: 'program',
  links: 'master',
  'connect-timeout': 'program',
  'answer-timeout': 'program',
  'nat-map': 'program',
  listen: 'own',
  'listen-socket': 'own',
  'listen-socket-mode': 'master',
  'listen-socket-owner': 'master',
  'client-username': 'master',
  'client-password': 'master',
  'max-sessions': 'master',
  'frame-timeout': 'master',
  'tcp-keepalive': 'master',
  'sentinel-listen': 'program',
  announce: 'own',
  'replica-listen': 'own',
  'replica-listen-socket': 'own',
  'replica-max-lag': 'master',
  'replica-fallback': 'master',
  'read-split': 'master',
  'handoff-notifications': 'master',
  'max-unread-bytes': 'master',
  'deny-commands': 'master',
  'retry-policy': 'master',
  ack: 'master',
  reads: 'master',
  'max-retries': 'master',
  'retry-backoff-min': 'master',
  'retry-backoff-max': 'master',
  'hold-timeout': 'master',
  'dry-run': 'master',
  'max-held-bytes': 'master',
  'max-session-held-bytes': 'master',
  'redis-username': 'master',
  'redis-password': 'master',
  'sentinel-username': 'program',
  'sentinel-password': 'program',
  'redis-tls': 'master',
  'redis-tls-ca': 'master',
  'redis-tls-cert': 'master',
  'redis-tls-key': 'master',
  'redis-tls-server-name': 'master',
  'redis-tls-min-version': 'master',
  'sentinel-tls': 'program',
  'sentinel-tls-ca': 'program',
  'sentinel-tls-cert': 'program',
  'sentinel-tls-key': 'program',
  'sentinel-tls-server-name': 'program',
  'sentinel-tls-min-version': 'program',
  'listen-tls-cert': 'master',
  'listen-tls-key': 'master',
  'listen-tls-ca': 'master',
  'listen-tls-min-version': 'master',
  'admin-listen': 'program',
  'control-socket': 'program',
  'log-level': 'program',
  'log-pretty': 'program',
  sockets: 'program',
  'poll-for': 'program',
  'shutdown-delay': 'program',
  'shutdown-grace': 'program',
  config: 'program',
}

/** The options of one of these scopes, as a table. */
export function optionsOf(...wanted: readonly Scope[]): Table {
  const names = Object.keys(options) as (keyof Values)[]
  return Object.fromEntries(names.filter(name => wanted.includes(scopes[name])).map(name => [name, options[name]]))
}

/** What a master can be told in the file besides these options. */
const required: Option<boolean> = {
  ...withDefault('true', trueFalse, 'Whether /startup waits for this master.'),
  group: 'Masters',
}

/** All that may stand below the name of a master. */
export const masterTable: Table = { ...optionsOf('master', 'own'), required }
