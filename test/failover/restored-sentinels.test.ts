// All Sentinels are restored from configurations of before a failover. They elect another node and demote the live
// master, and what that one acknowledged in between would be gone. Clients see a delay, and every write stays.
import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { startHoldfast } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

t.test('all Sentinels are restored — they demote the live master — nothing that it acknowledged is lost', async t => {
  const set = await SentinelSet.start({ failoverTimeoutMs: 5000 })
  t.teardown(() => set.stopAll())
  const first = await set.currentMaster()
  await set.settle()
  const saved = set.sentinels.map(({ configFile }) => readFileSync(configFile))
  await set.failover()
  const { node: live } = await set.waitForNewMaster(first, { withinMs: 60_000 })
  await set.settle()
  const holdfast = await startHoldfast(t, {
    sentinels: set.sentinelAddresses(),
    options: { 'hold-timeout': '5m' },
    expectedErrors: ['master.epoch_reset'],
  })
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  t.equal(await client.send('RPUSH', 'list', '0'), 1)

  await Promise.all(set.sentinels.map(one => set.kill(one)))
  for (const [i, { configFile }] of set.sentinels.entries()) writeFileSync(configFile, saved[i] ?? '')
  await Promise.all(set.sentinels.map(one => set.restart(one)))
  await waitUntil('they name the master of before', () => holdfast.find('master.rival'), { withinMs: 60_000 })
  let written = 1
  const isOver = async (): Promise<boolean> => {
    const reply = await client.send('RPUSH', 'list', String(written))
    if (reply !== ++written) t.fail(`write ${written}: ${reply}`)
    return holdfast.find('master.epoch_reset') !== undefined
  }
  await waitUntil('the live master is demoted, and the next one is followed', isOver, { withinMs: 180_000, everyMs: 1 })
  // Demoted by the node that they promote, it is no replica of the one that a majority names until that one is known.
  t.match(holdfast.find('master.epoch_reset'), { msg: /our master is a replica (of theirs )?now/ })
  const now = await set.currentMaster()
  t.not(now.port, live.port)
  t.equal(await set.command(now, 'LLEN', 'list'), written, 'on the new master')
  t.match(holdfast.find('hold.start'), { cause: 'failover-announced', detail: /which a majority names/ })
})
