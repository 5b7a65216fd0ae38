// rounds.ts: one fault, some times over: a set and a Holdfast of its own, and for each round new clients, whose history
// is judged when they have replies again.
import { FaultyLink } from '../support/faulty-link.ts'
import { type InProcess, startHoldfast } from '../support/holdfast.ts'
import { type Node, SentinelSet } from '../support/sentinel-set.ts'
import type { Flavour } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'
import { setApart } from './apart.ts'
import { countFailovers, survives } from './failovers.ts'
import { families, judgeFamilies } from './families.ts'
import { type Fault, pause, proxyUser } from './faults.ts'
import type { Operation } from './history.ts'
import type { Terms, Verdict } from './judge.ts'
import { judgeLoad, startLoad, writes } from './load.ts'

/** The options of Holdfast that are proven. */
export interface Arm {
  readonly flavour: Flavour
  readonly policy: string
  /** Of --ack; null: not given. */
  readonly ack: string | null
  /** Of --reads; null: not given. */
  readonly reads: string | null
  /** The master has a core that no other server of the set uses (apart.ts). */
  readonly isApart: boolean
}

export interface RunOptions extends Arm {
  readonly clients: number
  readonly ioThreads: string
  readonly load: 'writes' | 'families'
}

export interface Round extends Verdict {
  /** What clients were told with UNKNOWN, each once, and of what. */
  readonly unknownTexts: readonly string[]
  /** More failovers than the fault asks for, after which acknowledged writes may be gone: `lost` breaks no promise. */
  readonly isBeyond: boolean
}

const SERVED_MS = 90_000

/** @throws Error where a round could not be carried out, or Holdfast has logged an error. */
export async function runRounds(
  fault: Fault,
  rounds: number,
  options: RunOptions,
  onRound: (round: Round, n: number) => void,
): Promise<void> {
  const ends: (() => unknown)[] = []
  const scope = { teardown: (end: () => unknown) => void ends.unshift(end) }
  try {
    const set = await SentinelSet.start({
      ...{ flavour: options.flavour, downAfterMs: 1000, failoverTimeoutMs: 6000 },
      ...fault.set,
      dataConfig: [`io-threads ${options.ioThreads}`, ...(fault.set?.dataConfig ?? [])],
    })
    scope.teardown(() => set.stopAll())
    const links = await startLinks(fault, set, scope)
    const holdfast = await startProxy(fault, set, links, options, scope)
    for (let n = 1; n <= rounds; n++) {
      const name = `${fault.name}${n}`
      onRound(await runRound(fault, { set, holdfast, ...links }, options, name), n)
      await mend(fault, set)
      await forget(set, name).catch(() => undefined)
    }
    await holdfast.stop()
  } finally {
    for (const end of ends) await Promise.resolve(end()).catch?.(() => undefined)
  }
}

/** Removes the keys of a round, and not the markers: a FLUSHALL is a fault of its own. */
async function forget(set: SentinelSet, prefix: string): Promise<void> {
  const master = await set.currentMaster()
  const keys = await set.command(master, 'KEYS', `${prefix}:*`)
  if (Array.isArray(keys) && keys.length > 0) await set.command(master, 'UNLINK', ...keys.map(String))
}

interface Links {
  readonly sentinelLinks: FaultyLink[]
  readonly nodeLinks: Map<Node, FaultyLink>
}

interface Scope {
  teardown(end: () => unknown): void
}

async function startLinks({ links }: Fault, set: SentinelSet, scope: Scope): Promise<Links> {
  const nodeLinks = new Map<Node, FaultyLink>()
  const sentinelLinks: FaultyLink[] = []
  if (links === 'nodes') for (const node of set.nodes) nodeLinks.set(node, await FaultyLink.start(scope, node))
  if (links === 'sentinels') for (const node of set.sentinels) sentinelLinks.push(await FaultyLink.start(scope, node))
  return { sentinelLinks, nodeLinks }
}

