// missing-rights.ts: the rights that Holdfast itself needs at Redis and Sentinel, and what it costs to lack each.
//
// The table is the source of docs/access.md; a test compares them. A missing right is logged once for each node and
// user: it is missing until a person grants it, and more lines would only bury the first.
import type { Log } from './log.ts'

/** By command: the ACL rule that allows it, and what Holdfast does without it. */
export const rights = {
  role: {
    rule: '+role',
    cost: 'the node is not asked whether it is the master; the majority of the Sentinels is believed',
  },
  ping: {
    rule: '+ping',
    cost: 'a node that is still loading, or cut off from its master, is noticed only by its answers to clients',
  },
  info: {
    rule: '+info',
    cost: 'a master that was restarted at the same address is taken for the same process',
  },
  command: {
    rule: '+command',
    cost: 'commands of modules and newer servers are taken for writes that must not run twice',
  },
  'client|kill': {
    rule: '+client|kill',
    cost:
      'a lost link cannot be ended at the server before its commands are sent again: a server that was ' +
      'only stalled may run them twice',
  },
  'client|list': {
    rule: '+client|list',
    cost:
      'a link that died without a word is taken for a slow one: what is in flight on it waits until the ' +
      'system gives the connection up',
  },
  'script|load': {
    rule: '+script|load',
    cost:
      'scripts are not put onto a new master: EVALSHA answers NOSCRIPT there until a client sends the ' +
      'script again',
  },
  spublish: {
    rule: '+spublish &holdfast:wait',
    cost:
      'WAIT and WAITAOF are answered NOPERM: without that message ahead of them a server would answer for ' +
      'a connection that has written nothing',
  },
  'sentinel|sentinels': {
    rule: '+sentinel|sentinels',
    cost: 'this Sentinel does not tell of the others: those that are not in --sentinels are not asked',
  },
  'sentinel|myid': {
    rule: '+sentinel|myid',
    cost: 'Sentinels are told apart by address alone: one that is reached by two addresses counts twice',
  },
} as const

export type Right = keyof typeof rights

/** Logs each missing right once. */
export class MissingRights {
  readonly #log: Log
  readonly #logged = new Set<string>()

  constructor(log: Log) {
    this.#log = log
  }

  /** `user` null: the default user. */
  logMissing(right: Right, { node, user }: { readonly node: string; readonly user: string | null }): void {
    const who = user ?? 'default'
    const key = `${right} ${node} ${who}`
    if (this.#logged.has(key)) return
    this.#logged.add(key)
    const { rule, cost } = rights[right]
    const msg = `the user may not do this; allow it on every node: ACL SETUSER ${who} ${rule}`
    this.#log.warn({ event: 'rights.missing', node, user: who, right: rule, cost, msg })
  }
}

/** Whether an error says that the user lacks the right. */
export function isNoPerm(message: string): boolean {
  return /^-?NOPERM\b/.test(message)
}
