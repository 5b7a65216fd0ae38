// The watcher against a real master, replicas and Sentinels: what it decides, and how long after the Sentinels did.
import t, { type Test } from 'tap'
import { parseAddress } from '../../src/address.ts'
import type { Teardown } from '../support/fake-redis.ts'
import { judgeOnce } from '../support/judge-bound.ts'
import { openWindow, type Window } from '../support/pace.ts'
import { type Node, SentinelSet, type SentinelSetOptions } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import { type Decision, Observed } from '../wire/watcher-world.ts'

interface Scene {
  readonly set: SentinelSet
  readonly master: Node
  readonly seen: Observed
}

async function stage(t: Teardown, options: SentinelSetOptions = {}, seeds?: number): Promise<Scene> {
  const set = await SentinelSet.start(options)
  t.teardown(() => set.stopAll())
  const sentinels = set.sentinelAddresses().flatMap(text => parseAddress(text) ?? [])
  const seen = new Observed(t, {
    sentinels: sentinels.slice(0, seeds),
    masterName: set.masterName,
    redisPassword: options.requirePass ?? null,
    sentinelPassword: options.sentinelPass ?? null,
  })
  const master = await set.currentMaster()
  await waitUntil('all are reachable', () => seen.watcher.status().reachableSentinels === set.sentinels.length, {
    withinMs: 5_000,
  })
  await waitUntil('the master is served', () => seen.story().at(-1)?.startsWith(`serve ${master.port}@`), {
    withinMs: 5_000,
  })
  // On a busy machine a Sentinel may answer late: what was held before is no part of the story.
  seen.decisions.splice(0, seen.decisions.length - 1)
  return { set, master, seen }
}

/** Waits until the watcher serves another master; tells how long after the Sentinels' majority that was. */
interface Moved {
  readonly ms: number
  readonly node: Node
  readonly pace: Window
}

async function untilMoved({ set, master, seen }: Scene, act: () => Promise<void>): Promise<Moved> {
  // performance.now() of Date.now(): the two are read in different parts of the test.
  const offset = Date.now() - performance.now()
  const watch = set.watchMajority()
  const readPace = openWindow()
  await act()
  const served = await waitUntil('another master is served', () => servedOther(seen.decisions, master), {
    withinMs: 25_000,
  })
  const isNew = (): { at: number } | undefined => watch.history.find(({ address }) => address === placeOf(served))
  const majority = await waitUntil('the majority was seen', isNew, { withinMs: 2_000 })
  watch.stop()
  const pace = readPace()
  const node = set.nodes.find(one => one.port === served.master.port)
  if (!node) throw new Error('a master that is no node of the set')
  return { ms: served.at + offset - majority.at, node, pace }
}

type Served = Extract<Decision, { kind: 'serve' }>

function servedOther(decisions: readonly Decision[], master: Node): Served | undefined {
  return decisions.find((one): one is Served => one.kind === 'serve' && one.master.port !== master.port)
}

function placeOf({ master }: Served): string {
  return `${master.host}:${master.port}`
}

/** Asks every replica for its role without pause: when the chosen one was last seen as a replica. */
function watchPromotion(
  set: SentinelSet,
  master: Node,
): { promotedAfter: () => number | null; stop: () => Promise<void> } {
  let lastReplicaAt: number | null = null
  let over = false
  const loops = set.nodes
    .filter(node => node !== master)
    .map(async node => {
      let last = performance.now()
      while (!over && lastReplicaAt === null) {
        const askedAt = performance.now()
        const role = await set.command(node, 'ROLE').catch(() => null)
        if (Array.isArray(role) && role[0] === 'slave') last = askedAt
        if (Array.isArray(role) && role[0] === 'master') lastReplicaAt = last
      }
    })
  return {
    promotedAfter: () => lastReplicaAt,
    stop: async () => {
      over = true
      await Promise.all(loops)
    },
  }
}

