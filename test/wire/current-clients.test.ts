// Current versions of the clients that ask to be told of holds, none of which a registry that we use has: the words of
// their handshakes, which must be answered, and what their parsers ask of a push, which each must get. As read in their
// sources in November 2026; what is here is tried by `npm run clients`.
import t from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { RespClient, RespError, type Value } from '../support/resp-client.ts'
import { RespPush } from '../support/resp-decoder.ts'
import { waitUntil } from '../support/wait-until.ts'

/** The type byte of each element of one push of strings, integers and nulls, and its text; null: of a null. */
interface Frame {
  readonly bytes: number
  readonly elements: readonly { readonly type: string; readonly text: string | null }[]
}

/** The first with this name. By name: a standstill makes a hold of its own, with its two notices. */
function noticeOf(client: RespClient, name: string): Frame {
  const text = client.rawReplies().toString()
  const start = new RegExp(`>\\d+\\r\\n\\$\\d+\\r\\n${name}\\r\\n`).exec(text)?.index
  if (start === undefined) throw new Error(`no ${name}: ${JSON.stringify(text)}`)
  const [head = '', ...lines] = text.slice(start).split('\r\n')
  const left = lines[Symbol.iterator]()
  const next = (): string => left.next().value ?? ''
  const elements: { type: string; text: string | null }[] = []
  let bytes = head.length + 2
  while (elements.length < Number(head.slice(1))) {
    const line = next()
    const type = line[0] ?? ''
    const bulk = type === '$' ? next() : null
    bytes += line.length + 2 + (bulk === null ? 0 : bulk.length + 2)
    elements.push({ type, text: bulk ?? (type === '_' ? null : line.slice(1)) })
  }
  return { bytes, elements }
}

const hasHeard = ({ pushes }: RespClient, name: string): boolean =>
  pushes.some(push => push instanceof RespPush && push.items[0] === name)

const isInteger = ({ elements }: Frame, at: number): boolean => elements[at]?.type === ':'
const isBulk = ({ elements }: Frame, at: number): boolean => elements[at]?.type === '$'
/** Null, or cut at every colon it is a host and a port. */
const isPlace = ({ elements }: Frame, at: number): boolean => {
  const text = elements[at]?.text
  return text === null || (isBulk({ bytes: 0, elements }, at) && /^[^:]+:\d+$/.test(text ?? ''))
}

interface Current {
  readonly name: string
  /** Up to the question for notices, in the order in which the client sends it. */
  readonly handshake: readonly (readonly string[])[]
  readonly takesBegin: (push: Frame) => boolean
  readonly takesEnd: (push: Frame) => boolean
  readonly takesMoving: (push: Frame) => boolean
}

const current: readonly Current[] = [
  {
    // push_notification_handler.go, internal/proto/reader.go. Releases of 2025 wait for 36 bytes before they read on.
    name: 'go-redis 9',
    handshake: [
      ['hello', '3'],
      ['client', 'setinfo', 'LIB-NAME', 'go-redis(,go1.24.1)'],
      ['client', 'setinfo', 'LIB-VER', '9.17.0'],
      ['client', 'maint_notifications', 'on', 'moving-endpoint-type', 'internal-ip'],
    ],
    takesBegin: push => push.bytes >= 36 && isBulk(push, 0) && push.elements.length >= 2,
    takesEnd: push => push.bytes >= 36 && isBulk(push, 0) && push.elements.length >= 2,
    takesMoving: push =>
      push.bytes >= 36 && isBulk(push, 0) && isInteger(push, 1) && isInteger(push, 2) && isPlace(push, 3),
  },
  {
    // _parsers/base.py: MaintenanceNotificationsParser.
    name: 'redis-py 8',
    handshake: [
      ['HELLO', '3'],
      ['CLIENT', 'MAINT_NOTIFICATIONS', 'ON', 'moving-endpoint-type', 'internal-ip'],
      ['CLIENT', 'SETINFO', 'LIB-NAME', 'redis-py'],
      ['CLIENT', 'SETINFO', 'LIB-VER', '8.1.0'],
    ],
    takesBegin: push => isInteger(push, 1) && isInteger(push, 2),
    takesEnd: push => isInteger(push, 1),
    takesMoving: push => isInteger(push, 1) && isInteger(push, 2) && isPlace(push, 3),
  },
  {
    // MaintenanceAwareConnectionWatchdog.java.
    name: 'Lettuce 7',
    handshake: [
      ['HELLO', '3'],
      ['CLIENT', 'SETINFO', 'lib-name', 'Lettuce'],
      ['CLIENT', 'SETINFO', 'lib-ver', '7.7.0.RELEASE'],
      ['CLIENT', 'MAINT_NOTIFICATIONS', 'on', 'moving-endpoint-type', 'internal-ip'],
    ],
    takesBegin: push => push.elements.length >= 4 && isBulk(push, 3),
    takesEnd: push => push.elements.length >= 3 && isBulk(push, 2),
    takesMoving: push => push.elements.length === 4 && isInteger(push, 1) && isInteger(push, 2) && isPlace(push, 3),
  },
  {
    // MaintenancePushCodec.java.
    name: 'Jedis 8.1',
    handshake: [
      ['HELLO', '3'],
      ['CLIENT', 'SETINFO', 'LIB-NAME', 'jedis'],
      ['CLIENT', 'SETINFO', 'LIB-VER', '8.1.0'],
      ['CLIENT', 'MAINT_NOTIFICATIONS', 'ON', 'moving-endpoint-type', 'internal-ip'],
    ],
    takesBegin: push => isInteger(push, 1) && isInteger(push, 2) && isBulk(push, 3),
    takesEnd: push => isInteger(push, 1) && isBulk(push, 2),
    takesMoving: push => isInteger(push, 1) && isInteger(push, 2) && isPlace(push, 3),
  },
  {
    // enterprise-maintenance-manager.ts.
    name: 'node-redis 6',
    handshake: [
      ['HELLO', '3'],
      ['CLIENT', 'SETINFO', 'LIB-NAME', 'node-redis'],
      ['CLIENT', 'MAINT_NOTIFICATIONS', 'ON', 'moving-endpoint-type', 'internal-ip'],
    ],
    takesBegin: push => isBulk(push, 0),
    takesEnd: push => isBulk(push, 0),
    // Of a null it asserts that it has asked for `none`.
    takesMoving: push => isInteger(push, 2) && isPlace(push, 3) && push.elements[3]?.text !== null,
  },
  {
    // The development branch, behind 6.0.
    name: 'ioredis',
    handshake: [
      ['hello', '3'],
      ['client', 'MAINT_NOTIFICATIONS', 'ON', 'moving-endpoint-type', 'internal-ip'],
      ['client', 'SETINFO', 'LIB-NAME', 'ioredis'],
    ],
    takesBegin: push => isBulk(push, 0) && isInteger(push, 1) && isInteger(push, 2),
    takesEnd: push => isBulk(push, 0) && isInteger(push, 1),
    takesMoving: push => isInteger(push, 1) && isInteger(push, 2) && isPlace(push, 3),
  },
]

