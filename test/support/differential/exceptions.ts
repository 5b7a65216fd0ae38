// exceptions.ts: what a differential run does not compare byte for byte, or does not send, each with its reason.
//
// Owns: the two lists and how frames are made comparable. The lists are short on purpose: whatever is not named here is
// sent, and compared to the last byte.

import { settings } from '../settings.ts'

/**
 * exact: byte for byte. sorted: the same lines in any order. numbers: integers of three digits and more are equal.
 * type: only the kind of reply (errors are still compared to the last byte). count: how many there are.
 */
export type Compare = 'exact' | 'sorted' | 'numbers' | 'type' | 'count'

type Rule = readonly [compare: Compare, why: string]

const ofServer: Rule = ['type', 'speaks of this one process: clock, memory, connections, addresses']
const ofChance: Rule = ['type', 'the server draws lots']
const ofClock: Rule = ['numbers', 'counts down while the test runs']
const ofSeed: Rule = ['sorted', 'the order of a hash table, whose seed each server draws at its start']

/** By `command` or `command subcommand`. */
const rules: Readonly<Record<string, Rule>> = {
  info: ofServer,
  time: ofServer,
  lastsave: ofServer,
  lolwut: ofServer,
  role: ofServer,
  'client id': ofServer,
  'client info': ofServer,
  'client list': ofServer,
  'memory usage': ofServer,
  'memory doctor': ofServer,
  'memory stats': ofServer,
  'memory malloc-stats': ofServer,
  'latency latest': ofServer,
  'latency doctor': ofServer,
  'latency histogram': ofServer,
  'latency reset': ofServer,
  'slowlog len': ofServer,
  'slowlog get': ofServer,
  'commandlog len': ofServer,
  'commandlog get': ofServer,
  'acl log': ofServer,
  'object idletime': ofServer,
  'function stats': ofServer,
  'module list': ofServer,
  'xinfo consumers': ['type', 'tells how long a consumer has been idle'],
  'xinfo stream': ['type', 'with FULL it tells times of delivery'],
  xpending: ['type', 'its long form tells how long a message has been pending'],
  'acl genpass': ofChance,
  randomkey: ofChance,
  srandmember: ofChance,
  hrandfield: ofChance,
  zrandmember: ofChance,
  vrandmember: ofChance,
  vlinks: ofChance,
  vinfo: ofChance,
  vsim: ofChance,
  ttl: ofClock,
  pttl: ofClock,
  expiretime: ofClock,
  pexpiretime: ofClock,
  httl: ofClock,
  hpttl: ofClock,
  hexpiretime: ofClock,
  hpexpiretime: ofClock,
  dump: ['type', 'tells when the fields of a hash expire, by the clock'],
  'acl cat': ofSeed,
  spop: ofSeed,
  sunion: ofSeed,
  sdiff: ofSeed,
  zscan: ofSeed,
  keys: ofSeed,
  scan: ofSeed,
  command: ofSeed,
  'command list': ofSeed,
  'command docs': ofSeed,
  'config get': ofSeed,
  'pubsub channels': ofSeed,
  'pubsub shardchannels': ofSeed,
  'function list': ofSeed,
  unsubscribe: ofSeed,
  punsubscribe: ofSeed,
  sunsubscribe: ofSeed,
}

const ofMarkers: Rule = ['type', 'the marker of --retry-policy once is one key more']

/** Under --retry-policy once. */
const onceRules: Readonly<Record<string, Rule>> = {
  dbsize: ofMarkers,
  keys: ofMarkers,
  scan: ofMarkers,
  randomkey: ['count', 'without any other key it is the marker'],
  'object refcount': ['type', 'a MULTI keeps its arguments until its end, and a value is one of them'],
}
let policy: 'always' | 'once' = 'always'

const ofReplicas: Rule = ['type', 'each side has a replica of its own, which may be late']

/** With --ack replicated. */
const replicatedRules: Readonly<Record<string, Rule>> = { wait: ofReplicas, waitaof: ofReplicas }