/** A hold comes before anything else is served, and nothing but the new master is served after it. */
function checkStory(t: Test, { seen, master }: Scene, node: Node): void {
  const story = seen.story()
  const firstMove = story.findIndex(one => one.startsWith(`serve ${node.port}@`))
  t.match(story[0], new RegExp(`^serve ${master.port}@`))
  t.ok(
    story.slice(1, firstMove).some(one => one.startsWith('hold ')),
    story.join(', '),
  )
  const after = seen.decisions.slice(firstMove)
  t.ok(
    after.every(one => one.kind === 'hold' || one.master.port !== master.port),
    'the old master is not served again',
  )
}

t.test('planned failover — is held before the replica is promoted — and served when a majority agrees', async t => {
  const scene = await stage(t)
  const { set, master, seen } = scene
  const promotion = watchPromotion(set, master)
  t.teardown(() => promotion.stop())
  const { ms, node, pace } = await untilMoved(scene, () => set.failover())
  await promotion.stop()
  checkStory(t, scene, node)
  const held = seen.decisions.find(one => one.kind === 'hold')
  const promotedAfter = promotion.promotedAfter()
  t.match(held, { cause: 'failover-announced' })
  t.ok(held && promotedAfter !== null && held.at < promotedAfter, 'held while the chosen node was still a replica')
  t.comment(`held at least ${Math.round((promotedAfter ?? 0) - (held?.at ?? 0))} ms before the promotion`)
  await judgeOnce(t, 'served after the majority was seen (sampled every 4 ms)', 150, ms, pace)
  // The leader's own +switch-master comes a second later and must change nothing.
  await waitUntil('all Sentinels have switched', () => seen.logged('sentinel.switched').length === 3, {
    withinMs: 5_000,
  })
  const decisions = seen.decisions.length
  await set.settle()
  t.equal(seen.decisions.length, decisions, 'nothing more was decided until the set was whole again')
})

t.test('kill -9 of the master — ends in the new one — seen from a single seed', async t => {
  const scene = await stage(t, {}, 1)
  const { set, master, seen } = scene
  const { ms, node, pace } = await untilMoved(scene, async () => {
    await set.kill(master)
    seen.watcher.confirm('the link was lost')
    await waitUntil('the loss is confirmed', () => seen.story().includes('hold master-unreachable'), { withinMs: 900 })
  })
  checkStory(t, scene, node)
  await judgeOnce(t, 'served after the majority was seen (sampled every 4 ms)', 150, ms, pace)
  t.match(seen.logged('master.confirmed').at(-1), { level: 'info', epoch: 1 })
})

t.test('SIGSTOP of the master — is held by the announcement — and the thawed one is not served', async t => {
  const scene = await stage(t)
  const { set, master, seen } = scene
  const { ms, node } = await untilMoved(scene, () => set.stop(master))
  checkStory(t, scene, node)
  t.comment(`served ${ms.toFixed(1)} ms after the majority was seen (sampled every 4 ms)`)
  await set.resume(master)
  await waitUntil('it answers again', () => set.command(master, 'PING'), { withinMs: 3_000 })
  seen.watcher.confirm('it is back')
  const { length } = seen.decisions
  await waitUntil('a confirmation came', () => seen.decisions.length > length, { withinMs: 2_000 })
  t.match(seen.story().at(-1), new RegExp(`^serve ${node.port}@`))
})

t.test('kill -9 of the master and of one Sentinel — ends in the new one — by the two that are left', async t => {
  const scene = await stage(t, { requirePass: 'data-secret', sentinelPass: 'sentinel-secret' })
  const { set, master, seen } = scene
  const [first] = set.sentinels
  const { ms, node } = await untilMoved(scene, async () => {
    if (first) await set.kill(first)
    await set.kill(master)
  })
  checkStory(t, scene, node)
  t.comment(`served ${ms.toFixed(1)} ms after the majority was seen (sampled every 4 ms)`)
  t.strictSame(seen.logged('master.probe_refused'), [])
  t.notMatch(JSON.stringify(seen.lines), /secret/)
  t.match(seen.watcher.status(), { knownSentinels: 3, majority: 2, reachableSentinels: 2, decision: 'serve' })
})
