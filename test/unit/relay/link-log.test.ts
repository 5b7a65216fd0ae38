// What the log says of links: each trouble of a node is told, and none fills the log.
import t from 'tap'
import type { Master } from '../../../src/address.ts'
import { createLog } from '../../../src/ops/log.ts'
import { MissingRights } from '../../../src/ops/missing-rights.ts'
import { LinkLog } from '../../../src/relay/link-log.ts'
import type { Request } from '../../../src/relay/request.ts'
import { createIdentity } from '../../../src/upstream/identity.ts'
import type { Link } from '../../../src/upstream/link.ts'
import { VirtualLoop } from './virtual-loop.ts'

const identity = createIdentity(null, null, 0, 2)
const one: Master = { host: 'a', port: 1, epoch: 1, runId: null }
const other: Master = { ...one, host: 'b' }
const full = 'ERR max number of clients reached'
const unknown = "ERR unknown command 'HELLO'"
const wrongPass = 'WRONGPASS invalid username-password pair or user is disabled.'

/** What it has told since the last look: each line by its node, words and what was left out before it. */
function scene() {
  const lines: Record<string, unknown>[] = []
  const log = createLog('info', { write: (line: string) => void lines.push(JSON.parse(line)) })
  const linkLog = new LinkLog(log, new MissingRights(log))
  return {
    linkLog,
    fail: (master: Master, text: string, kind: 'refused' | 'not-ready' = 'refused') =>
      linkLog.handshakeFailed(master, identity, { kind, text }, 0),
    refuse: (master: Master) =>
      linkLog.handshakeFailed(master, identity, { kind: 'auth', text: wrongPass, frame: Buffer.from(wrongPass) }, 0),
    ready: (master: Master) =>
      linkLog.ready({ master, handshake: { missing: [] } } as unknown as Link<Request>, { identity, kind: 'private' }),
    told: () =>
      lines.splice(0).map(({ master, cause, reply, notLogged }) => [master, cause ?? '', reply, notLogged ?? 0]),
  }
}

t.test('links that do not come up — are told by node and cause — and counted in between', async t => {
  const loop = new VirtualLoop()
  const { fail, told } = scene()
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

t.test(
  'a user who is refused — is told once — and anew when the node let it in meanwhile, or the master moved',
  async t => {
    const { refuse, ready, told, linkLog } = scene()
    const refused = ['a:1', '', wrongPass, 0]
    for (let time = 0; time < 3; time++) refuse(one)
    t.strictSame(told(), [refused])
    ready(one)
    refuse(one)
    t.strictSame(told(), [refused], 'it was let in meanwhile')
    refuse(one)
    linkLog.onMoved()
    refuse(one)
    t.strictSame(told(), [refused], 'the master moved')
  },
)
