// Which connections to the master real clients cost: one for all of the same user, database and protocol, one spare of
// each, and one more for each that is subscribed or waits at the moment.
import t from 'tap'
import type { Batch, ClientDriver } from '../support/apps/client-driver.ts'
import { linksAt } from '../support/apps/client-list.ts'
import { ioredisDriver } from '../support/apps/ioredis-driver.ts'
import { nodeRedisDriver } from '../support/apps/node-redis-driver.ts'
import { startSingle } from '../support/holdfast.ts'
import { isOlder } from '../support/needs.ts'
import { anyFlavour } from '../support/servers.ts'
import { settings } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Redis before 7.2 is told of none. */
const hasLibraries = !isOlder(anyFlavour(), 7.2)
/** What the subscriber and the one that waits show of each client. */
const named = ['ioredis', 'node-redis'].flatMap(library => [2, 2, 3, 3].map(resp => [library, resp] as const))

/** The connection that asks whether replicas have it. */
const asker = settings.isReplicated ? 1 : 0

const makers = [
  (port: number) => ioredisDriver(6, port),
  (port: number) => ioredisDriver(5, port),
  (port: number) => nodeRedisDriver(2, port),
  (port: number) => nodeRedisDriver(3, port),
]

t.test('real clients — share one link per protocol — for all that is no wait and no subscription', async t => {
  const { holdfast, node } = await startSingle(t)
  const drivers = await Promise.all(Array.from({ length: 20 }, (_, n) => makers[n % 4]?.(holdfast.port) ?? fail()))
  const close = (): Promise<unknown> => Promise.all(drivers.map(driver => driver.close()))
  t.teardown(close)
  await Promise.all(drivers.map(useEverything))
  const shared = await waitUntil(
    'a spare of each',
    async () => {
      const links = await linksAt(node)
      return links.length >= 4 + asker && links
    },
    { withinMs: 5000 },
  )
  const protocols = [2, 2, ...(asker > 0 ? [2] : []), 3, 3]
  t.strictSame(shared.map(({ resp }) => resp).sort(), protocols, 'twenty clients, two links, two spares')
  t.equal(holdfast.counters.sessions, 20, 'twenty sessions')

  const four = drivers.slice(0, 4)
  await Promise.all(four.map(driver => driver.subscribe('news', () => {})))
  const readers = await Promise.all(four.map(driver => driver.reader()))
  const pops = readers.map((reader, n) => reader.pop(`list:${n}`, 0))
  const blocked = async (): Promise<boolean> =>
    (await linksAt(node)).filter(({ flags }) => flags.includes('b')).length === 4
  await waitUntil('all four wait', blocked, { withinMs: 3000 })
  const links = await waitUntil(
    'a spare of each again',
    async () => {
      const now = await linksAt(node)
      return now.length >= 2 + 2 + 8 + asker && now
    },
    { withinMs: 5000 },
  )
  const own = links.filter(({ channels, flags }) => channels > 0 || flags.includes('b'))
  t.equal(links.length, 2 + 2 + 8 + asker, 'one more for each subscriber and each that waits')
  t.strictSame(
    own.map(({ library, resp }) => `${library}/${resp}`).sort(),
    named.map(([library, resp]) => `${hasLibraries ? library : ''}/${resp}`).sort(),
    'each under the name of its own library, in its own protocol',
  )
  await Promise.all(four.map((driver, n) => driver.push(`list:${n}`, 'x')))
  t.strictSame(await Promise.all(pops), ['x', 'x', 'x', 'x'])
  for (const driver of drivers) t.strictSame(driver.troubles, [], driver.name)
  await close()
  await holdfast.stop()
})

async function useEverything(driver: ClientDriver, n: number): Promise<void> {
  const batch: Batch = { key: `k:${n}`, value: 'v', counter: `c:${n}`, scriptCounter: `s:${n}` }
  await driver.set(batch.key, 'v')
  await driver.incr(batch.counter)
  await driver.bump(batch.scriptCounter, 'tag')
  await driver.pipeline(batch)
  await driver.transaction(batch)
  await driver.scan('k:*')
  await driver.publish('nobody', 'x')
}

function fail(): never {
  throw new Error('no such client')
}
