// Handoff notifications: who has asked on RESP3 is told when a hold begins and ends and when Holdfast stops, between
// replies, and nobody else ever is. A real server, and a Sentinel that says what a real one says in a failover.
import t, { type Test } from 'tap'
import { type HoldfastOptions, type SingleServer, startSingle } from '../support/holdfast.ts'
import { RespClient, RespError, type Value } from '../support/resp-client.ts'
import { RespPush } from '../support/resp-decoder.ts'
import { deadline, waitUntil } from '../support/wait-until.ts'

const ON = ['CLIENT', 'MAINT_NOTIFICATIONS', 'ON'] as const
const onFor = (type: string): string[] => [...ON, 'moving-endpoint-type', type]

interface Scene extends SingleServer {
  connect(protocol: 2 | 3): Promise<RespClient>
  /** Answers when the gate is shut. */
  beginHold(): Promise<void>
  /** Answers when nothing is held any more. */
  endHold(): Promise<void>
}

async function start(t: Test, options: HoldfastOptions['options'] = {}): Promise<Scene> {
  const single = await startSingle(t, { options: options ?? {} })
  const { holdfast, node, sentinel } = single
  const about = `master mymaster ${node.host} ${node.port}`
  const seen = async (event: string, act: () => void): Promise<void> => {
    const from = holdfast.log.length
    act()
    await waitUntil(event, () => holdfast.find(event, from), { withinMs: 20_000 })
  }
  return {
    ...single,
    connect: async protocol => {
      const client = await RespClient.connect(holdfast.port, '127.0.0.1', { capture: true })
      t.teardown(() => client.close())
      await client.send('HELLO', protocol)
      return client
    },
    beginHold: () =>
      // Not `hold.start`: on a busy machine the gate may be shut already, for a standstill.
      seen('failover.announced', () => {
        sentinel.flags = 'master,failover_in_progress'
        sentinel.publish('+elected-leader', about)
      }),
    endHold: () =>
      seen('hold.end', () => {
        sentinel.flags = 'master'
        sentinel.publish('-failover-abort-no-good-slave', about)
      }),
  }
}

const itemsOf = (push: Value): Value[] => (push instanceof RespPush ? push.items : [push])
/** Names of the notices that a client has got. */
const notices = ({ pushes }: RespClient): string[] => pushes.map(push => String(itemsOf(push)[0]))
const told = (client: RespClient, count: number): Promise<unknown> =>
  waitUntil(`${count} notices`, () => client.pushes.length >= count, { withinMs: 20_000 })

t.test('a session that asks — is told of each hold and of its end — in the shapes that clients take', async t => {
  const { holdfast, connect, beginHold, endHold } = await start(t, { 'hold-timeout': '7500ms' })
  const client = await connect(3)
  t.equal(await client.send(...onFor('internal-ip')), 'OK')
  const before = client.rawReplies().length
  await beginHold()
  await told(client, 1)
  const held = client.send('SET', 'k', 'v')
  await endHold()
  await told(client, 2)
  t.equal(await held, 'OK')
  const text = client.rawReplies().subarray(before).toString()
  const shape =
    />4\r\n\$12\r\nFAILING_OVER\r\n:(\d+)\r\n:8\r\n\$1\r\n1\r\n>3\r\n\$11\r\nFAILED_OVER\r\n:(\d+)\r\n\$1\r\n1\r\n\+OK\r\n$/
  t.match(text, shape)
  await beginHold()
  await endHold()
  await beginHold()
  await told(client, 5)
  t.strictSame(notices(client), ['FAILING_OVER', 'FAILED_OVER', 'FAILING_OVER', 'FAILED_OVER', 'FAILING_OVER'])
  const numbers = client.pushes.map(push => Number(itemsOf(push)[1]))
  t.ok(
    numbers.every((n, i) => n > (numbers[i - 1] ?? 0) && n < 2 ** 31),
    `numbers that grow: ${numbers}`,
  )
  await endHold()
  await told(client, 6)
  const { handoffSessions, failingOverTold, failedOverTold } = holdfast.counters
  t.strictSame([handoffSessions, failingOverTold, failedOverTold], [1, 3, 3])
  await client.close()
  await waitUntil('it is forgotten', () => holdfast.counters.handoffSessions === 0, { withinMs: 5000 })
})

