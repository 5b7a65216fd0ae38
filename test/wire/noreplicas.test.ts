// NOREPLICAS right after a hold is waited out on the link that is up. What a session has sent behind the refused command
// must not change what that link makes of it when it comes again: a queued command behind MULTI, a command that a
// subscriber may not send behind SUBSCRIBE. Nor may anything wait for what the refused command will do.
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { itemsOf } from '../failover/session-scenes.ts'
import { startSingle } from '../support/holdfast.ts'
import { ask, RespClient, type Value } from '../support/resp-client.ts'
import { resumeServer, stopServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

/** `refused`: what commands in one write get whose writes the master refuses at first. */
async function open(t: Test, policy: string) {
  const { holdfast, node } = await startSingle(t, { options: { 'retry-policy': policy } })
  const demand = (replicas: string): Promise<Value> => ask(node, ['CONFIG', 'SET', 'min-replicas-to-write', replicas])
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  const refused = async (...commands: string[][]): Promise<Value[]> => {
    await demand('9')
    const { absorbed } = holdfast.counters
    // Holdfast has read all of it before the node's first answer comes.
    await stopServer(node)
    const replies = client.pipeline(commands)
    await waitUntil('Holdfast has read it', () => holdfast.counters.pendingBytes > 0, { withinMs: 20_000 })
    for (let turns = 0; turns < 20; turns++) await turn()
    resumeServer(node)
    await waitUntil('the master has refused', () => holdfast.counters.absorbed > absorbed, { withinMs: 20_000 })
    await demand('0')
    return replies
  }
  return { holdfast, node, client, refused }
}

for (const policy of ['always', 'safe', 'once']) {
  t.test(`a refused write — with more behind it in one write — runs before that — ${policy}`, async t => {
    const { holdfast, node, client, refused } = await open(t, policy)
    // A link of its own: on the shared one nothing of this could be sent before all is answered.
    t.equal(await client.send('CLIENT', 'NO-EVICT', 'ON'), 'OK')
    t.strictSame(await refused(['INCR', 'before'], ['MULTI']), [1, 'OK'])
    t.strictSame(await client.pipeline([['INCR', 'inside'], ['EXEC']]), ['QUEUED', [1]])
    const whole = [['INCR', 'before'], ['MULTI'], ['INCR', 'inside'], ['EXEC'], ['INCR', 'before']]
    t.strictSame(await refused(...whole), [2, 'OK', 'QUEUED', [2], 3])
    const [id, found] = await refused(
      ['XADD', 'stream', '*', 'f', 'v'],
      ['XREAD', 'BLOCK', '10000', 'STREAMS', 'stream', '0'],
    )
    t.strictSame(found, [['stream', [[id, ['f', 'v']]]]])
    const monitor = await RespClient.connect(node.port)
    t.teardown(() => monitor.close())
    t.equal(await monitor.send('MONITOR'), 'OK')
    t.match(await refused(['SET', 'waited', '1'], ['WAIT', '0', '0']), ['OK', Number])
    const ran = (): string[] =>
      monitor.pushes.map(line => / "(SET" "waited|WAIT" "0)"/.exec(String(line))?.[1] ?? '').filter(Boolean)
    await waitUntil('the monitor has both', () => ran().length === 2, { withinMs: 20_000 })
    t.strictSame(ran(), ['SET" "waited', 'WAIT" "0'])

    const listening = await refused(['INCR', 'before'], ['SUBSCRIBE', 'news'], ['SUBSCRIBE', 'more'], ['PING'])
    t.strictSame(listening, [4, ['subscribe', 'news', 1], ['subscribe', 'more', 2], ['pong', '']])
    await holdfast.stop()
  })
  t.test(`a refused write — CLIENT CACHING behind it — still holds for the next command alone — ${policy}`, async t => {
    const { holdfast, node, client, refused } = await open(t, policy)
    await client.send('HELLO', '3')
    // The server refuses it as a whole, before it reads.
    const script = "#!lua\nreturn {redis.call('GET', KEYS[1]), redis.call('SET', KEYS[2], 'v')}"
    const keys = ['asked', 'other', 'behind', 'after', 'inside', 'last']
    for (const key of keys) await ask(node, ['SET', key, 'old'])
    /** Which of the keys the client is told of when they change. */
    const told = async (): Promise<unknown[]> => {
      const from = client.pushes.length
      for (const key of keys) await ask(node, ['SET', key, 'new'])
      // It is read behind them.
      t.equal(await client.send('PING'), 'PONG')
      return client.pushes.slice(from).flatMap(push => itemsOf(push)[1])
    }
    for (const [mode, word, wanted] of [
      ['OPTIN', 'YES', ['asked', 'inside', 'last']],
      ['OPTOUT', 'NO', ['other', 'behind', 'after']],
    ] as const) {
      t.equal(await client.send('CLIENT', 'TRACKING', 'OFF'), 'OK')
      t.equal(await client.send('CLIENT', 'TRACKING', 'ON', mode), 'OK')
      const caching = ['CLIENT', 'CACHING', word]
      const set = ['SET', 'written', 'v']
      await refused(set, caching, ['GET', 'asked'], ['GET', 'other'])
      // PING is the next one, and has its reply already.
      await refused(set, caching, ['PING'], ['GET', 'behind'])
      t.equal(await client.send('GET', 'after'), 'old')
      await refused(caching, ['EVAL', script, '2', 'inside', 'written'])
      await refused(set, caching)
      await client.send('GET', 'last')
      t.strictSame(await told(), wanted, mode)
      for (const key of keys) await ask(node, ['SET', key, 'old'])
    }
    await holdfast.stop()
  })
}
