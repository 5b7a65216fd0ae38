// The link of one lane: when it may be dialled, and what the next one ends first.
import { Socket } from 'node:net'
import t from 'tap'
import type { Master } from '../../../src/address.ts'
import { errors } from '../../../src/errors.ts'
import { createCounters } from '../../../src/ops/counters.ts'
import type { LaneHost } from '../../../src/relay/lane-host.ts'
import { LaneLink, type LinkedLane } from '../../../src/relay/lane-link.ts'
import type { Request } from '../../../src/relay/request.ts'
import { ScriptLoading } from '../../../src/relay/script-loading.ts'
import { ScriptStore } from '../../../src/relay/script-store.ts'
import { OpenFiles } from '../../../src/transport/open-files.ts'
import { Password } from '../../../src/transport/password.ts'
import { Sockets } from '../../../src/transport/sockets.ts'
import { createIdentity } from '../../../src/upstream/identity.ts'
import type { Link } from '../../../src/upstream/link.ts'
import { LiveLinks } from '../../../src/upstream/live-links.ts'
import { Turn } from '../../../src/upstream/turn.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { dialMemory } from './memory-net.ts'
import { VirtualLoop } from './virtual-loop.ts'

const first: Master = { host: 'a', port: 1, epoch: 1, runId: 'run-a' }
const second: Master = { host: 'b', port: 2, epoch: 2, runId: 'run-b' }

/** A lane's link whose host names `master`, and what the handshake of its link says. */
function scene({
  owner = null,
  files = new OpenFiles(),
  password = null,
}: {
  owner?: object | null
  files?: OpenFiles
  password?: Password | null
} = {}) {
  const gate: { master: Master | null } = { master: first }
  const madeRoom: number[] = []
  const host = {
    takeAhead: () => undefined,
    gate,
    turn: new Turn(() => {}),
    connectTimeoutMs: 1000,
    counters: createCounters(),
    live: new LiveLinks(),
    sockets: new Sockets(),
    dial: dialMemory({ onDial() {}, onWrite() {}, onDestroy() {} }),
    backoff: { minMs: 1, maxMs: 1 },
    loading: new ScriptLoading(new ScriptStore()),
    files,
    holdLimitMs: 60_000,
    outOfTime: errors.noMaster,
    makeRoom: () => {
      madeRoom.push(1)
    },
    mayDialNow: () => true,
    wakeSoon() {},
  }
  const lane = {
    identity: createIdentity(null, password, 0, 2),
    kind: owner === null ? 'shared' : 'private',
    owner,
    onPauseOver: () => uplink.ensure(),
    prover: null,
  }
  const uplink: LaneLink = new LaneLink(host as unknown as LaneHost, lane as unknown as LinkedLane)
  const lose = (clientId: number): void => {
    uplink.ensure()
    const { link } = uplink
    if (link === null) throw new Error('nothing was dialled')
    link.handshake.clientId = clientId
    uplink.onLost(link, 'reset', true)
  }
  const ends = (): string[] => {
    uplink.ensure()
    return uplink.link?.handshake.bytes.toString().match(/(?<=ID\r\n\$1\r\n)\d/g) ?? []
  }
  return { gate, uplink, lose, ends, madeRoom }
}

t.test('link of a lane — is dialled again — only after a confirmation', async t => {
  const { uplink, lose } = scene()
  lose(7)
  uplink.ensure()
  t.equal(uplink.state, 'unconfirmed')
  uplink.onConfirmed(false)
  uplink.ensure()
  t.ok(uplink.link)
})

t.test('link of a lane — ends all lost ones — of the same process', async t => {
  const { uplink, lose, ends } = scene()
  lose(7)
  uplink.onConfirmed(false)
  lose(8)
  uplink.onConfirmed(false)
  t.strictSame(ends(), ['7', '8'])
})

t.test('link of a lane — ends no stranger — whose node has the id of another node', async t => {
  const { gate, uplink, lose, ends } = scene()
  lose(7)
  gate.master = second
  uplink.onConfirmed(true)
  lose(8)
  uplink.onConfirmed(false)
  t.strictSame(ends(), ['8'])
})

t.test('link of a lane — ends what a lane owed that sessions have left for it — once, however many come', async t => {
  const [left, right] = [scene(), scene()]
  left.lose(7)
  for (let i = 0; i < 12; i++) {
    right.uplink.inherit(left.uplink)
    left.uplink.inherit(right.uplink)
  }
  const ended: string[] = []
  const link = {
    master: first,
    handshake: { signedIn: true },
    send: ({ bytes }: Request) => ended.push(...(bytes.toString().match(/(?<=ID\r\n\$1\r\n)\d/g) ?? [])),
  }
  for (let i = 0; i < 2; i++) right.uplink.endInherited(link as unknown as Link<Request>)
  t.strictSame(ended, ['7'])
  t.equal(right.uplink.mayRunLate, false)
})

