// types.ts: the words of the fault matrix: what a fault, a load, a figure and an allowance are. Only types.
import type { Random } from '../support/differential/random.ts'
import type { FaultyLink } from '../support/faulty-link.ts'
import type { Holdfast, HoldfastOptions } from '../support/holdfast.ts'
import type { Ledger } from '../support/ledger.ts'
import type { MajorityWatch } from '../support/majority.ts'
import type { RespClient } from '../support/resp-client.ts'
import type { Node, SentinelSet, SentinelSetOptions } from '../support/sentinel-set.ts'
import type { Flavour } from '../support/servers.ts'

export type Policy = 'always' | 'safe' | 'once'

/** What a trial runs under, by one word: a policy, or `replicated`: once, with `--ack replicated --reads committed`. */
export type Arm = Policy | 'replicated'

export const loadNames = [
  'single',
  'pipeline',
  'transaction',
  'large',
  'blocking',
  'pubsub',
  'slow-reader',
  'come-and-go',
] as const

export type LoadName = (typeof loadNames)[number]

/** What one load of one trial came to. Counts, but for the pauses, which are milliseconds. */
export interface Figures {
  /** Commands with a reply that is no error. */
  readonly done: number
  /** Connections that were refused or broke. */
  readonly connectionErrors: number
  /** Error replies by their first word. */
  readonly errors: Readonly<Record<string, number>>
  /** Acknowledged writes, or messages that the master counted as delivered, that are not there. */
  readonly lost: number
  /** SETs of `lost` that no fault explains: acknowledged long before it, or after the hand-over. */
  readonly lostOutside: number
  /** Effects that took place more often than they were asked for. */
  readonly doubled: number
  /** Replies, messages or elements out of the order of the commands. */
  readonly reordered: number
  /** Commands of which the client was told that they did not run, and that did. */
  readonly untrue: number
  /** Acknowledged writes begun after the hand-over that the master by majority does not have. */
  readonly stray: number
  /** Commands that had neither reply nor error when the trial was over. */
  readonly unanswered: number
  /** The longest time that one client waited between two replies from the fault on. */
  readonly pauseMs: number
  /** From the majority's new answer to the last client's first reply; null where the master stayed. */
  readonly afterMajorityMs: number | null
  /** A few of the findings in words. */
  readonly examples: readonly string[]
}

export type Counted =
  | 'connectionErrors'
  | 'lost'
  | 'lostOutside'
  | 'doubled'
  | 'reordered'
  | 'untrue'
  | 'stray'
  | 'unanswered'
  | 'errors'

/** Something other than zero that a cell may have, and why. */
export interface Allowance {
  readonly figure: Counted
  /** With `errors`: the first word of the reply. */
  readonly code?: string
  readonly loads?: readonly LoadName[]
  readonly policies?: readonly Policy[]
  readonly reason: string
}

export interface Fault {
  /** Short, for the command line and the table. */
  readonly name: string
  readonly group: 'master' | 'administrator' | 'sentinels' | 'network' | 'proxy'
  /** What happens, in one sentence. */
  readonly what: string
  /** Whether the master is another one afterwards. */
  readonly failsOver: boolean
  readonly set?: SentinelSetOptions
  readonly holdfast?: Partial<HoldfastOptions>
  /** Holdfast as a process of its own, so that it can be stopped. */
  readonly ownProcess?: boolean
  /** A faulty link between Holdfast (and nobody else) and each data node. */
  readonly faultyLinks?: boolean
  /** Sentinels besides the set's that Holdfast is told of; before it starts. */
  prepare?(stage: Stage): Promise<{ readonly sentinels: readonly string[] }>
  /** Makes the fault and takes it back, as far as it is one that passes. The loads run on meanwhile. */
  strike(world: World): Promise<void>
  readonly allowed: readonly Allowance[]
}

/** What there is before Holdfast starts. */
export interface Stage {
  readonly set: SentinelSet
  readonly random: Random
  /** Runs at the end of the trial, last one first. */
  defer(end: () => unknown): void
}

export interface World extends Stage {
  /** The master at the start. */
  readonly master: Node
  readonly holdfast: Holdfast
  /** Its process, where it has one of its own. */
  readonly pid: number | null
  readonly watch: MajorityWatch
  /** The faulty link to this node; only with `faultyLinks`. */
  link(node: Node): FaultyLink
  /** Waits until every client of every load has had a reply to something it began from now on. */
  everyoneServed(): Promise<void>
  /** Waits until a majority names another master than `old`. */
  newMaster(old: Node): Promise<Node>
  /** A stopped node runs what is in its sockets when it wakes up; that is told to nobody. */
  wake(node: Node): Promise<void>
  /** When Holdfast was stopped, Date.now(): what a node runs meanwhile it was sent before. */
  readonly stopped: { readonly from: number; readonly to: number }[]
  /** Lets the loads run on for this long: what a fault lasts, not a wait for something. */
  last(ms: number): Promise<void>
}

export interface LoadOptions {
  readonly port: number
  readonly policy: Policy
}

/** What a load found out about its own kind of commands, in words; one entry for each. */
export interface Findings {
  readonly lost: readonly string[]
  readonly doubled: readonly string[]
  readonly reordered: readonly string[]
}

export interface RunningLoad {
  readonly ledger: Ledger
  /** All clients by name; each has operations in the ledger. */
  readonly clients: readonly string[]
  /** Begins nothing more; answers when all is answered, at the latest after the bound. */
  stop(withinMs: number): Promise<void>
  /** Reads back from the master by majority what the ledger alone cannot judge. */
  findings(master: RespClient): Promise<Findings>
}

export interface Load {
  readonly name: LoadName
  /** What its clients do, in one sentence. */
  readonly what: string
  start(options: LoadOptions): RunningLoad
}

export interface Cell {
  readonly fault: string
  readonly server: Flavour
  readonly policy: Policy
  readonly load: LoadName
  readonly figures: Figures
}

export interface Trial {
  readonly fault: string
  readonly server: Flavour
  readonly policy: Policy
  /** Under `--ack replicated --reads committed`. */
  readonly isReplicated: boolean
  readonly seed: number
  readonly tookMs: number
  /** Writes that a node took as a master while a majority named another one. */
  readonly strayWrites: number
  readonly cells: readonly Cell[]
  /** What it may not have; empty when all is well. */
  readonly violations: readonly string[]
}
