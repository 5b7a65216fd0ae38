// NOREPLICAS right after a hold is waited out on the link that is up. What a session has sent behind the refused command
// must not change what that link makes of it when it comes again: a queued command behind MULTI, a command that a
// subscriber may not send behind SUBSCRIBE.
import t from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { ask, RespClient, type Value } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'

for (const policy of ['always', 'safe', 'once']) {
  t.test(`a refused write — with more behind it in one write — runs before that — ${policy}`, async t => {
    const { holdfast, node } = await startSingle(t, { options: { 'retry-policy': policy } })
    const demand = (replicas: string): Promise<Value> => ask(node, ['CONFIG', 'SET', 'min-replicas-to-write', replicas])
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    // A link of its own: on the shared one nothing of this could be sent before all is answered.
    t.equal(await client.send('CLIENT', 'NO-EVICT', 'ON'), 'OK')
    const refused = async (...commands: string[][]): Promise<Value[]> => {
      await demand('9')
      const { absorbed } = holdfast.counters
      const replies = client.pipeline(commands)
      await waitUntil('the master has refused', () => holdfast.counters.absorbed > absorbed, { withinMs: 20_000 })
      await demand('0')
      return replies
    }

    t.strictSame(await refused(['INCR', 'before'], ['MULTI']), [1, 'OK'])
    t.strictSame(await client.pipeline([['INCR', 'inside'], ['EXEC']]), ['QUEUED', [1]])
    const whole = [['INCR', 'before'], ['MULTI'], ['INCR', 'inside'], ['EXEC'], ['INCR', 'before']]
    t.strictSame(await refused(...whole), [2, 'OK', 'QUEUED', [2], 3])
    const listening = await refused(['INCR', 'before'], ['SUBSCRIBE', 'news'], ['SUBSCRIBE', 'more'], ['PING'])
    t.strictSame(listening, [4, ['subscribe', 'news', 1], ['subscribe', 'more', 2], ['pong', '']])
    await holdfast.stop()
  })
}