/** Before a run: Holdfast proves writes. */
export function expectMarkers(): void {
  policy = 'once'
}

/** Commands that this run does not send. */
export function isLeftOut(name: string): boolean {
  // Refused: it would bring old markers back.
  return name in leftOut || (policy === 'once' && name === 'swapdb')
}

const denied = 'denied by default: it would change who is master, or make a replication link of the connection'
const forks = 'forks, and what it answers depends on whether the last one has ended'

/** Commands of the table that a run never sends. */
export const leftOut: Readonly<Record<string, string>> = {
  shutdown: denied,
  replicaof: denied,
  slaveof: denied,
  failover: denied,
  sync: denied,
  psync: denied,
  replconf: denied,
  bgsave: forks,
  bgrewriteaof: forks,
}

/**
 * Not sent either: CLIENT KILL of what exists, CLIENT PAUSE, CONFIG REWRITE, CONFIG SET of what matters, MONITOR's
 * lines (they show the Sentinels, too), PSUBSCRIBE * (it would hear the Sentinels), XADD *, short times to live, SPOP
 * of less than the whole, DEBUG but for what answers in a known way, SCRIPT DEBUG. SUBSCRIBE and CLIENT REPLY inside
 * MULTI are refused by Holdfast on purpose.
 */
export function compareOf(args: readonly string[]): Compare {
  const name = args[0]?.toLowerCase() ?? ''
  const both = `${name} ${args[1]?.toLowerCase() ?? ''}`
  const ofOnce = policy === 'once' ? (onceRules[both] ?? onceRules[name]) : undefined
  const ofAck = settings.isReplicated ? replicatedRules[name] : undefined
  return (ofOnce ?? ofAck ?? rules[both] ?? rules[name])?.[0] ?? 'exact'
}

/**
 * Sent alone and outside of MULTI: both servers forget to answer a login that fails while earlier replies of the same
 * connection are still to be written (addAuthErrReply in acl.c).
 */
export function failsLogin(args: readonly string[]): boolean {
  return args.includes('wrong') || args.includes('nobody')
}

const monitorLine = /^\+\d+\.\d+ \[/
const sentinelHello = '__sentinel__:hello'
const connectionId = /(\$2\r\nid\r\n:)\d+/g

/** A frame as it is compared; undefined for one that belongs to the world outside of the test. */
export function comparable(raw: Buffer): string | undefined {
  const text = raw.toString('latin1')
  if (text.startsWith('+') && monitorLine.test(text)) return undefined
  if (text.includes(sentinelHello)) return undefined
  // HELLO tells the connection's id.
  return text.includes('$2\r\nid\r\n:') ? text.replace(connectionId, '$1N') : text
}

/** The frames of one step in the form in which `compare` calls them equal. */
export function normalise(frames: readonly string[], compare: Compare): string {
  switch (compare) {
    case 'exact':
      return (policy === 'once' ? pushesBehind(frames) : frames).join('')
    case 'sorted':
      return frames.join('').split('\r\n').sort().join('\r\n')
    case 'numbers':
      return frames.join('').replace(/:\d{3,}\r/g, ':N\r')
    case 'type':
      return frames.map(kindOf).join(' ')
    case 'count':
      return String(frames.length)
  }
}

/** In a block the messages of its own writes come before or behind all its replies. Each kind keeps its order. */
function pushesBehind(frames: readonly string[]): readonly string[] {
  const isPush = (frame: string): boolean => frame.startsWith('>')
  return [...frames.filter(frame => !isPush(frame)), ...frames.filter(isPush)]
}

function kindOf(frame: string): string {
  if (frame.startsWith('-')) return frame
  return /^(?:[$*]-1|_)/.test(frame) ? 'nil' : frame.slice(0, 1)
}

/** Of writes of a tracking session itself: in a block their invalidations come behind all replies. */
export function ofOwnWrites(): Compare {
  return policy === 'once' ? 'sorted' : 'exact'
}
