// scene.ts: a set with two replicas, a Holdfast with a port for them, and a ledger at both of its ports.
//
// Owns: all of it, until the test's teardown. Never: makes a fault.
import type { Test } from 'tap'
import { ask, readStatus } from '../support/admin.ts'
import { type InProcess, startHoldfast } from '../support/holdfast.ts'
import { type Node, SentinelSet, type SentinelSetOptions } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import { type Ledger, type LedgerOptions, startLedger } from './ledger.ts'

export const LAG_MS = 2_000

export interface Scene {
  readonly set: SentinelSet
  readonly holdfast: InProcess
  readonly ledger: Ledger
  readonly master: Node
  readonly replicas: readonly [Node, Node]
}

export interface About {
  readonly set?: SentinelSetOptions
  readonly ledger?: LedgerOptions
  readonly expectedErrors?: readonly string[]
}

/** `options`: of Holdfast. */
export async function open(t: Test, options: Record<string, string> = {}, about: About = {}): Promise<Scene> {
  const set = await SentinelSet.start({ replicas: 2, ...about.set })
  t.teardown(() => set.stopAll())
  const holdfast = await startHoldfast(t, {
    sentinels: set.sentinelAddresses(),
    ...(about.expectedErrors && { expectedErrors: about.expectedErrors }),
    options: {
      'admin-listen': '127.0.0.1:0',
      'replica-listen': '127.0.0.1:0',
      'replica-max-lag': `${LAG_MS}ms`,
      ...options,
    },
  })
  const [master, first, second] = set.nodes
  if (master === undefined || first === undefined || second === undefined) throw new Error('not three nodes')
  await replicasAreGood(holdfast, set.nodes.length - 1)
  const ledger = await startLedger({ master: holdfast.port, replicas: holdfast.replicaPort }, about.ledger)
  t.teardown(() => ledger.stop())
  return { set, holdfast, ledger, master, replicas: [first, second] }
}

/** Sessions that come before all are known to be good may all end at one replica. */
export async function replicasAreGood({ admin }: InProcess, count: number): Promise<void> {
  const areGood = async (): Promise<boolean> => {
    const nodes = (await readStatus(admin)).replicas?.nodes ?? []
    const conditions = nodes.map(({ condition }) => condition)
    if (nodes.length === count && conditions.every(condition => condition === 'good')) return true
    throw new Error(`the replicas are: ${conditions.join(', ')}`)
  }
  await waitUntil(`${count} replicas are good`, areGood, { withinMs: 20_000 })
}

/** Ends the ledger and Holdfast, and judges both. `allowed`: what errors may say. */
export async function judge(
  t: Test,
  { ledger, holdfast }: Pick<Scene, 'ledger' | 'holdfast'>,
  { lagMs = LAG_MS, allowed }: { readonly lagMs?: number; readonly allowed?: RegExp } = {},
): Promise<void> {
  const verdict = await ledger.stop()
  t.comment(JSON.stringify({ ...verdict, errors: verdict.errors.length, backwards: verdict.backwards.length }))
  const errors = verdict.errors.filter(error => allowed?.test(error) !== true)
  t.strictSame(errors.slice(0, 5), [], 'no error')
  t.strictSame(verdict.backwards, [], 'nothing goes back in time')
  t.ok(verdict.oldestMs <= lagMs, `nothing is older than the bound: ${Math.round(verdict.oldestMs)} ms`)
  t.ok(verdict.reads > 20)
  await holdfast.stop()
}

export const moves = ({ holdfast }: Pick<Scene, 'holdfast'>, cause: string): number =>
  holdfast.log.filter(line => line.event === 'replicas.move' && line.cause === cause).length

/** For whatever cause: on a slow machine the bound may be over before a silence is noticed. */
export const left = ({ holdfast }: Pick<Scene, 'holdfast'>): number =>
  holdfast.log.filter(line => line.event === 'replicas.move').length

/** Until no session reads from these any more. */
export async function sessionsLeave({ holdfast }: Pick<Scene, 'holdfast'>, ...nodes: readonly Node[]): Promise<void> {
  const from = nodes.map(({ port }) => `127.0.0.1:${port}`)
  const haveLeft = async (): Promise<boolean> => (await places(holdfast)).every(({ reads }) => !from.includes(reads))
  await waitUntil(`sessions leave ${from.join(', ')}`, haveLeft, { withinMs: 30_000 })
}

/** Until each of these has sessions: one that was away gets its own back after it has been good for a while. */
export async function sessionsReturn({ holdfast }: Pick<Scene, 'holdfast'>, ...nodes: readonly Node[]): Promise<void> {
  const wanted = nodes.map(({ port }) => `127.0.0.1:${port}`)
  const areThere = async (): Promise<boolean> => {
    const groups = await places(holdfast)
    return wanted.every(node => groups.some(({ reads, sessions }) => reads === node && sessions > 0))
  }
  await waitUntil(`sessions read from ${wanted.join(', ')}`, areThere, { withinMs: 60_000, everyMs: 50 })
}

/** Each group of sessions, and where it reads. */
export async function places({ admin }: InProcess): Promise<{ reads: string; sessions: number }[]> {
  return JSON.parse((await ask(admin, '/status')).body).replicas.groups
}
