// Clients of Valkey that can be redirected (CLIENT CAPA redirect), at the port for replicas: a replica would send them to
// the master, whose address they are not to know.
import t from 'tap'
import { startHoldfast } from '../support/holdfast.ts'
import { isOlder } from '../support/needs.ts'
import { RespClient, RespError, type Value } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { findServer } from '../support/servers.ts'
import { sessionsLeave } from './scene.ts'

const skip =
  findServer('valkey') === undefined
    ? 'valkey-server is not installed'
    : isOlder('valkey', 8) && 'CLIENT CAPA came with Valkey 8'

const READONLY = "READONLY You can't write against a read only replica."
const told = (replies: readonly Value[]): unknown[] =>
  replies.map(reply => (reply instanceof RespError ? reply.message : reply))

t.test('a client that can be redirected — reads at a replica — and its writes are refused', { skip }, async t => {
  const set = await SentinelSet.start({ flavour: 'valkey', replicas: 1 })
  t.teardown(() => set.stopAll())
  const [, replica] = set.nodes
  if (replica === undefined) throw new Error('no replica')
  const options = { 'admin-listen': '127.0.0.1:0', 'replica-listen': '127.0.0.1:0', 'hold-timeout': '20s' }
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options })
  const connect = async (): Promise<RespClient> => {
    const client = await RespClient.connect(holdfast.replicaPort)
    t.teardown(() => client.close())
    return client
  }
  const read = [
    ['GET', 'k'],
    ['SET', 'k', 'v'],
  ]
  const outside = await connect()
  t.strictSame(told(await outside.pipeline([['CLIENT', 'CAPA', 'redirect', 'later'], ...read])), ['OK', null, READONLY])
  const inside = await connect()
  const transaction = [['MULTI'], ['CLIENT', 'CAPA', 'REDIRECT'], ['GET', 'k'], ['EXEC']]
  t.strictSame(told(await inside.pipeline([...transaction, ...read])), [
    ...['OK', 'QUEUED', 'QUEUED', ['OK', null]],
    ...[null, READONLY],
  ])
  t.match(await outside.send('CLIENT', 'CAPA'), { message: /wrong number of arguments/ })
  await set.kill(replica)
  await sessionsLeave({ holdfast }, replica)
  for (const client of [outside, inside]) t.strictSame(told(await client.pipeline(read)), [null, READONLY])
})
