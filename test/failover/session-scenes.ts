// session-scenes.ts: what a session has told Redis, taken through a failover: many sessions, one failover.
//
//   before: each scene sets its sessions up ─▶ the set is whole ─▶ fault ─▶ gate shut ─▶ during ─▶ new master ─▶ after
//
// Owns: the set, the proxy, the order of the steps; first kill -9 of the master, then a planned failover of its
// successor.
// Never: judges; the scenes do. The killed node stays away, so that nothing waits for its demotion; hence three
// replicas. The order is meant, and no scene relies on it: each part waits for a whole set and has sessions and keys of
// its own.
import type { Test } from 'tap'
import t from 'tap'
import { type InProcess, startHoldfast } from '../support/holdfast.ts'
import { imbalance } from '../support/imbalance.ts'
import { slowness } from '../support/pace.ts'
import { RespClient, type RespClientOptions, type Value } from '../support/resp-client.ts'
import { RespPush } from '../support/resp-decoder.ts'
import { DOWN_AFTER_MS, type Node, PATIENT_MS, SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

export type Fault = 'kill' | 'planned'
export type Protocol = 2 | 3

/** Where a scene plays: one fault, one protocol, keys of its own. */
export interface World {
  readonly t: Test
  readonly set: SentinelSet
  readonly holdfast: InProcess
  readonly fault: Fault
  readonly protocol: Protocol
  /** Begins the names of the scene's keys, channels and users; no other scene has it. */
  readonly tag: string
  /** The master that is about to go. */
  readonly old: Node
  /** A client of the proxy, in the scene's protocol. */
  connect(options?: RespClientOptions): Promise<RespClient>
  /** A RESP2 client of one node. */
  direct(node: Node): Promise<RespClient>
  /** The same command on every node that lives; once more where the connection is lost. */
  everywhere(...args: (string | number)[]): Promise<void>
}

export interface Successor {
  readonly master: Node
  /** Date.now() of the majority's first answer. */
  readonly majorityAt: number
}

export interface Acts {
  /** The gate is shut. Not waited for before the new master is there. */
  during?(): Promise<void> | void
  after(t: Test, now: Successor): Promise<void>
}

export interface Scene {
  readonly name: string
  /** Both where not given. */
  readonly protocols?: readonly Protocol[]
  /** Both where not given. */
  readonly faults?: readonly Fault[]
  before(world: World): Promise<Acts>
}

export interface Stage {
  readonly expectedErrors?: readonly string[]
  readonly options?: Readonly<Record<string, string>>
}

/** Plays all scenes through kill -9 and then through a planned failover, and judges the proxy's counters. */
export function playScenes(scenes: readonly Scene[], stage: Stage = {}): void {
  t.test('sessions survive', async t => {
    const set = await SentinelSet.start({ replicas: 3, failoverTimeoutMs: 5000, downAfterMs: PATIENT_MS })
    t.teardown(() => set.stopAll())
    const holdfast = await startHoldfast(t, {
      sentinels: set.sentinelAddresses(),
      expectedErrors: stage.expectedErrors ?? [],
      options: stage.options ?? {},
    })
    for (const fault of ['kill', 'planned'] as const) {
      await t.test(fault === 'kill' ? 'kill -9' : 'planned failover', t =>
        playOnce(t, { set, holdfast, fault, scenes }),
      )
    }
    t.equal(imbalance(holdfast.counters), undefined, 'the counters add up')
    await holdfast.stop()
  })
}

/** A reply that never comes fails its scene, not the whole file. Values of 64 MB take their time on a busy machine. */
const bounded = () => ({ timeout: 120_000 * slowness() })

interface Play {
  readonly set: SentinelSet
  readonly holdfast: InProcess
  readonly fault: Fault
  readonly scenes: readonly Scene[]
}

async function playOnce(t: Test, { set, holdfast, fault, scenes }: Play): Promise<void> {
  await set.settle()
  const old = await set.currentMaster()
  const running: { name: string; acts: Acts }[] = []
  for (const scene of scenes) {
    if (scene.faults && !scene.faults.includes(fault)) continue
    for (const protocol of scene.protocols ?? ([2, 3] as const)) {
      const tag = `${fault}-${protocol}-${running.length}`
      const world = createWorld(t, { set, holdfast, fault, protocol, tag, old })
      running.push({ name: `${scene.name} (RESP${protocol})`, acts: await scene.before(world) })
    }
  }
  // All that was answered so far has reached the replicas: what is missing afterwards, the proxy has lost.
  await set.settle()
  // One failover, and no other: another master than the scenes are told of would lack what was written last.
  if (fault === 'kill') await set.setDownAfter(DOWN_AFTER_MS)
  const from = holdfast.log.length
  const coming = set.waitForNewMaster(old, { withinMs: 30_000 })
  coming.catch(() => {})
  await (fault === 'kill' ? set.kill(old) : set.failover())
  await waitUntil('commands are held', () => holdfast.find('hold.start', from), { withinMs: 10_000, everyMs: 1 })
  const acting = Promise.all(running.map(({ acts }) => acts.during?.()))
  acting.catch(() => {})
  const { node: master, majorityAt } = await coming
  await set.setDownAfter(PATIENT_MS)
  await waitUntil('commands are sent', () => holdfast.find('hold.end', from), { withinMs: 10_000 })
  await acting
  for (const { name, acts } of running) {
    // Until PATIENT_MS is set, a new master that stands still with the machine is replaced, too: then the scenes would
    // look at the wrong node, and what it was told last may be lost.
    const last = await set.currentMaster()
    if (last === master) await t.test(name, bounded(), t => acts.after(t, { master, majorityAt }))
    else t.pass(name, { skip: `not judged: ${last.name} has become master in place of ${master.name}` })
  }
}

function createWorld(t: Test, given: Omit<World, 't' | 'connect' | 'direct' | 'everywhere'>): World {
  const { set, holdfast, protocol } = given
  const open = async (at: { host: string; port: number }, options: RespClientOptions = {}): Promise<RespClient> => {
    const client = await RespClient.connect(at.port, at.host, options)
    t.teardown(() => client.close())
    return client
  }
  return {
    ...given,
    t,
    connect: async options => {
      const client = await open(holdfast, options)
      if (protocol === 3) await client.send('HELLO', 3)
      return client
    },
    direct: node => open(node),
    everywhere: async (...args) => {
      // A Sentinel that gives a node another master ends the connections there, ours among them.
      const takes = async (node: Node): Promise<true> => set.command(node, ...args).then(() => true)
      const nodes = set.living().filter(({ kind }) => kind === 'data')
      for (const node of nodes) await waitUntil(`${node.name} takes it`, () => takes(node), { withinMs: 10_000 })
    },
  }
}

/** One push or message: its elements, in either protocol. */
export function itemsOf(value: Value): Value[] {
  if (value instanceof RespPush) return value.items
  return Array.isArray(value) ? value : [value]
}

/** Waits for a push or message with exactly these elements. */
export async function pushed(client: RespClient, wanted: readonly Value[]): Promise<void> {
  const text = JSON.stringify(wanted)
  const there = (): boolean => client.pushes.some(push => JSON.stringify(itemsOf(push)) === text)
  const look = (): true => {
    if (there()) return true
    throw new Error(`only ${JSON.stringify(client.pushes.slice(-5).map(itemsOf))}`)
  }
  await waitUntil(`${text} arrives`, look, { withinMs: 3000 })
}

/** A reply that may fail to come while nobody waits for it yet. */
export function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

/** How many clients are blocked at this node. */
export async function blockedAt(set: SentinelSet, node: Node): Promise<number> {
  const info = String(await set.command(node, 'INFO', 'clients'))
  return Number(/^blocked_clients:(\d+)/m.exec(info)?.[1])
}

/** Sends commands that block and answers once all of them do. */
export async function block(world: World, send: () => void, count = 1): Promise<void> {
  const { set, old } = world
  const already = await blockedAt(set, old)
  send()
  const blocked = async (): Promise<boolean> => (await blockedAt(set, old)) >= already + count
  await waitUntil('the master has blocked them', blocked, { withinMs: 5000 })
}

/** CLIENT LIST of a node, without our own question. */
export async function clientsAt(set: SentinelSet, node: Node): Promise<Map<string, string>[]> {
  const lines = String(await set.command(node, 'CLIENT', 'LIST'))
    .trim()
    .split('\n')
  const fields = lines.map(line => new Map(line.split(' ').map(field => splitField(field))))
  return fields.filter(field => field.get('cmd') !== 'client|list')
}

function splitField(field: string): [string, string] {
  const at = field.indexOf('=')
  return [field.slice(0, at), field.slice(at + 1)]
}