t.test(
  'current clients — are answered as they greet, and take what they are told — from a hold to the end',
  async t => {
    const { holdfast, node, sentinel } = await startSingle(t, {
      options: { announce: 'holdfast.example:6379', 'shutdown-grace': '3s' },
    })
    const about = `master mymaster ${node.host} ${node.port}`
    const clients = await Promise.all(
      current.map(async one => {
        const client = await RespClient.connect(holdfast.port, '127.0.0.1', { capture: true })
        t.teardown(() => client.close())
        // In one write: some pipeline their handshake.
        const replies = await client.pipeline(one.handshake)
        replies.forEach((reply: Value, n) => {
          const isMap = n === 0 && reply instanceof Map
          const said = reply instanceof RespError ? reply.message : ''
          t.ok(isMap || reply === 'OK', `${one.name}: ${one.handshake[n]?.join(' ')} ${said}`)
        })
        return { one, client }
      }),
    )
    const heard = (name: string): Promise<unknown> =>
      waitUntil(`all have ${name}`, () => clients.every(({ client }) => hasHeard(client, name)), { withinMs: 20_000 })
    sentinel.flags = 'master,failover_in_progress'
    sentinel.publish('+elected-leader', about)
    await heard('FAILING_OVER')
    sentinel.flags = 'master'
    sentinel.publish('-failover-abort-no-good-slave', about)
    await heard('FAILED_OVER')
    const stopped = holdfast.stop()
    await heard('MOVING')
    for (const { one, client } of clients) {
      const begin = noticeOf(client, 'FAILING_OVER')
      const end = noticeOf(client, 'FAILED_OVER')
      const moving = noticeOf(client, 'MOVING')
      t.ok(one.takesBegin(begin), `${one.name} takes FAILING_OVER`)
      t.ok(one.takesEnd(end), `${one.name} takes FAILED_OVER`)
      t.ok(one.takesMoving(moving), `${one.name} takes MOVING`)
      await client.close()
    }
    await stopped
  },
)

t.test('MOVING without an address — is no shorter than go-redis waits for — and a null that all take', async t => {
  const { holdfast } = await startSingle(t, { options: { 'shutdown-grace': '3s' } })
  const client = await RespClient.connect(holdfast.port, '127.0.0.1', { capture: true })
  await client.send('HELLO', '3')
  t.equal(await client.send('CLIENT', 'MAINT_NOTIFICATIONS', 'ON', 'moving-endpoint-type', 'none'), 'OK')
  const stopped = holdfast.stop()
  await waitUntil('it is told', () => hasHeard(client, 'MOVING'), { withinMs: 20_000 })
  const moving = noticeOf(client, 'MOVING')
  for (const { name, takesMoving } of current)
    if (name !== 'node-redis 6') t.ok(takesMoving(moving), `${name} takes a null`)
  await client.close()
  await stopped
})
