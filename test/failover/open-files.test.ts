// A failover while clients and their links have every file that they may have: it ends, and everybody goes on.
import t from 'tap'
import { startHoldfastProcess } from '../support/holdfast.ts'
import { ask, RespClient, RespError, type Value } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

const LIMIT = 128

t.test('failover — while sessions and their links have every file that they may have — is only a delay', async t => {
  const set = await SentinelSet.start()
  t.teardown(() => set.stopAll())
  const holdfast = await startHoldfastProcess(t, {
    sentinels: set.sentinels.map(({ host, port }) => `${host}:${port}`),
    launcher: ['sh', '-c', `ulimit -n ${LIMIT}; exec "$0" "$@"`],
  })
  await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 10_000 })
  const most = Number(holdfast.find('process.open_files_limit')?.['sessions'])
  const connected = (): Promise<RespClient> => RespClient.connect(holdfast.port)
  const clients = await Promise.all(Array.from({ length: most }, connected))
  for (const client of clients) t.teardown(() => client.close())
  const [user, ...others] = clients
  const workers = others.slice(0, Math.floor(most / 3))
  // It takes nothing, so it waits on in the new master under every policy.
  const read = workers.map((client, i) => client.send('XREAD', 'BLOCK', '0', 'STREAMS', `q${i}`, '0-0'))
  const old = await set.currentMaster()
  const areBlocked = async (at = old): Promise<boolean> =>
    String(await ask(at, ['INFO', 'clients'])).includes(`blocked_clients:${workers.length}\r`)
  await waitUntil('all wait in the server', () => areBlocked(), { withinMs: 10_000, everyMs: 50 })

  // Whoever is turned away comes back at once, all the time.
  let isOver = false
  const comers: Value[] = []
  const pushers = Array.from({ length: 20 }, async () => {
    while (!isOver) {
      const client = await connected()
      comers.push(await client.send('PING'))
      await client.close()
    }
  })
  await set.kill(old)
  const { node } = await set.waitForNewMaster(old, { withinMs: 60_000 })
  t.equal(await user?.send('SET', 'k', 'v'), 'OK')
  await waitUntil('all wait in the new master', () => areBlocked(node), { withinMs: 30_000, everyMs: 50 })
  isOver = true
  await Promise.all(pushers)
  t.ok(comers.length > 0)
  t.strictSame(
    comers.filter(reply => !(reply instanceof RespError && reply.message === 'ERR max number of clients reached')),
    [],
    'each one that came meanwhile was told',
  )
  for (const i of workers.keys()) await ask(node, ['XADD', `q${i}`, '1-1', 'f', 'v'])
  t.strictSame(
    await Promise.all(read),
    workers.map((_, i) => [[`q${i}`, [['1-1', ['f', 'v']]]]]),
  )
})
