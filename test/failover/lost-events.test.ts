// Events of the Sentinels that do not come, or come late: the change of master is noticed all the same, within the bound
// that docs/scale.md states. It is a planned failover, because then nothing else tells of it: links go on.
import t, { type Test } from 'tap'
import { createNatMap } from '../../src/transport/nat-map.ts'
import { FaultyLink } from '../support/faulty-link.ts'
import { judgeOnce } from '../support/judge-bound.ts'
import { openWindow } from '../support/pace.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import { Observed, place } from '../wire/watcher-world.ts'

/** The pause between questions, twice --answer-timeout, and a second to dial and ask. */
const answerTimeoutMs = 1_000
const boundMs = 5_000 + 2 * answerTimeoutMs + 1_000

interface Scene {
  readonly set: SentinelSet
  readonly links: readonly FaultyLink[]
  readonly seen: Observed
}

/** A watcher that reaches each Sentinel through a link of its own. */
async function stage(t: Test): Promise<Scene> {
  const set = await SentinelSet.start()
  t.teardown(() => set.stopAll())
  const links = await Promise.all(set.sentinels.map(node => FaultyLink.start(t, node)))
  const rules = links.map(link => ({
    from: place({ host: link.target.host, port: link.target.port }),
    to: place(link),
  }))
  const seen = new Observed(t, {
    sentinels: links.map(place),
    nat: createNatMap(rules),
    connectTimeoutMs: 2_000,
    answerTimeoutMs,
  })
  const master = await set.currentMaster()
  await seen.untilAllHeard(`serve ${master.port}@0`)
  return { set, links, seen }
}

/** Milliseconds from the majority's choice to the moment when the watcher serves it, at the earliest 0. */
async function untilServed({ set, seen }: Scene, act: () => Promise<void>): Promise<number> {
  const old = await set.currentMaster()
  const offset = Date.now() - performance.now()
  const named = set.waitForNewMaster(old, { withinMs: 30_000 })
  await act()
  const { node, majorityAt } = await named
  const served = await waitUntil(
    'the new master is served',
    () => seen.decisions.find(one => one.kind === 'serve' && one.master.port === node.port),
    { withinMs: 30_000 },
  )
  return Math.max(0, served.at + offset - majorityAt)
}

t.test(
  'connections to all Sentinels that are dead without a word — delay the change — by the stated bound',
  async t => {
    const scene = await stage(t)
    const readPace = openWindow()
    const ms = await untilServed(scene, async () => {
      for (const link of scene.links) link.strand()
      await scene.set.failover()
    })
    await judgeOnce(t, 'served after the majority', boundMs, ms, readPace())
    t.equal(scene.seen.logged('failover.announced').length, 0, 'no event told of it')
  },
)

t.test('subscriptions that are cut in the middle of a failover — delay the change — by a dial', async t => {
  const scene = await stage(t)
  const readPace = openWindow()
  const ms = await untilServed(scene, async () => {
    await scene.set.failover()
    await scene.seen.until('hold failover-announced', 5_000)
    for (const node of scene.set.sentinels) await scene.set.command(node, 'CLIENT', 'KILL', 'TYPE', 'pubsub')
  })
  await judgeOnce(t, 'served after the majority', 1_500, ms, readPace())
})

t.test('Sentinels that are slow to tell and to answer — delay the change — by what they are late', async t => {
  const scene = await stage(t)
  const lateMs = 400
  for (const link of scene.links) link.delay(lateMs)
  const readPace = openWindow()
  const ms = await untilServed(scene, () => scene.set.failover())
  await judgeOnce(t, 'served after the majority', 4 * lateMs + 500, ms, readPace())
})

t.test(
  'Sentinel that is paused while the others fail over — delays nothing — and is heard again afterwards',
  async t => {
    const scene = await stage(t)
    const { set, seen } = scene
    const paused = set.sentinels.at(-1)
    if (!paused) throw new Error('no Sentinel')
    await set.stop(paused)
    const readPace = openWindow()
    const ms = await untilServed(scene, () => set.failover())
    await judgeOnce(t, 'served after the majority', 500, ms, readPace())
    await set.resume(paused)
    const names = (): boolean => {
      const { master, sentinels } = seen.watcher.status()
      return sentinels.every(one => one.names === `${master?.host}:${master?.port}`)
    }
    await waitUntil('it names the new master too', names, { withinMs: 30_000 })
  },
)
