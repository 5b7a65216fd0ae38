// A replica that was a master is promoted only when every Sentinel has seen it as a replica.
import t from 'tap'
import type { Candidate } from '../../../src/switchover/candidate.ts'
import { judgeSeen } from '../../../src/switchover/judge-seen.ts'
import type { NodeSight, SentinelSight } from '../../../src/switchover/sight.ts'

const at = (port: number) => ({ host: '10.0.0.1', port })
const node = (port: number): NodeSight => ({ address: at(port) }) as NodeSight
const sentinel = (port: number, seen: Readonly<Record<number, boolean>>): SentinelSight => {
  const candidates = Object.entries(seen).map(
    ([one, isTakenForMaster]) => ({ address: at(Number(one)), isTakenForMaster }) as Candidate,
  )
  return { address: at(port), candidates } as unknown as SentinelSight
}

t.test('target unseen — names each Sentinel that takes a candidate for a master — and only candidates', async t => {
  const sentinels = [sentinel(1, { 7: false, 8: true }), sentinel(2, { 7: true, 8: true }), sentinel(3, { 7: true })]
  const told = [...judgeSeen({ candidates: [node(7)] }, { sentinels })]
  t.equal(told.length, 1)
  t.match(told[0], {
    level: 'problem',
    id: 'target.unseen',
    subject: 'replica 10.0.0.1:7',
    text: /^Sentinel 10\.0\.0\.1:2, 10\.0\.0\.1:3 has not seen yet/,
  })
  t.strictSame([...judgeSeen({ candidates: [node(7)] }, { sentinels: [sentinel(1, { 7: false })] })], [])
})
