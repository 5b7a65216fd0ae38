// Whether a link may write markers: a node that refuses them is asked again, after a time that depends on its reason.
import t from 'tap'
import { Markers } from '../../../src/proof/marker.ts'
import { MarkingState } from '../../../src/proof/marking-state.ts'
import type { LaneHost } from '../../../src/relay/lane-host.ts'
import type { ProvenLane } from '../../../src/relay/prover.ts'
import type { Request } from '../../../src/relay/request.ts'
import { createIdentity } from '../../../src/upstream/identity.ts'
import type { Link } from '../../../src/upstream/link.ts'
import { VirtualLoop } from '../relay/virtual-loop.ts'

for (const [reply, quietMs] of [
  ['NOPERM this user has no permissions to run the "hset" command', 5000],
  ["ERR unknown command 'HSET'", 5000],
  ["OOM command not allowed when used memory > 'maxmemory'.", 1000],
] as const)
  t.test(`markers — after ${reply.split(' ', 1)} — are not asked for again for ${quietMs} ms`, async t => {
    const loop = new VirtualLoop()
    loop.play(() => {
      const asked: Request[] = []
      const link = { send: (request: Request) => void asked.push(request) } as unknown as Link<Request>
      const lane = { identity: createIdentity(null, null, 0, 2), kind: 'shared', link: null } as unknown as ProvenLane
      const state = new MarkingState(lane, { passes: () => false } as unknown as LaneHost, new Markers(0))
      state.onReady(link, Buffer.from(`-${reply}\r\n`))
      t.equal(state.admits(link), true, 'writes go without')
      loop.now += quietMs - 1
      t.equal(state.admits(link), true)
      t.equal(asked.length, 0)
      loop.now += 1
      t.equal(state.admits(link), false, 'it is asked now, and writes wait for the answer')
      t.equal(state.admits(link), false)
      t.equal(asked.length, 1, 'once')
    })
  })
