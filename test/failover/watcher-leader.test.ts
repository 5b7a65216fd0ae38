// The watcher while the Sentinel that leads a failover dies in the middle of it: with its memory of the failover gone,
// nobody will end it. Commands wait for as long as what it had sent may still arrive, and not until a time-out.
import t from 'tap'
import { parseAddress } from '../../src/address.ts'
import { judgeOnce } from '../support/judge-bound.ts'
import { openWindow } from '../support/pace.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import { Observed } from '../wire/watcher-world.ts'

/** The first dial that is refused, one second, and the questions to Sentinels and node. Without the refusal: ten seconds. */
const BOUND_MS = 2_000

t.test(
  'leader killed behind the choice of the replica — the old master is served again — within two seconds',
  async t => {
    const set = await SentinelSet.start()
    t.teardown(() => set.stopAll())
    const sentinels = set.sentinelAddresses().flatMap(text => parseAddress(text) ?? [])
    const seen = new Observed(t, { sentinels, masterName: set.masterName })
    const master = await set.currentMaster()
    await seen.untilAllHeard(`serve ${master.port}@0`)
    // A replica that stands still is chosen, and is not promoted: the death is always in the middle.
    for (const node of set.nodes) if (node !== master) await set.stop(node)
    await set.failover()
    const { sentinel } = (await seen.untilLogged('failover.replica', 10_000)) as { sentinel?: unknown }
    const leader = set.sentinels.find(({ host, port }) => sentinel === `${host}:${port}`)
    if (leader === undefined) throw new Error(`${sentinel} is no Sentinel of this set`)
    t.match(seen.decisions.at(-1), { kind: 'hold', cause: 'failover-announced' })
    const readPace = openWindow()
    const from = performance.now()
    await set.kill(leader)
    const served = await waitUntil(
      'a master is served',
      () => seen.decisions.find(one => one.kind === 'serve' && one.at > from),
      { withinMs: 30_000 },
    )
    t.match(served, { kind: 'serve', master: { port: master.port } }, 'the old one')
    await judgeOnce(t, 'served after the leader’s death', BOUND_MS, served.at - from, readPace())
    t.equal(seen.logged('failover.over').length, 1, 'the log says that it is over')
  },
)
