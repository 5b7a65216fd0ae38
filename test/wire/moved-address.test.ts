// An address that leads to another process than before, while the one before lives: a name that has moved, a load balancer.
import t from 'tap'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { FaultyLink } from '../support/faulty-link.ts'
import { startHoldfast, startReplica } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { anyFlavour, endServer, makeFolder, removeFolder, startServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

t.test(
  'the address of the master — that led to a replica at first — is served when it leads to the master',
  async t => {
    const dir = await makeFolder()
    t.teardown(() => removeFolder(dir))
    const master = await startServer({ flavour: anyFlavour(), kind: 'data', name: 'master', dir, config: ['save ""'] })
    t.teardown(() => endServer(master))
    const replica = await startReplica(t, master, { dir })
    const wire = await FaultyLink.start(t, replica)
    const sentinel = await FakeSentinel.start(t, { master: { host: wire.host, port: wire.port } })
    const holdfast = await startHoldfast(t, {
      sentinels: [`${sentinel.host}:${sentinel.port}`],
      options: { 'hold-timeout': '20s' },
    })
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    const reply = client.send('SET', 'k', 'v')
    const isHeld = () => holdfast.log.find(({ cause }) => cause === 'not-master')
    await waitUntil('the replica has said what it is', isHeld, { withinMs: 10_000 })
    wire.target = { host: master.host, port: master.port }
    t.equal(await reply, 'OK')
  },
)
