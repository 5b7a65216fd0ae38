// What is known of a request whose link was lost, when its time is over before it is answered.
import t from 'tap'
import { createCounters } from '../../../src/ops/counters.ts'
import { Doubts } from '../../../src/proof/doubts.ts'
import { Markers } from '../../../src/proof/marker.ts'
import type { LaneHost } from '../../../src/relay/lane-host.ts'
import { createRun, type RequestOwner } from '../../../src/relay/request.ts'
import { encodeCommand } from '../../../src/resp/encode.ts'
import type { Handshake } from '../../../src/upstream/handshake.ts'

const owner = { gone: false, pending: 1 } as unknown as RequestOwner
const cases = [
  { marker: 1, knownNotToHaveRun: false, what: 'it has run' },
  { marker: 0, knownNotToHaveRun: true, what: 'it has not' },
] as const

for (const { marker, knownNotToHaveRun, what } of cases)
  t.test(`a write that always sends again — ${what} by the marker — and its error will say so`, async t => {
    const host = { counters: createCounters(), policy: { policy: 'always', maxRetries: 0 } } as unknown as LaneHost
    const markers = new Markers(1000)
    const series = markers.newSeries({ database: 0, key: 'user' }, 4)
    const doubts = new Doubts(host, true)
    const request = createRun(owner, encodeCommand(['INCR', 'n']), 1)
    request.sends = 1
    doubts.setAside(request)
    t.ok(doubts.hasNotRun(request), 'a node has refused it')
    t.strictSame(doubts.add(request, { series, slot: 0, seq: 1 }), [request])
    t.notOk(doubts.hasNotRun(request), 'nobody knows')
    t.ok(doubts.toRead())
    const handshake = { markers: [marker], fenced: true } as unknown as Handshake
    const link = { master: { host: '127.0.0.1', port: 1, epoch: 1, runId: null }, handshake }
    const decide = doubts.decide(link, markers)
    t.strictSame(decide?.(request), [request], 'it is sent again')
    t.equal(doubts.hasNotRun(request), knownNotToHaveRun)
  })
