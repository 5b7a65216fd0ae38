// Commands that fail for want of a master leave nothing behind: the heap after forced collections, between two points
// of an outage that are thousands of failed commands apart.
import t from 'tap'
import { type OutageLoad, startOutageLoad } from '../soak/outage-load.ts'
import { ProxyProcess } from '../soak/proxy-process.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

const clients = 100
const pauseMs = 10
/** Failed rounds before the first look: pools, caches and compiled code have their size by then. */
const warmUp = 10_000
const between = 10_000
/**
 * Bytes. A leak of one request object (a few hundred bytes) for each failed command would be megabytes. A busy machine
 * takes minutes for what a quiet one does in seconds, and the heap has other things to keep meanwhile.
 */
const limit = 1_000_000

async function failures(load: OutageLoad, more: number): Promise<void> {
  const wanted = load.failed + more
  await waitUntil(`${more} commands have failed`, () => load.failed >= wanted, { withinMs: 60_000, everyMs: 20 })
}

t.test('failed commands — leave nothing in memory — however many there are', async t => {
  const set = await SentinelSet.start({ replicas: 0 })
  t.teardown(() => set.stopAll())
  const flags = ['--sentinels', set.sentinelAddresses().join(','), '--hold-timeout', '500ms']
  const proxy = await ProxyProcess.start(flags)
  t.teardown(() => proxy.stop())
  await waitUntil('the proxy serves', () => proxy.events.get('hold.end'), { withinMs: 20_000 })
  const load = await startOutageLoad(proxy.port, clients, pauseMs)
  t.teardown(() => load.stop())
  await Promise.all(set.nodes.map(node => set.kill(node)))
  await failures(load, warmUp)
  const first = await proxy.look('collect')
  const from = load.failed
  await failures(load, between)
  const second = await proxy.look('collect')
  const per = ((second.heapUsed - first.heapUsed) / (load.failed - from)) * 10_000
  t.comment(
    `${load.failed - from} failed: heap ${first.heapUsed} to ${second.heapUsed}, ${(per / 1024).toFixed(1)} KB per 10,000`,
  )
  t.ok(per <= limit, `at most ${limit} bytes per 10,000 failed commands: ${per.toFixed(0)}`)
  t.equal(second.counters.waiting, 0, 'nothing waits')
  t.strictSame(load.lost, [], 'no session ends')
  t.equal(second.imbalance, null)
})
