// faults-sentinels.ts: what happens to the Sentinels: gone, wrong, forgetful, elsewhere.
import { FakeSentinel } from '../support/fake-sentinel.ts'
import type { Node } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import { asyncLoss, linkLost, missedMessages } from './reasons.ts'
import type { Fault, World } from './types.ts'

/** The liar of the fault below, by the set it lies about. */
const liars = new WeakMap<World['set'], FakeSentinel>()

export const sentinelFaults: readonly Fault[] = [
  {
    name: 'sentinel-down',
    group: 'sentinels',
    what: 'kill -9 of one Sentinel of three, back after 2 s',
    failsOver: false,
    strike: world => without(world, 1, () => world.last(2000)),
    allowed: [],
  },
  {
    name: 'sentinels-two-down',
    group: 'sentinels',
    what: 'kill -9 of two Sentinels of three, back after 2 s',
    failsOver: false,
    strike: world => without(world, 2, () => world.last(2000)),
    allowed: [],
  },
  {
    name: 'sentinels-all-down',
    group: 'sentinels',
    what: 'kill -9 of all Sentinels, back after 2 s',
    failsOver: false,
    strike: world => without(world, 3, () => world.last(2000)),
    allowed: [],
  },
  {
    name: 'sentinels-two-down-kill',
    group: 'sentinels',
    what: 'kill -9 of two Sentinels of three and then of the master; the Sentinels are back after 3 s, and elect',
    failsOver: true,
    strike: async world => {
      const { set, master, newMaster, last } = world
      await without(world, 2, async () => {
        await set.kill(master)
        await last(3000)
      })
      await newMaster(master)
    },
    allowed: [asyncLoss, ...linkLost],
  },
  {
    name: 'sentinel-stale',
    group: 'sentinels',
    what: 'one Sentinel is stopped through a planned failover and wakes up with the old master in mind',
    failsOver: true,
    strike: async ({ set, master, newMaster, everyoneServed, last }) => {
      const stale = sentinelsOf(set, 1)[0]
      if (!stale) return
      await set.stop(stale)
      await set.failover()
      await newMaster(master)
      await everyoneServed()
      await set.resume(stale)
      await last(2000)
    },
    allowed: [missedMessages],
  },
  {
    name: 'sentinel-lying',
    group: 'sentinels',
    what: 'a fourth Sentinel names a replica as master, with the highest epoch, before and through a planned failover',
    failsOver: true,
    prepare: async ({ set, defer }) => {
      const [master, replica] = set.nodes
      if (!master || !replica) throw new Error('the set has no replica')
      const liar = await FakeSentinel.start(null, { master: { host: master.host, port: master.port }, configEpoch: 0 })
      defer(() => liar.close())
      liars.set(set, liar)
      return { sentinels: [`${liar.host}:${liar.port}`] }
    },
    strike: async ({ set, master, newMaster, last }) => {
      const replica = set.nodes.find(node => node !== master)
      if (replica) liars.get(set)?.switchMaster({ host: replica.host, port: replica.port }, 999)
      await last(1500)
      await set.failover()
      await newMaster(master)
      await last(1000)
    },
    allowed: [missedMessages],
  },
  {
    name: 'sentinel-reset',
    group: 'sentinels',
    what: 'SENTINEL RESET on every Sentinel: they forget replicas and one another for a while',
    failsOver: false,
    strike: async ({ set, last }) => {
      for (const sentinel of set.sentinels) await set.command(sentinel, 'SENTINEL', 'RESET', set.masterName)
      await last(3000)
    },
    allowed: [],
  },
  {
    name: 'sentinel-tilt',
    group: 'sentinels',
    what: 'all Sentinels are stopped for 2.5 s and wake up in TILT, in which they act on nothing',
    failsOver: false,
    strike: async ({ set, last }) => {
      for (const sentinel of set.sentinels) await set.stop(sentinel)
      await last(2500)
      for (const sentinel of set.sentinels) await set.resume(sentinel)
      const tilted = async (): Promise<boolean> => {
        const answers = await Promise.all(set.sentinels.map(one => set.command(one, 'INFO', 'sentinel')))
        return answers.every(answer => String(answer).includes('sentinel_tilt:1'))
      }
      await waitUntil('the Sentinels are in TILT', tilted, { withinMs: 3000 })
      await last(1000)
    },
    allowed: [],
  },
  {
    name: 'sentinel-new-ports',
    group: 'sentinels',
    what: 'every Sentinel is restarted on another port, one after the other; then a planned failover',
    failsOver: true,
    strike: async ({ set, master, newMaster, last }) => {
      for (const sentinel of set.sentinels) {
        await set.kill(sentinel)
        await set.move(sentinel)
        await knownToOthers(set, sentinel)
        await last(1500)
      }
      await set.failover()
      await newMaster(master)
      await last(1000)
    },
    // Holdfast may not have met the Sentinel that announces the failover: then it is as good as a crash.
    allowed: linkLost,
  },
]

function sentinelsOf(set: World['set'], count: number): Node[] {
  // From the end: the first one is asked for a planned failover.
  return set.sentinels.slice(-count)
}

async function without({ set }: World, count: number, meanwhile: () => Promise<void>): Promise<void> {
  const away = sentinelsOf(set, count)
  for (const sentinel of away) await set.kill(sentinel)
  await meanwhile()
  for (const sentinel of away) await set.restart(sentinel)
}

async function knownToOthers(set: World['set'], sentinel: Node): Promise<void> {
  const others = set.sentinels.filter(node => node !== sentinel)
  const known = async (): Promise<boolean> => {
    const lists = await Promise.all(others.map(other => set.command(other, 'SENTINEL', 'SENTINELS', set.masterName)))
    return lists.every(list => JSON.stringify(list).includes(`"${sentinel.port}"`))
  }
  await waitUntil(`${sentinel.name} is known at its new port`, known, { withinMs: 20_000, everyMs: 50 })
}
