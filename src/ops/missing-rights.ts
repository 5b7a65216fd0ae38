// missing-rights.ts: the rights that Holdfast itself needs at Redis and Sentinel, and what it costs to lack each. A command
// that a server does not have (rename-command) costs the same.
//
// The table is the source of docs/access.md; a test compares them. What is missing is logged once for each node and
// user: it is missing until a person gives it, and more lines would only bury the first.
import type { Log } from './log.ts'

const unproven = 'with --retry-policy once or --ack replicated, a write in flight on a lost link may get UNKNOWN'

/** By command: the ACL rule that allows it, and what Holdfast does without it. */
export const rights = {
  role: {
    rule: '+role',
    cost:
      'Holdfast cannot ask the node whether it is the master, and believes the majority of the Sentinels; it knows ' +
      `the process no better than without +info; ${unproven}`,
  },
  ping: {
    rule: '+ping',
    cost: 'Holdfast notices a node that still loads, or is cut off from its master, only by its answers to clients',
  },
  info: {
    rule: '+info',
    cost:
      'Holdfast takes a master that restarts at the same address for the same process, and the old master for the new ' +
      `one where the new one's name still leads there; ${unproven}`,
  },
  'info|replication': {
    rule: '+info',
    cost: '--replica-listen and --read-split cannot ask the node how far behind it is: it gets no reads',
  },
  'info|server': {
    rule: '+info',
    cost:
      'a new link to a replica cannot ask which process it has reached: where the address leads to a replica of ' +
      'another deployment by now, --replica-listen and --read-split read there for a moment',
  },
  command: {
    rule: '+command',
    cost: 'Holdfast takes commands of modules and newer servers for writes that must not run twice',
  },
  'client|kill': {
    rule: '+client|kill',
    cost:
      'Holdfast cannot end a lost link at the server before it sends the commands again: a server that was only ' +
      `stalled may run them twice; ${unproven}`,
  },
  'client|unblock': {
    rule: '+client|unblock',
    cost:
      'Holdfast cannot end the wait of BLPOP or the like at the old master in a planned failover: under --retry-policy ' +
      'safe and once its client gets UNKNOWN, under always it may lose what it is given meanwhile',
  },
  'client|list': {
    rule: '+client|list',
    cost:
      'Holdfast takes a link that died without a word for a slow one: what is in flight on it waits until the ' +
      'system gives the connection up',
  },
  'script|load': {
    rule: '+script|load',
    cost: 'a new master does not get the scripts: EVALSHA answers NOSCRIPT there until a client sends the script again',
  },
  markers: {
    rule: '+multi +exec +hset +hmget +hdel +expire ~__holdfast:*',
    cost: '--retry-policy once cannot write its markers: commands of this user behave as under safe',
  },
  ack: {
    rule: '+wait +hset +expire ~__holdfast:*',
    cost: '--ack replicated cannot ask whether replicas have a write: as long as no user may, writes wait and then fail',
  },
  spublish: {
    rule: '+spublish &holdfast:wait',
    cost:
      'WAIT and WAITAOF are refused: without that message ahead of them a server would answer for a connection that ' +
      'has written nothing',
  },
  'sentinel|sentinels': {
    rule: '+sentinel|sentinels',
    cost: 'this Sentinel does not list the others: Holdfast does not ask those that are not in --sentinels',
  },
  'sentinel|replicas': {
    rule: '+sentinel|replicas',
    cost: 'this Sentinel does not list replicas: --replica-listen and --read-split need the word of a majority of them',
  },
  'sentinel|myid': {
    rule: '+sentinel|myid',
    cost: 'Holdfast tells Sentinels apart by address alone: one with two addresses counts twice',
  },
} as const

export type Right = keyof typeof rights

/** What keeps a command of ours from being run: the user lacks the right, or the server does not have the command. */
export interface Missing {
  readonly right: Right
  readonly lack: 'right' | 'command'
}

/** Whether an error says that we have to do without; null: it says something else. */
export function missingOf(right: Right, error: string): Missing | null {
  if (isNoPerm(error)) return { right, lack: 'right' }
  return isUnknownCommand(error) ? { right, lack: 'command' } : null
}

/** Logs each once. */
export class MissingRights {
  readonly #log: Log
  readonly #logged = new Set<string>()

  constructor(log: Log) {
    this.#log = log
  }

  /** `user` null: the default user. */
  logMissing({ right, lack }: Missing, { node, user }: { readonly node: string; readonly user: string | null }): void {
    const who = user ?? 'default'
    // Whoever asks, the server does not have the command.
    const key = lack === 'command' ? `${right} ${node}` : `${right} ${node} ${who}`
    if (this.#logged.has(key)) return
    this.#logged.add(key)
    const { rule, cost } = rights[right]
    if (lack === 'command') {
      const fields = { event: 'commands.missing', node, command: commandOf(right), cost }
      this.#log.warn(fields, `the server does not know this command: ${unknownRemedy}`)
      return
    }
    const msg = `the user may not do this; allow it on every node: ACL SETUSER ${who} ${rule}${exceptionOf(rule)}`
    this.#log.warn({ event: 'rights.missing', node, user: who, right: rule, cost, msg })
  }
}

/** A server refuses the whole command when a user that has all keys or channels is given one more pattern of them. */
export function exceptionOf(rule: string): string {
  const [pattern] = /[~&]\S+/.exec(rule) ?? []
  return pattern === undefined ? '' : ` (without ${pattern} where the user has ${pattern.slice(0, 1)}*)`
}

/** What helps where a server does not know a command. */
export const unknownRemedy =
  'give it its name back on every node (rename-command in the configuration), or use a newer server'

/** Whether an error says that the server does not have the command. */
export function isUnknownCommand(message: string): boolean {
  return /^-?ERR unknown (sentinel )?(sub)?command\b/i.test(message)
}

/** `client|kill` as it is sent. */
function commandOf(right: Right): string {
  return right.toUpperCase().replace('|', ' ')
}

/** Whether an error says that the user lacks the right. */
export function isNoPerm(message: string): boolean {
  return /^-?NOPERM\b/.test(message)
}
