// What the log says of links: each trouble of a node is told, and none fills the log.
import t from 'tap'
import type { Master } from '../../../src/address.ts'
import { createLog } from '../../../src/ops/log.ts'
import { MissingRights } from '../../../src/ops/missing-rights.ts'
import { LinkLog } from '../../../src/relay/link-log.ts'
import { createIdentity } from '../../../src/upstream/identity.ts'
import { VirtualLoop } from './virtual-loop.ts'

const identity = createIdentity(null, null, 0, 2)
const [one, other] = ['a', 'b'].map((host): Master => ({ host, port: 1, epoch: 1, runId: null }))
const full = 'ERR max number of clients reached'
const unknown = "ERR unknown command 'HELLO'"

t.test('links that do not come up — are told by node and cause — and counted in between', async t => {
  const loop = new VirtualLoop()
  const lines: Record<string, unknown>[] = []
  const log = createLog('info', { write: (line: string) => void lines.push(JSON.parse(line)) })
  const linkLog = new LinkLog(log, new MissingRights(log))
  const fail = (master: Master | undefined, text: string, kind: 'refused' | 'not-ready' = 'refused'): void => {
    if (master !== undefined) linkLog.handshakeFailed(master, identity, { kind, text }, 0)
  }
  const told = (): unknown[] =>
    lines.splice(0).map(({ master, cause, reply, notLogged }) => [master, cause, reply, notLogged])
  loop.play(() => {
    for (let time = 0; time < 3; time++) fail(one, full)
    t.strictSame(told(), [['a:1', 'refused', full, 0]])
    fail(one, unknown)
    t.strictSame(told(), [['a:1', 'refused', unknown, 0]], 'another cause at the same node')
    fail(one, full, 'not-ready')
    t.strictSame(told(), [['a:1', 'not-ready', full, 0]], 'the same words in another step')
    fail(other, full)
    t.strictSame(told(), [['b:1', 'refused', full, 0]], 'the same cause at another node')
    loop.now += 60_000
    fail(one, full)
    t.strictSame(told(), [['a:1', 'refused', full, 2]])
  })
})
