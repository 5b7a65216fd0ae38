// Sentinels that name the same node differently: announce-hostnames is set at one, and not yet at the others, which leads
// a planned failover; or it was changed at all of them while Holdfast runs, and the old name stops working, or leads nowhere.
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { readStatus } from '../support/admin.ts'
import { FaultyLink } from '../support/faulty-link.ts'
import { type Holdfast, startHoldfast } from '../support/holdfast.ts'
import { RespClient, type Value } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

/** So many Sentinels name the address. */
async function isHeard({ admin }: Holdfast, sentinels: number): Promise<boolean> {
  const { each } = (await readStatus(admin)).sentinels
  return each.filter(({ names }) => names?.startsWith('127.0.0.1:')).length >= sentinels
}

t.test('planned failover — announced under another name of the master — loses nothing', async t => {
  const set = await SentinelSet.start({ host: 'localhost' })
  t.teardown(() => set.stopAll())
  const [odd] = set.sentinels
  if (!odd) throw new Error('a Sentinel')
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options: { 'admin-listen': '0' } })
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  await client.send('SET', 'n', '0')
  await set.command(odd, 'SENTINEL', 'CONFIG', 'SET', 'announce-hostnames', 'no')
  await waitUntil('Holdfast knows the other name', () => isHeard(holdfast, 1), { withinMs: 10_000 })
  const from = holdfast.log.length
  const before = holdfast.find('hold.end')?.['master']
  const replies: Value[] = []
  let isOver = false
  const writes = (async () => {
    while (!isOver) {
      replies.push(await client.send('INCR', 'n'))
      // Without a rest a slow machine would have no time for the Sentinels.
      await pause(5)
    }
  })()
  await set.command(odd, 'SENTINEL', 'FAILOVER', set.masterName)
  // A standstill of this process may have a hold of its own, before the failover or around it.
  const isMoved = () => holdfast.log.some(({ event, master }) => event === 'hold.end' && master !== before)
  await waitUntil('it is over', isMoved, { withinMs: 30_000 })
  isOver = true
  await writes
  replies.push(await client.send('INCR', 'n'))
  const counts = replies.filter(reply => typeof reply === 'number')
  const lost = counts.findIndex((count, i) => i > 0 && count <= (counts[i - 1] ?? 0))
  t.equal(lost, -1, `of ${counts.length} replies: ${counts.slice(Math.max(0, lost - 2), lost + 2)}`)
  t.ok(holdfast.find('failover.announced', from), 'it is held by the announcement')
  t.notOk(holdfast.find('master.rival', from), 'it is no other master')
})

/** What becomes of new connections by the name in use. */
const ends: readonly (readonly [what: string, end: (wire: FaultyLink) => void])[] = [
  ['works no more', wire => wire.refuse()],
  ['is never answered', () => {}],
]
for (const [what, end] of ends)
  t.test(
    `the name that is in use — ${what}, and the Sentinels have another — is left, and nothing runs twice`,
    async t => {
      const set = await SentinelSet.start({ host: 'localhost' })
      t.teardown(() => set.stopAll())
      const [master] = set.nodes
      if (!master) throw new Error('a master')
      const wire = await FaultyLink.start(t, { port: master.port })
      const holdfast = await startHoldfast(t, {
        sentinels: set.sentinelAddresses(),
        options: {
          'admin-listen': '0',
          'nat-map': `localhost:${master.port}=${wire.host}:${wire.port}`,
          ...{ 'retry-policy': 'always', ack: 'master', reads: 'plain' },
        },
      })
      const client = await RespClient.connect(holdfast.port)
      t.teardown(() => client.close())
      await client.send('SET', 'n', '0')
      const names = set.sentinels.map(one => set.command(one, 'SENTINEL', 'CONFIG', 'SET', 'announce-hostnames', 'no'))
      await Promise.all(names)
      await waitUntil('Holdfast knows the other name', () => isHeard(holdfast, 3), { withinMs: 10_000 })
      t.equal(await client.send('INCR', 'n'), 1, 'the name in use stays')
      const from = holdfast.log.length
      // What is under way stays so, on a connection that the server goes on having.
      wire.stall('both')
      const count = client.send('INCR', 'n')
      end(wire)
      t.equal(await count, 2)
      t.match(holdfast.find('master.confirmed', from), { address: `127.0.0.1:${master.port}` })
      wire.resume()
      await waitUntil('what was under way has arrived or is lost', () => wire.live === 0, { withinMs: 10_000 })
      t.equal(await client.send('GET', 'n'), '2', 'the old connection was ended at the server first')
    },
  )
