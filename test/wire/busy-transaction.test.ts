// A transaction that a busy server has refused a command of: EXEC is told what a server tells, and nothing of it runs.
import t, { type Test } from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { RespClient, RespError } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'

async function scene(t: Test) {
  const { holdfast, node } = await startSingle(t)
  const [client, direct] = [await RespClient.connect(holdfast.port), await RespClient.connect(node.port)]
  t.teardown(() => client.close())
  t.teardown(() => direct.close())
  await direct.send('CONFIG', 'SET', 'busy-reply-threshold', '10')
  t.equal(await client.send('MULTI'), 'OK')
  t.equal(await client.send('INCR', 'n'), 'QUEUED')
  const caller = await RespClient.connect(node.port)
  const script = caller.send('EVAL', 'while true do end', '0')
  const look = async (): Promise<boolean> => {
    const reply = await direct.send('GET', 'n')
    return reply instanceof RespError && reply.code === 'BUSY'
  }
  await waitUntil('the server is busy', look, { withinMs: 5000 })
  const release = async (): Promise<void> => {
    t.equal(await direct.send('SCRIPT', 'KILL'), 'OK')
    await script
    await caller.close()
  }
  return { client, direct, release }
}

t.test('EXEC while the server is busy — is told so — and nothing has run', async t => {
  const { client, direct, release } = await scene(t)
  t.match(await client.send('INCR', 'n'), { code: 'BUSY' })
  t.match(await client.send('EXEC'), { message: /^EXECABORT .*BUSY/ })
  await release()
  t.equal(await direct.send('GET', 'n'), null)
  t.equal(await client.send('PING', 'x'), 'x', 'no transaction is open')
})

t.test('EXEC when the server is busy no more — is told of the error before — and nothing has run', async t => {
  const { client, direct, release } = await scene(t)
  t.match(await client.send('INCR', 'n'), { code: 'BUSY' })
  await release()
  t.match(await client.send('EXEC'), { message: /^EXECABORT .*previous errors/ })
  t.equal(await direct.send('GET', 'n'), null)
})

t.test('EXEC when the link that was refused is lost — runs nothing', async t => {
  const { client, direct, release } = await scene(t)
  t.match(await client.send('INCR', 'n'), { code: 'BUSY' })
  await release()
  await direct.send('CLIENT', 'KILL', 'TYPE', 'normal')
  t.match(await client.send('EXEC'), { message: /^EXECABORT .*previous errors/ })
  t.equal(await direct.send('GET', 'n'), null)
  t.equal(await client.send('INCR', 'n'), 1)
})

t.test('a link that a busy server does not let be named — is given to no session of that name', async t => {
  const { holdfast, node } = await startSingle(t)
  const [client, other, caller] = [
    await RespClient.connect(holdfast.port),
    await RespClient.connect(holdfast.port),
    await RespClient.connect(node.port),
  ]
  for (const one of [client, other, caller]) t.teardown(() => one.close())
  const direct = await RespClient.connect(node.port)
  t.teardown(() => direct.close())
  await direct.send('CONFIG', 'SET', 'busy-reply-threshold', '10')
  const namesThatWatch = async (): Promise<string[]> =>
    [...String(await direct.send('CLIENT', 'LIST')).matchAll(/ name=(\S*) .* cmd=watch /g)].map(
      ([, name]) => name ?? '',
    )
  t.equal(await client.send('CLIENT', 'SETNAME', 'first'), 'OK')
  t.equal(await other.send('CLIENT', 'SETNAME', 'second'), 'OK')
  t.equal(await client.send('WATCH', 'k'), 'OK')
  t.strictSame(await namesThatWatch(), ['first'])
  t.equal(await client.send('UNWATCH'), 'OK')
  const script = caller.send('EVAL', 'while true do end', '0')
  const isBusy = async (): Promise<boolean> => (await direct.send('GET', 'k')) instanceof RespError
  await waitUntil('the server is busy', isBusy, { withinMs: 10_000 })
  // A busy server takes WATCH, and no name.
  t.equal(await other.send('WATCH', 'k'), 'OK')
  t.equal(await other.send('UNWATCH'), 'OK')
  t.equal(await direct.send('SCRIPT', 'KILL'), 'OK')
  await script
  t.equal(await other.send('WATCH', 'k'), 'OK')
  t.strictSame(await namesThatWatch(), ['second'])
})
