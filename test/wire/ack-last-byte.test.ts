// --ack replicated: a client has sent its last byte behind a BLPOP. The server closes the link behind the reply, and the
// client is told what it took all the same, when a replica has it.
import t, { type Test } from 'tap'
import { scrape, sumOf } from '../support/admin.ts'
import { type HoldfastOptions, type InProcess, startReplica, startSingle } from '../support/holdfast.ts'
import { slowness } from '../support/pace.ts'
import { ask, RespClient, RespError } from '../support/resp-client.ts'
import { endServer, makeFolder, type Node, removeFolder, resumeServer, stopServer } from '../support/servers.ts'
import { settings } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'

const soon = { withinMs: 20_000 }
const notConfirmed = /^UNKNOWN holdfast: the command has run on the master, but not enough replicas have/

interface Leaving {
  readonly holdfast: InProcess
  readonly master: Node
  readonly replica: Node
  /** So many of its two commands have a reply. */
  readonly said: () => number
  /** The replies to its SET and its BLPOP, as text, when its connection has ended in order. */
  readonly told: () => Promise<readonly string[]>
}

/** Its end has reached the server behind both commands, and the server has closed the link. The replica stands still. */
async function leave(
  t: Test,
  list: readonly string[],
  given: Pick<HoldfastOptions, 'options' | 'expectedErrors'> = {},
) {
  // Elsewhere there is a replica that nobody stops.
  const ack = settings.isReplicated ? 'replicated=2' : 'replicated'
  const options = { 'retry-policy': 'always', ack, 'admin-listen': '127.0.0.1:0', ...given.options }
  const { holdfast, node: master } = await startSingle(t, { ...given, options })
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const replica = await startReplica(t, master, { dir, name: 'stopped' })
  const connect = async (): Promise<RespClient> => {
    const sessions = holdfast.counters.sessionsTotal
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    await waitUntil('its session has begun', () => holdfast.counters.sessionsTotal > sessions, soon)
    return client
  }
  const leaver = await connect()
  // Its link is its own from here on.
  t.equal(await leaver.send('WATCH', 'other'), 'OK')
  for (const element of list) await ask(master, ['RPUSH', 'list', element])
  await stopServer(replica)
  await stopServer(master)
  let said = 0
  const replies = ['SET k v', 'BLPOP list 0'].map(async words => {
    const reply = await leaver.send(...words.split(' ')).catch((error: Error) => error.name)
    said++
    return reply instanceof RespError ? reply.message : String(reply)
  })
  const inFlight = async (): Promise<number> => sumOf(await scrape(holdfast.admin), 'holdfast_requests_in_flight')
  // Of a client that is gone by then BLPOP would not be sent.
  await waitUntil('both are sent', async () => (await inFlight()) === 2, soon)
  leaver.socket.end()
  // By then its end is read, which came before them.
  for (let i = 0; i < 2; i++) await connect()
  resumeServer(master)
  await waitUntil('the link is closed', () => holdfast.counters.detail.linksLost.get('peer-closed') === 1, soon)
  const told = async (): Promise<readonly string[]> => {
    await waitUntil('both are answered, and the connection ends', () => said === 2 && leaver.socket.closed, soon)
    t.equal((await leaver.closed).error, null)
    return await Promise.all(replies)
  }
  return { holdfast, master, replica, said: () => said, told } satisfies Leaving
}

t.test('the end of a client behind BLPOP — what it took is told when a replica has it', async t => {
  const { holdfast, replica, said, told } = await leave(t, ['x'])
  await waitUntil('the replica is missed', () => holdfast.find('ack.short'), soon)
  t.equal(said(), 0, 'nothing is told that no replica has')
  resumeServer(replica)
  t.strictSame(await told(), ['OK', 'list,x'])
})

t.test('the end of a client behind BLPOP — nothing to take — what stands before it is told', async t => {
  const { master, replica, told } = await leave(t, [])
  resumeServer(replica)
  t.strictSame(await told(), ['OK', 'ConnectionLost'], 'a server closes without a reply, too')
  t.equal(await ask(master, ['RPUSH', 'list', 'x']), 1)
  t.equal(await ask(master, ['LLEN', 'list']), 1, 'nobody takes it')
})

t.test('the end of a client behind BLPOP — no replica in time — is told so', async t => {
  const options = { 'hold-timeout': `${Math.round(2500 * slowness())}ms` }
  const { replica, told } = await leave(t, ['x'], { options, expectedErrors: ['ack.tripped'] })
  for (const reply of await told()) t.match(reply, notConfirmed)
  resumeServer(replica)
})

t.test('the end of a client behind BLPOP — the master dies — is told that nobody can confirm it', async t => {
  const { master, replica, told } = await leave(t, ['x'])
  await endServer(master)
  for (const reply of await told()) t.match(reply, notConfirmed)
  resumeServer(replica)
})
