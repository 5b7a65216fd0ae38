// A name server that is behind, for Holdfast alone: in a planned failover the new master's name leads to the old master.
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { FaultyLink } from '../support/faulty-link.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { NameServer } from '../support/name-server.ts'
import { RespClient, type Value } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

const STALE = '127.0.0.1'
const TRUE = '127.0.0.2'

t.test("planned failover — the new master's name leads to the old master — loses nothing", async t => {
  const names = new NameServer(t)
  const set = await SentinelSet.start({ replicas: 1, isExact: true })
  t.teardown(() => set.stopAll())
  const [old, next] = set.nodes
  if (!old || !next) throw new Error('two nodes')
  // Both have the same port, each at its own address.
  await FaultyLink.start(t, next, { host: TRUE, port: old.port })
  names.records.set('next.test', STALE)
  const holdfast = await startHoldfast(t, {
    sentinels: set.sentinelAddresses(),
    options: {
      'nat-map': `${next.host}:${next.port}=next.test:${old.port}`,
      'hold-timeout': '60s',
      ...{ 'retry-policy': 'always', ack: 'master', reads: 'plain' },
    },
  })
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  const counts: Value[] = [await client.send('INCR', 'n')]
  let isOver = false
  const writes = (async () => {
    while (!isOver) {
      counts.push(await client.send('INCR', 'n'))
      await pause(2)
    }
  })()
  await set.failover()
  await set.waitForNewMaster(old, { withinMs: 30_000 })
  const isDemoted = async (): Promise<boolean> => String(await set.command(old, 'ROLE')).startsWith('slave')
  await waitUntil('the old master is a replica', isDemoted, { withinMs: 60_000 })
  names.records.set('next.test', TRUE)
  const before = counts.length
  await waitUntil('writes go on', () => counts.length > before + 3, { withinMs: 30_000 })
  isOver = true
  await writes
  const lost = counts.findIndex((count, i) => i > 0 && Number(count) <= Number(counts[i - 1]))
  t.equal(lost, -1, `of ${counts.length} replies: ${counts.slice(Math.max(0, lost - 2), lost + 2)}`)
  t.equal(await set.command(next, 'GET', 'n'), String(counts.at(-1)))
})
