// Sentinels that name the same node differently: announce-hostnames is set at one, and not yet at the others. The one
// that names it otherwise leads a planned failover.
import t from 'tap'
import { readStatus } from '../support/admin.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { RespClient, type Value } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

t.setTimeout(120_000)

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
  const isHeard = async (): Promise<boolean> =>
    (await readStatus(holdfast.admin)).sentinels.each.some(({ names }) => names?.startsWith('127.0.0.1:'))
  await waitUntil('Holdfast knows the other name', isHeard, { withinMs: 10_000 })
  const from = holdfast.log.length
  const replies: Value[] = []
  let isOver = false
  const writes = (async () => {
    while (!isOver) replies.push(await client.send('INCR', 'n'))
  })()
  await set.command(odd, 'SENTINEL', 'FAILOVER', set.masterName)
  await waitUntil('it is over', () => holdfast.find('hold.end', from), { withinMs: 30_000 })
  isOver = true
  await writes
  replies.push(await client.send('INCR', 'n'))
  const counts = replies.filter(reply => typeof reply === 'number')
  const lost = counts.findIndex((count, i) => i > 0 && count <= (counts[i - 1] ?? 0))
  t.equal(lost, -1, `of ${counts.length} replies: ${counts.slice(Math.max(0, lost - 2), lost + 2)}`)
  t.match(holdfast.find('hold.start', from), { cause: 'failover-announced' })
  t.notOk(holdfast.find('master.rival', from), 'it is no other master')
})
