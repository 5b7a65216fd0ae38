// What a switchover says of a server that does not answer while clients wait: which one it is.
import t from 'tap'
import type { Target } from '../../src/check/ask.ts'
import type { Plan } from '../../src/switchover/plan.ts'
import { Servers } from '../../src/switchover/servers.ts'
import {
  anyFlavour,
  endServer,
  makeFolder,
  type Node,
  removeFolder,
  startServer,
  stopServer,
} from '../support/servers.ts'

t.test('server of a switchover — stands still or has ended — is named in the reason', async t => {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const start = async (name: string): Promise<Node> => {
    const node = await startServer({ flavour: anyFlavour(), kind: 'data', name, dir, config: ['save ""'] })
    t.teardown(() => endServer(node))
    return node
  }
  const [master, replica, sentinel] = [await start('one'), await start('two'), await start('three')]
  const seen = (address: Node) => {
    const target: Target = { route: { address, tls: null, keep: () => {} }, username: null, password: null }
    return { address, target }
  }
  const [first, second] = [seen(master), seen(replica)]
  const plan = { master: first, candidates: [second], sentinel: seen(sentinel) } as unknown as Plan
  const servers = new Servers()
  t.teardown(() => servers.close())
  await servers.open(plan)
  t.match(await servers.replicationOf(plan.master), { role: 'master' })
  await stopServer(replica)
  const [candidate] = plan.candidates
  if (candidate === undefined) throw new Error('there is a candidate')
  await t.rejects(servers.replicationOf(candidate), { message: `127.0.0.1:${replica.port} does not answer: ` })
  await endServer(master)
  await t.rejects(servers.replicationOf(plan.master), { message: `127.0.0.1:${master.port} does not answer: ` })
  await t.rejects(servers.ask('sentinel', 'NONSENSE'), { name: 'ReplyError' })
})