t.test('who has not asked, asked on RESP2, or wants no more — is told nothing', async t => {
  const { connect, beginHold, endHold, holdfast } = await start(t)
  const [asked, silent, old, off, reset, back] = await Promise.all([3, 3, 2, 3, 3, 3].map(p => connect(p as 2 | 3)))
  if (!(asked && silent && old && off && reset && back)) throw new Error('no client')
  for (const client of [asked, old, off, reset, back]) t.equal(await client.send(...onFor('none')), 'OK')
  t.equal(await off.send('CLIENT', 'maint_notifications', 'off'), 'OK')
  t.equal(await reset.send('RESET'), 'RESET')
  await reset.send('HELLO', 3)
  await back.send('HELLO', 2)
  const quiet = [silent, old, off, reset, back]
  const before = quiet.map(client => client.bytesIn)
  await beginHold()
  await told(asked, 1)
  const held = quiet.map(client => client.sendForBytes('GET', 'k'))
  await endHold()
  await told(asked, 2)
  const replies = await Promise.all(held)
  t.strictSame(
    quiet.map(client => client.bytesIn),
    before.map((bytes, i) => bytes + (replies[i]?.length ?? 0)),
    'not a byte but the reply',
  )
  t.equal(holdfast.counters.failingOverTold, 1)
})

t.test('wrong forms — get an error — and change nothing', async t => {
  const { connect, beginHold, endHold, holdfast } = await start(t)
  const client = await connect(3)
  for (const words of [
    [],
    ['MAYBE'],
    ['ON', 'x'],
    ['ON', 'moving-endpoint-type'],
    ['ON', 'moving-endpoint-type', 'x'],
  ]) {
    const reply = await client.send('CLIENT', 'MAINT_NOTIFICATIONS', ...words)
    t.ok(reply instanceof RespError, words.join(' '))
  }
  t.ok((await client.send(...onFor('none'), 'more')) instanceof RespError)
  t.ok((await client.send('CLIENT', 'MAINT_NOTIFICATIONS', 'OFF', 'x')) instanceof RespError)
  await beginHold()
  await endHold()
  t.equal(holdfast.counters.failingOverTold, 0)
})

t.test('whoever asks while commands are held — is told at once, behind the OK', async t => {
  const { connect, beginHold, endHold } = await start(t)
  const [client, waits] = [await connect(3), await connect(3)]
  for (const one of [client, waits]) t.equal(await one.send('PING'), 'PONG', 'the server has let it in')
  await beginHold()
  const before = client.rawReplies().length
  t.equal(await client.send(...ON), 'OK')
  await told(client, 1)
  t.match(client.rawReplies().subarray(before).toString(), /^\+OK\r\n>4\r\n\$12\r\nFAILING_OVER\r\n/)
  t.equal(await client.send(...ON), 'OK', 'once more')
  const [held, asked] = [waits.send('SET', 'k', '1'), waits.send(...ON)]
  await endHold()
  t.strictSame(await Promise.all([held, asked]), ['OK', 'OK'], 'behind what is held')
  await told(client, 2)
  t.strictSame(notices(client), ['FAILING_OVER', 'FAILED_OVER'], 'in turns')
  t.strictSame(notices(waits), [], 'its hold was over')
})

t.test('sessions of every kind — are told wherever their link is — and go on as before', async t => {
  const { connect, beginHold, endHold } = await start(t)
  const subscriber = await connect(3)
  const multi = await connect(3)
  const popper = await connect(3)
  const watcher = await connect(3)
  const mute = await connect(3)
  const all = [subscriber, multi, popper, watcher, mute]
  for (const client of all) t.equal(await client.send(...ON), 'OK')
  await subscriber.send('SUBSCRIBE', 'news')
  await multi.send('MULTI')
  t.equal(await multi.send('INCR', 'n'), 'QUEUED')
  const popped = popper.send('BLPOP', 'list', 0)
  await watcher.send('WATCH', 'w')
  mute.socket.write('*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$3\r\nOFF\r\n')
  for (let hold = 1; hold <= 2; hold++) {
    await beginHold()
    await Promise.all(all.map(client => told(client, 2 * hold - 1)))
    await endHold()
    await Promise.all(all.map(client => told(client, 2 * hold)))
  }
  t.equal(await watcher.send('PUBLISH', 'news', 'late'), 1)
  // A standstill makes a hold of its own, with its two notices.
  const messages = (): Value[][] => subscriber.pushes.map(itemsOf).filter(([kind]) => kind === 'message')
  await waitUntil('the message', () => messages().length > 0, { withinMs: 20_000 })
  t.strictSame(messages(), [['message', 'news', 'late']])
  t.strictSame(await multi.send('EXEC'), [1])
  t.equal(await watcher.send('RPUSH', 'list', 'x'), 1)
  t.strictSame(await popped, ['list', 'x'])
  t.equal(await watcher.send('UNWATCH'), 'OK')
  t.equal(await mute.send('CLIENT', 'REPLY', 'ON'), 'OK')
  await beginHold()
  await Promise.all(all.map(client => told(client, client === subscriber ? 6 : 5)))
  await endHold()
})