t.test('link of a lane — is never dialled — once the lane is closed', async t => {
  const { uplink } = scene()
  t.equal(uplink.release(), null)
  uplink.onConfirmed(true)
  uplink.ensure()
  t.equal(uplink.state, 'closed')
})

t.test('link of a lane — is dialled at once when its node is no master any more — and the second time not', async t => {
  const { gate, uplink } = scene()
  const loop = new VirtualLoop()
  const sayNoMaster = (upMs: number): void => {
    uplink.ensure()
    const { link } = uplink
    if (link === null) throw new Error('nothing was dialled')
    uplink.onReady(link)
    loop.now += upMs
    uplink.onWrongNode()
    uplink.onLost(link, 'cut', false)
    uplink.onConfirmed(false)
  }
  loop.play(() => {
    sayNoMaster(5000)
    t.equal(uplink.isPaused, false, 'a failover')
    sayNoMaster(1)
    t.equal(uplink.isPaused, true, 'the same node again')
    gate.master = second
    uplink.onConfirmed(true)
    t.equal(uplink.isPaused, false, 'another one')
    sayNoMaster(1)
    t.equal(uplink.isPaused, false, 'it says so for the first time')
    sayNoMaster(5000)
    t.equal(uplink.isPaused, false)
  })
})

t.test('link of a session — waits while others have all files — and a shared link does not', async t => {
  const files = new OpenFiles({ clients: 1, sparing: 1, sockets: 1, leaving: 1, admin: 1, viewers: 1 })
  const other = new Socket()
  files.count(other)
  const shared = scene({ files })
  shared.uplink.ensure()
  t.ok(shared.uplink.link)
  const { uplink, madeRoom } = scene({ files, owner: { restore: () => null, label: () => '' } })
  uplink.ensure()
  t.equal(uplink.link, null)
  t.equal(madeRoom.length, 1, 'what nobody needs is ended')
  t.equal(uplink.outOfTime, errors.noMaster, 'a moment is no shortage')
  await waitUntil('it looks again', () => madeRoom.length > 1, { withinMs: 5000 })
  t.equal(uplink.outOfTime, errors.noFiles)
  other.destroy()
  await waitUntil('it is dialled', () => uplink.link, { withinMs: 5000 })
})

const wrongPass = '-WRONGPASS invalid username-password pair or user is disabled.\r\n'
const auth = { kind: 'auth', text: wrongPass.slice(1, -2), frame: Buffer.from(wrongPass) } as const
const refused = { kind: 'refused', text: 'ERR max number of clients reached' } as const

t.test('end of the hold time — is told with the cause — that the client can mend, and no other', async t => {
  const { uplink, gate } = scene()
  t.equal(uplink.outOfTime, errors.noMaster)
  uplink.onHandshakeFailed(auth)
  t.strictSame(uplink.outOfTime, { reply: auth.frame, executed: 'no' }, 'its own password')
  uplink.onHandshakeFailed(refused)
  t.equal(uplink.outOfTime, errors.noLink)
  gate.master = null
  t.equal(uplink.outOfTime, errors.noMaster, 'there is no master: nobody can tell whether the next one refuses')
  const own = scene({ password: new Password('secret', '/a/file') })
  own.uplink.onHandshakeFailed(auth)
  t.equal(own.uplink.outOfTime, errors.noMaster, 'clients do not know the password in the file')
})

t.test('a link that was refused — is no cause any more — once one is up, or the master is another', async t => {
  const { uplink, gate } = scene()
  uplink.ensure()
  const { link } = uplink
  if (link === null) throw new Error('nothing was dialled')
  uplink.onHandshakeFailed(refused)
  uplink.onReady(link)
  t.equal(uplink.outOfTime, errors.noMaster, 'a link is up')
  uplink.onHandshakeFailed(auth)
  t.equal(uplink.refusedUser, 'default')
  uplink.onConfirmed(false)
  t.equal(uplink.refusedUser, 'default', 'the same master')
  gate.master = second
  uplink.onConfirmed(true)
  t.equal(uplink.refusedUser, null, 'nobody knows of the next one')
  t.equal(uplink.outOfTime, errors.noMaster)
})
