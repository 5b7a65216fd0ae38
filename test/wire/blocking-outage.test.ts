// A blocking command has a time of its own: with no master in sight it still ends when that is over, as on a server
// where nothing came, and not when a master is back.

import t from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { judgeOnce } from '../support/judge-bound.ts'
import { openWindow } from '../support/pace.ts'
import { RespClient } from '../support/resp-client.ts'
import { endServer, restartServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

const commands: readonly (readonly [command: readonly string[], resp2: string, resp3: string])[] = [
  [['BLPOP', 'q', '0.4'], '*-1\r\n', '_\r\n'],
  [['BLMOVE', 'q', 'r', 'LEFT', 'LEFT', '0.4'], '$-1\r\n', '_\r\n'],
  [['BZPOPMIN', 'z', '0.4'], '*-1\r\n', '_\r\n'],
  [['XREAD', 'BLOCK', '400', 'STREAMS', 's', '$'], '*-1\r\n', '_\r\n'],
  [['WAIT', '1', '400'], ':0\r\n', ':0\r\n'],
]

t.test('blocking commands — end when their own time is over — while there is no master', async t => {
  const { holdfast, node } = await startSingle(t)
  const sessions = []
  for (const [command, resp2, resp3] of commands)
    for (const [protocol, expected] of [
      ['2', resp2],
      ['3', resp3],
    ] as const) {
      const client = await RespClient.connect(holdfast.port)
      t.teardown(() => client.close())
      await client.send('HELLO', protocol)
      sessions.push({ client, command, protocol, expected })
    }
  await endServer(node)
  await Promise.all(
    sessions.map(async ({ client, command, protocol, expected }) => {
      const readPace = openWindow()
      const startedAt = performance.now()
      const raw = await client.sendForBytes(...command)
      const ms = performance.now() - startedAt
      const name = `${command[0]} RESP${protocol}`
      t.equal(raw.toString(), expected, name)
      t.ok(ms >= 395, `${name} after ${Math.round(ms)} ms`)
      await judgeOnce(t, `${name} ends`, 1000, ms, readPace())
    }),
  )
})

t.test(
  'a hold — counts blocking commands whose own time is over — apart from those that it has let expire',
  async t => {
    const { holdfast, node } = await startSingle(t, {
      options: { 'hold-timeout': '3s' },
      expectedErrors: ['gate.tripped'],
    })
    const clients = await Promise.all(Array.from({ length: 3 }, () => RespClient.connect(holdfast.port)))
    for (const client of clients) t.teardown(() => client.close())
    const [first, second, third] = clients
    if (!first || !second || !third) throw new Error('too few')
    const since = holdfast.log.length
    await endServer(node)
    const read = third.send('GET', 'k')
    // What ends before it is none of the hold's.
    await waitUntil('commands are held', () => holdfast.find('hold.start', since), { withinMs: 20_000 })
    t.strictSame(await Promise.all([first.send('BLPOP', 'q', '0.2'), second.send('BLPOP', 'q', '0.3')]), [null, null])
    t.match(await read, { code: 'TRYAGAIN' })
    t.equal(holdfast.counters.timedOut, 2)
    t.equal(holdfast.counters.expired, 1)
    const from = holdfast.log.length
    await restartServer(node)
    const line = await waitUntil('it is over', () => holdfast.find('hold.end', from), { withinMs: 60_000 })
    t.match(line, { expired: 1, timedOut: 2 })
  },
)

for (const policy of ['safe', 'once'] as const)
  t.test(`XREAD from $ — changes nothing, so it goes again and misses nothing — under ${policy}`, async t => {
    // Without --ack: what a command that blocks is told waits for replicas, and so does where it begins.
    const { holdfast, node } = await startSingle(t, {
      options: { 'retry-policy': policy, ack: 'master', reads: 'plain' },
    })
    const [reader, direct] = [await RespClient.connect(holdfast.port), await RespClient.connect(node.port)]
    for (const client of [reader, direct]) t.teardown(() => client.close())
    await direct.send('XADD', 's', '1-1', 'f', 'old')
    const read = reader.send('XREAD', 'BLOCK', '0', 'STREAMS', 's', '$')
    const blocks = async (): Promise<boolean> =>
      String(await direct.send('INFO', 'clients')).includes('blocked_clients:1')
    await waitUntil('it blocks', blocks, { withinMs: 20_000 })
    // At once, so that the session is not back in between.
    await direct.pipeline([
      ['MULTI'],
      ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'],
      ['XADD', 's', '1-2', 'f', 'new'],
      ['EXEC'],
    ])
    t.strictSame(await read, [['s', [['1-2', ['f', 'new']]]]])
  })
