// node-redis with its client-side cache, unmodified: it trusts the server to tell it of every change. Through a
// failover the server that promised so is gone, so the cache must be told to forget, or it would answer old values for
// ever.
import { createClient } from 'redis'
import t from 'tap'
import { TroubleList } from '../support/apps/client-driver.ts'
import { failOver } from '../support/apps/fail-over.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

const faults = { planned: 'SENTINEL FAILOVER', kill: 'kill -9 of the master' } as const

for (const fault of ['planned', 'kill'] as const)
  t.test(`client-side cache — answers no old value — after ${faults[fault]}`, async t => {
    const set = await SentinelSet.start({ failoverTimeoutMs: 5000 })
    t.teardown(() => set.stopAll())
    const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses() })
    const list = new TroubleList()
    const connect = async (options: Parameters<typeof createClient>[0]) => {
      const client = createClient({ ...options, socket: { host: '127.0.0.1', port: holdfast.port }, RESP: 3 })
      for (const event of ['error', 'reconnecting', 'end'] as const) client.on(event, list.listener('client', event))
      await client.connect()
      t.teardown(() => client.isOpen && client.destroy())
      return client
    }
    const cached = await connect({ clientSideCache: { ttl: 0, maxEntries: 0, evictPolicy: 'LRU' } })
    const other = await connect({})
    await other.set('price', 'old')
    t.equal(await cached.get('price'), 'old')
    const asked = holdfast.counters.commands
    t.equal(await cached.get('price'), 'old')
    t.equal(holdfast.counters.commands, asked, 'the second answer came from the cache')
    await other.set('price', 'seen')
    const seen = async (): Promise<boolean> => (await cached.get('price')) === 'seen'
    await waitUntil('a change is told before the failover', seen, { withinMs: 2000 })

    const failing = failOver(set, holdfast, fault)
    const from = holdfast.log.length
    await waitUntil('commands are held', () => holdfast.find('hold.start', from), { withinMs: 20_000, everyMs: 2 })
    await other.set('price', 'during')
    await failing
    const during = async (): Promise<boolean> => (await cached.get('price')) === 'during'
    await waitUntil('a change made during the failover is seen', during, { withinMs: 2000 })
    const again = holdfast.counters.commands
    t.equal(await cached.get('price'), 'during')
    t.equal(holdfast.counters.commands, again, 'and the cache is in use again')
    await other.set('price', 'after')
    const after = async (): Promise<boolean> => (await cached.get('price')) === 'after'
    await waitUntil('a change is told after the failover', after, { withinMs: 2000 })
    t.strictSame(list.troubles, [], 'error, end and reconnecting events')
    list.closing()
    for (const client of [cached, other]) client.destroy()
    await holdfast.stop()
  })