t.test('a hold in the middle of large replies — never puts a notice inside one', async t => {
  const { connect, beginHold, endHold } = await start(t)
  const client = await connect(3)
  const value = 'v'.repeat(4 * 1024 * 1024)
  await client.send('SET', 'large', value)
  await client.send('RPUSH', 'parts', ...Array.from({ length: 2000 }, (_, i) => `part ${i} `.repeat(50)))
  t.equal(await client.send(...ON), 'OK')
  for (let round = 0; round < 12; round++) {
    if (round % 2 === 0) client.socket.pause()
    const large = [client.send('GET', 'large'), client.send('LRANGE', 'parts', 0, -1), client.send('GET', 'large')]
    await beginHold()
    await endHold()
    client.socket.resume()
    const [first, parts, last] = await Promise.all(large)
    t.ok(first === value && last === value, `round ${round}`)
    t.ok(Array.isArray(parts) && parts.length === 2000)
  }
  const names = notices(client)
  t.ok(names.length >= 12, `${names.length} notices`)
  t.strictSame(
    names,
    names.map((_, i) => (i % 2 === 0 ? 'FAILING_OVER' : 'FAILED_OVER')),
  )
})

t.test('a thousand sessions — are all told, each in turns', async t => {
  const { connect, beginHold, endHold, holdfast } = await start(t)
  const clients = await Promise.all(Array.from({ length: 1000 }, () => connect(3)))
  await Promise.all(clients.map(client => client.send(...ON)))
  t.equal(holdfast.counters.handoffSessions, 1000)
  await beginHold()
  await Promise.all(clients.map(client => told(client, 1)))
  await endHold()
  await Promise.all(clients.map(client => told(client, 2)))
  for (let i = 0; i < 3; i++) {
    await beginHold()
    await endHold()
  }
  const settled = (): boolean => holdfast.counters.failingOverTold === holdfast.counters.failedOverTold
  await waitUntil('all were told of the end', settled, { withinMs: 20_000 })
  t.strictSame(
    await Promise.all(clients.map(client => client.send('GET', 'k'))),
    clients.map(() => null),
  )
  const wrong = clients.filter(client =>
    notices(client).some((name, i) => name !== (i % 2 === 0 ? 'FAILING_OVER' : 'FAILED_OVER')),
  )
  t.equal(wrong.length, 0)
})

t.test('--handoff-notifications off — leaves the question to the server', async t => {
  const { connect, node, beginHold, endHold, holdfast } = await start(t, { 'handoff-notifications': 'off' })
  const direct = await RespClient.connect(node.port)
  t.teardown(() => direct.close())
  const client = await connect(3)
  t.strictSame(await client.sendForBytes(...ON), await direct.sendForBytes(...ON))
  await beginHold()
  await endHold()
  t.equal(holdfast.counters.failingOverTold, 0)
})

for (const announce of ['holdfast.example:6379', 'none'])
  t.test(`MOVING — when no new clients get in, --announce ${announce} — goes to those it helps`, async t => {
    const { connect, holdfast } = await start(t, { announce, 'shutdown-grace': '3s' })
    const plain = await connect(3)
    const placed = await connect(3)
    const silent = await connect(3)
    const old = await connect(2)
    t.equal(await plain.send(...onFor('none')), 'OK')
    t.equal(await placed.send(...onFor('external-fqdn')), 'OK')
    t.equal(await old.send(...onFor('none')), 'OK')
    const before = [plain, placed, silent, old].map(client => client.rawReplies().length)
    const stopped = holdfast.stop()
    await told(plain, 1)
    t.equal(await plain.send('SET', 'k', '1'), 'OK', 'it is still served')
    if (announce !== 'none') await told(placed, 1)
    for (const client of [placed, silent, old]) t.equal(await client.send('GET', 'k'), '1')
    const [one = '', two = '', three = '', four = ''] = [plain, placed, silent, old].map((client, i) =>
      client.rawReplies().subarray(before[i]).toString(),
    )
    t.match(one, /^>4\r\n\$6\r\nMOVING\r\n:\d+\r\n:3\r\n_\r\n/)
    const address = `>4\r\n$6\r\nMOVING\r\n:N\r\n:3\r\n$${announce.length}\r\n${announce}\r\n`
    t.equal(two.replace(/(MOVING\r\n:)\d+/, '$1N'), `${announce === 'none' ? '' : address}$1\r\n1\r\n`)
    t.strictSame([three, four], ['$1\r\n1\r\n', '$1\r\n1\r\n'])
    for (const client of [plain, placed, silent, old]) await client.close()
    const limit = deadline(20_000, () => t.fail('it did not stop'))
    await stopped
    limit()
  })
