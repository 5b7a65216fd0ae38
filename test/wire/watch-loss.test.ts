// An EXEC under WATCH whose reply was lost with the link: nil would say that nothing ran, which nobody knows.
import t from 'tap'
import { FakeRedis } from '../support/fake-redis.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { RespClient, RespError } from '../support/resp-client.ts'

for (const policy of ['always', 'safe'] as const) {
  t.test(`EXEC — under WATCH, its reply lost — is answered as ${policy} says, whatever it holds`, async t => {
    let executed = 0
    const fake = await FakeRedis.start(t, ([name]) => {
      if (name === 'WATCH' || name === 'MULTI' || name === 'DISCARD') return '+OK\r\n'
      if (name === 'SET') return '+QUEUED\r\n'
      if (name !== 'EXEC') return undefined
      executed++
      return { send: '', fault: 'cut' }
    })
    const sentinel = await FakeSentinel.start(t, { master: fake })
    const sentinels = [`${sentinel.host}:${sentinel.port}`]
    // A node that is played knows no WAIT.
    const options = { 'retry-policy': policy, ack: 'master', reads: 'plain' }
    const holdfast = await startHoldfast(t, { sentinels, options })
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    await client.send('WATCH', 'k')
    await client.send('MULTI')
    await client.send('SET', 'k', 'v')
    const reply = await client.send('EXEC')
    if (policy === 'safe') t.equal(reply instanceof RespError ? reply.code : reply, 'UNKNOWN')
    else t.equal(reply, null, 'to be tried again by its client, as after a lost race')
    t.equal(executed, 1)
  })
}

t.test(
  'EXEC — behind its WATCH in one write, its reply lost — is answered under safe as any EXEC under WATCH',
  async t => {
    const fake = await FakeRedis.start(t, ([name]) => {
      if (name === 'WATCH' || name === 'MULTI' || name === 'DISCARD') return '+OK\r\n'
      if (name === 'SET') return '+QUEUED\r\n'
      return name === 'EXEC' ? { send: '', fault: 'cut' } : undefined
    })
    const sentinel = await FakeSentinel.start(t, { master: fake })
    const sentinels = [`${sentinel.host}:${sentinel.port}`]
    const options = { 'retry-policy': 'safe', ack: 'master', reads: 'plain' }
    const holdfast = await startHoldfast(t, { sentinels, options })
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    const replies = await client.pipeline([['WATCH', 'k'], ['MULTI'], ['SET', 'k', 'v'], ['EXEC']])
    const last = replies.at(-1)
    t.equal(last instanceof RespError ? last.code : last, 'UNKNOWN')
  },
)
