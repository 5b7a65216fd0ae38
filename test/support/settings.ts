// settings.ts: what the tests are run with from outside: `npm run test:policies` runs them once more under other
// promises.
//
// A test that names its own --retry-policy or --ack keeps it.

import { rights } from '../../src/ops/missing-rights.ts'

export interface Settings {
  /** HOLDFAST_TEST_POLICY; null: the default of Holdfast, and where a test has turns, its own. */
  readonly policy: 'always' | 'safe' | 'once' | null
  /** HOLDFAST_TEST_ACK: replicated, replicated=N. */
  readonly ack: string
  /** HOLDFAST_TEST_READS: committed. */
  readonly reads: string
  /** Replies to writes wait for replicas: a lone server needs one. */
  readonly isReplicated: boolean
  /** Writes leave in blocks with a marker. */
  readonly hasMarkers: boolean
}

const policies = ['always', 'safe', 'once'] as const

/** @throws Error where HOLDFAST_TEST_POLICY is no policy. */
export function readSettings({
  HOLDFAST_TEST_POLICY,
  HOLDFAST_TEST_ACK: ack = 'master',
  HOLDFAST_TEST_READS: reads = 'plain',
}: Readonly<Record<string, string | undefined>>): Settings {
  const policy = policies.find(name => name === HOLDFAST_TEST_POLICY) ?? null
  if (HOLDFAST_TEST_POLICY !== undefined && policy === null)
    throw new Error(`HOLDFAST_TEST_POLICY: ${HOLDFAST_TEST_POLICY} is none of ${policies.join(', ')}`)
  const isReplicated = ack !== 'master'
  return { policy, ack, reads, isReplicated, hasMarkers: isReplicated || policy === 'once' }
}

export const settings = readSettings(process.env)

/** A command that blocks may end in `isUnproven`. */
export const mayBeUnproven = settings.policy === 'once' || settings.policy === 'safe'

/**
 * Under `once` a command that blocks has no marker: when its link is lost nobody can tell whether it took something, and
 * its client is told so, as under `safe` of every command that must not run twice.
 */
export function isUnproven(reply: unknown): boolean {
  return typeof reply === 'object' && reply !== null && 'message' in reply && saysUnproven(String(reply.message))
}

/** The same of what a library or a log makes of the error. */
export function saysUnproven(text: string): boolean {
  if (settings.policy === 'safe') return saysUnknown(text)
  return settings.policy === 'once' && /\bUNKNOWN holdfast: .* without a marker/.test(text)
}

/** Under `once` the reply to a command that took effect may be lost with the old master: its client is told so. */
export function saysApplied(text: string): boolean {
  return settings.policy === 'once' && /\bAPPLIED:? holdfast: /.test(text)
}

function saysUnknown(text: string): boolean {
  return /\bUNKNOWN:? holdfast: .*\(retry-policy safe\)/.test(text)
}

/** The same of a read before a write that took effect: sent again it would see that write. */
function saysReadLost(text: string): boolean {
  return settings.policy === 'once' && /\bTRYAGAIN:? holdfast: the reply to a read was lost /.test(text)
}

/** When the master dies, the reply of a command in flight may be lost with it: `once` and `safe` tell its client. */
export function saysReplyLost(text: string): boolean {
  return saysApplied(text) || saysReadLost(text) || (settings.policy === 'safe' && saysUnknown(text))
}

/** Of the errors of a report, by their text: those that do not say that, and how many commands were told that. */
export function besidesReplyLost(errors: Readonly<Record<string, number>>): {
  readonly others: Readonly<Record<string, number>>
  readonly told: number
} {
  const all = Object.entries(errors)
  return {
    others: Object.fromEntries(all.filter(([text]) => !saysReplyLost(text))),
    told: all.reduce((sum, [text, times]) => sum + (saysReplyLost(text) ? times : 0), 0),
  }
}

/** The rights that a user of the servers needs besides, as ACL rules: see docs/exactly-once.md. */
export const rulesOfMarkers = [
  ...(settings.hasMarkers ? [rights.markers.rule] : []),
  ...(settings.isReplicated ? [rights.ack.rule] : []),
].join(' ')