async function startProxy(
  fault: Fault,
  set: SentinelSet,
  { sentinelLinks, nodeLinks }: Links,
  { policy, ack, reads }: RunOptions,
  scope: Scope,
): Promise<InProcess> {
  const [user, password] = proxyUser
  if (fault.ownUser)
    for (const node of set.nodes)
      await set.command(node, 'ACL', 'SETUSER', user, 'on', `>${password}`, '+@all', '~*', '&*')
  const rules = [
    ...[...nodeLinks].map(([node, link]) => `${node.host}:${node.port}=${link.host}:${link.port}`),
    ...sentinelLinks.map(({ target, host, port }) => `${target.host}:${target.port}=${host}:${port}`),
  ]
  const holdfast = await startHoldfast(scope, {
    sentinels: set.sentinelAddresses(),
    expectedErrors: fault.errors ?? [],
    options: {
      'retry-policy': policy,
      ...(ack === null ? {} : { ack }),
      ...(reads === null ? {} : { reads }),
      ...(rules.length === 0 ? {} : { 'nat-map': rules.join(',') }),
      ...(fault.ownUser ? { 'redis-username': user, 'redis-password': password } : {}),
    },
  })
  await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 20_000 })
  return holdfast
}

interface Stage extends Links {
  readonly set: SentinelSet
  readonly holdfast: InProcess
}

async function runRound(fault: Fault, stage: Stage, options: RunOptions, name: string): Promise<Round> {
  const { set, holdfast } = stage
  if (options.isApart) await setApart(set, await set.currentMaster())
  const before = await countFailovers(set.sentinels)
  const isPlain = options.load === 'writes'
  const load = await startLoad(holdfast.port, options.clients, name, isPlain ? writes : families)
  const served = async (who: 'some' | 'every' = 'some'): Promise<void> => {
    const from = performance.now()
    const isServed = (at: number): boolean => at > from
    const { lastOks } = load
    await waitUntil(`${who} clients have replies again`, () => lastOks[who](isServed), { withinMs: SERVED_MS })
  }
  // Not always at the same moment of the load.
  await pause(200 + Math.random() * 200)
  const newMaster = async (old: Node): Promise<Node> => (await set.waitForNewMaster(old, { withinMs: 90_000 })).node
  await fault.strike({ ...stage, master: await set.currentMaster(), newMaster, served })
  await served()
  await pause(100)
  await load.stop()
  const master = await set.currentMaster()
  const failovers = (await countFailovers(set.sentinels)) - before
  const verdict = await (isPlain ? judgeLoad : judgeFamilies)(
    load.history,
    name,
    termsOf(fault, options, failovers),
    (...command) => set.command(master, ...command),
  )
  const unknown = load.history.operations.filter(({ told }) => told === 'unknown')
  const isBeyond = survives(fault, options) && !survives(fault, options, failovers)
  return { ...verdict, unknownTexts: textsOf(unknown, name), isBeyond }
}

/** What was said, and of which keys. */
function textsOf(operations: readonly Operation[], prefix: string): string[] {
  return [...Map.groupBy(operations, ({ message }) => message)].map(([message, of]) => {
    const keys = new Set(of.map(({ key }) => key.slice(prefix.length + 1).replace(/\d+$/, '')))
    return `${message}: ${[...keys].join(', ')}`
  })
}

/** What this fault may do to the data under these options, when the Sentinels have failed over so often. */
export function termsOf(fault: Fault, arm: Arm, failovers: number): Terms {
  const { loses, wipes = false, refusals } = fault
  return {
    mayLose: !survives(fault, arm, failovers),
    dirtyReads: loses === 'unreplicated' && arm.reads !== 'committed',
    wiped: wipes,
    // With markers the new master tells which of them have run.
    repeatsSets: arm.policy === 'safe' && !arm.ack?.startsWith('replicated'),
    ...(refusals === undefined ? {} : { refusals }),
  }
}

async function mend(fault: Fault, set: SentinelSet): Promise<void> {
  for (const node of set.nodes) {
    if (set.living().includes(node)) continue
    await set.restart(node)
    if (fault.ownUser) {
      const [user, password] = proxyUser
      await set.command(node, 'ACL', 'SETUSER', user, 'on', `>${password}`, '+@all', '~*', '&*')
    }
  }
  await set.settle({ withinMs: 120_000 })
}
