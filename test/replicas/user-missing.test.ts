// The port for replicas, and a replica that lacks the user of a client (ACLs are not replicated): there nobody waits for
// the user. A replica that restarts is no failover, and the client is told what to mend.
import t from 'tap'
import { startHoldfast } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import { replicasAreGood, sessionsLeave, sessionsReturn } from './scene.ts'

const user = ['ACL', 'SETUSER', 'app', 'on', '>pw', '~*', '&*', '+@all']

t.test('a replica comes back without the user — its commands fail at once — until the user is made there', async t => {
  const set = await SentinelSet.start({ replicas: 1 })
  t.teardown(() => set.stopAll())
  const [master, replica] = set.nodes
  if (master === undefined || replica === undefined) throw new Error('not two nodes')
  for (const node of set.nodes) t.equal(await set.command(node, ...user), 'OK')
  const holdfast = await startHoldfast(t, {
    sentinels: set.sentinelAddresses(),
    options: { 'admin-listen': '127.0.0.1:0', 'replica-listen': '127.0.0.1:0', 'hold-timeout': '5m' },
    expectedErrors: ['link.refused'],
  })
  await replicasAreGood(holdfast, 1)
  const client = await RespClient.connect(holdfast.replicaPort)
  t.teardown(() => client.close())
  t.equal(await client.send('AUTH', 'app', 'pw'), 'OK')
  t.equal(await client.send('GET', 'k'), null)

  await set.kill(replica)
  await sessionsLeave({ holdfast }, replica)
  t.equal(await client.send('GET', 'k'), null, 'it reads at the master')
  await set.restart(replica)
  await sessionsReturn({ holdfast }, replica)
  let reply: unknown
  const answered = client.send('GET', 'k').then(value => {
    reply = value
  })
  await waitUntil('it is told', () => reply !== undefined, { withinMs: 20_000 })
  await answered
  t.match(reply, { message: /^WRONGPASS/ })
  t.match(holdfast.find('link.refused'), { commandsWaitMs: undefined })
  t.equal(await set.command(replica, ...user), 'OK')
  t.equal(await client.send('GET', 'k'), null)
  await holdfast.stop()
})
