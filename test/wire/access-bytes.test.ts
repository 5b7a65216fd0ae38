// Names and passwords that are no UTF-8: Redis compares bytes, so they work through Holdfast as they do directly, on
// links that are made again too, in files, and two that look alike as text stay two.
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { closeClient, createClient } from '../../src/sentinel/ioredis-client.ts'
import type { ServerRoute } from '../../src/transport/server-route.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { type InProcess, startHoldfast, startSingle, startWitness } from '../support/holdfast.ts'
import { RespClient, RespError } from '../support/resp-client.ts'
import { anyFlavour, endServer, makeFolder, removeFolder, startServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

const name = (byte: number) => Buffer.from([0x75, byte])
const secret = (byte: number) => Buffer.from([0x70, byte, 0x0a, 0x80])

async function connect(t: Test, { port }: { port: number }): Promise<RespClient> {
  const client = await RespClient.connect(port, '127.0.0.1', { buffers: true })
  t.teardown(() => client.close())
  return client
}

/** A user on the node whose name and password are no UTF-8. */
async function createUser(admin: RespClient, byte: number): Promise<void> {
  const password = Buffer.concat([Buffer.from('>'), secret(byte)])
  const made = await admin.send('ACL', 'SETUSER', name(byte), 'on', password, '~*', '&*', '+@all')
  if (String(made) !== 'OK') throw new Error(String(made))
}

t.test('logins of clients — keep their bytes — by AUTH and HELLO, and on links that are made again', async t => {
  const { holdfast, node } = await startSingle(t)
  const admin = await connect(t, node)
  for (const byte of [0xff, 0xfe]) await createUser(admin, byte)
  const first = await connect(t, holdfast)
  const second = await connect(t, holdfast)
  t.equal(String(await first.send('AUTH', name(0xff), secret(0xff))), 'OK')
  t.notOk((await second.send('HELLO', '2', 'AUTH', name(0xfe), secret(0xfe))) instanceof RespError)
  t.ok((await second.send('AUTH', name(0xfe), secret(0xff))) instanceof RespError, 'the password of the other')
  const whoAreThey = async () => [await first.send('ACL', 'WHOAMI'), await second.send('ACL', 'WHOAMI')]
  t.strictSame(await whoAreThey(), [name(0xff), name(0xfe)])
  for (const byte of [0xff, 0xfe]) t.ok(Number(await admin.send('CLIENT', 'KILL', 'USER', name(byte))) >= 1)
  t.strictSame(await whoAreThey(), [name(0xff), name(0xfe)], 'after the links were lost')
})

t.test('password files — keep their bytes — towards Redis, and for clients', async t => {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const node = await startServer({ flavour: anyFlavour(), kind: 'data', name: 'one', dir, config: ['save ""'] })
  t.teardown(() => endServer(node))
  await startWitness(t, node, { dir })
  const admin = await connect(t, node)
  await createUser(admin, 0xff)
  await admin.send('ACL', 'SETUSER', 'ours', 'on', Buffer.concat([Buffer.from('>'), secret(0xfd)]), '~*', '&*', '+@all')
  const files = { ours: join(dir, 'ours'), clients: join(dir, 'clients') }
  writeFileSync(files.ours, secret(0xfd))
  appendFileSync(files.ours, '\n')
  writeFileSync(files.clients, secret(0xfc))
  const sentinel = await FakeSentinel.start(t, { master: { host: node.host, port: node.port } })
  const holdfast: InProcess = await startHoldfast(t, {
    sentinels: [`${sentinel.host}:${sentinel.port}`],
    options: { 'redis-username': 'ours', 'redis-password-file': files.ours, 'client-password-file': files.clients },
  })
  await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 10_000 })
  const client = await connect(t, holdfast)
  t.ok((await client.send('AUTH', 'p\ufffd\n\ufffd')) instanceof RespError, 'what only looks alike is refused')
  t.equal(String(await client.send('AUTH', secret(0xfc))), 'OK')
  t.strictSame(await client.send('ACL', 'WHOAMI'), Buffer.from('ours'))
})

t.test('questions to Sentinels and nodes — sign in with the bytes of a password', async t => {
  const { node } = await startSingle(t)
  const admin = await connect(t, node)
  await admin.send('ACL', 'SETUSER', 'ours', 'on', Buffer.concat([Buffer.from('>'), secret(0xfd)]), '~*', '&*', '+@all')
  for (const protocol of [2, 3] as const) {
    const limits = { connectTimeoutMs: 5000, commandTimeoutMs: 5000, silenceTimeoutMs: 5000 }
    const route: ServerRoute = { address: node, tls: null, keep: () => undefined }
    const about = { route, protocol, username: 'ours', password: secret(0xfd), ...limits }
    const client = createClient(about, error => t.fail(error.message))
    await client.connect()
    t.equal(await client.call('ACL', 'WHOAMI'), 'ours', `RESP${protocol}`)
    await closeClient(client)
  }
})
