// Nobody sends when the master dies: the Sentinels bring the new one, and the first commands are answered by that.
import t from 'tap'
import { type LogLine, startHoldfast } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

for (const how of ['kill', 'stop'] as const) {
  t.test(`idle sessions — they have sent nothing — ${how} of the master — the new one is served`, async t => {
    const set = await SentinelSet.start({ replicas: 1 })
    t.teardown(() => set.stopAll())
    const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses() })
    await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 20_000 })
    const clients = [await RespClient.connect(holdfast.port), await RespClient.connect(holdfast.port)]
    for (const client of clients) t.teardown(() => client.close())
    const master = await set.currentMaster()
    const from = holdfast.log.length
    await set[how](master)
    const { node } = await set.waitForNewMaster(master, { withinMs: 60_000 })
    const served = (): LogLine | undefined =>
      holdfast.log
        .slice(from)
        .find(line => line.event === 'hold.drain' && line['master'] === `${node.host}:${node.port}`)
    const { heldMs = 0 } = await waitUntil('the new master is served', served, { withinMs: 20_000 })
    // Not `hold.start`: on a busy machine the gate may be shut already, for a standstill.
    t.ok(heldMs > 0, 'commands were held meanwhile, had there been any')
    t.equal(await clients[0]?.send('INCR', 'n'), 1)
    t.equal(await clients[1]?.send('INCR', 'n'), 2)
    t.equal(holdfast.counters.held, holdfast.counters.drained)
    await holdfast.stop()
  })
}
