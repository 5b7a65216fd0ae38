// The account of a hold: what was lost with the links a moment before the gate shut is in it, and nothing counts twice.
import { pino } from 'pino'
import t from 'tap'
import type { Master } from '../../../src/address.ts'
import { createCounters } from '../../../src/ops/counters.ts'
import { FailoverReport } from '../../../src/relay/failover-report.ts'
import type { GateState } from '../../../src/relay/gate.ts'

const first: Master = { host: '10.0.0.1', port: 6379, epoch: 1, runId: 'a' }
const second: Master = { host: '10.0.0.2', port: 6379, epoch: 2, runId: 'b' }

function startStory() {
  const lines: { readonly event?: string; readonly unknownOutcomes?: number; readonly msg?: string }[] = []
  const counters = createCounters()
  const sink = { write: (line: string): void => void lines.push(JSON.parse(line)) }
  const story = new FailoverReport(counters, pino({ level: 'info' }, sink), 0)
  const hold = (from: GateState, at: number): GateState => {
    const shut: GateState = { kind: 'holding', cause: 'master-unreachable', since: at }
    story.onGate(from, shut, at, '')
    return shut
  }
  const serve = (from: GateState, master: Master, at: number): GateState => {
    const draining: GateState = { kind: 'draining', master, since: at }
    const open: GateState = { kind: 'open', master, since: at }
    story.onGate(from, draining, at, '')
    story.onGate(draining, open, at, '')
    return open
  }
  const lose = (unknown: number, at: number): void => {
    counters.unknownOutcomes += unknown
    story.onLinkLost(at)
  }
  const start: GateState = { kind: 'holding', cause: 'starting', since: 0 }
  const told = () => lines.filter(line => line.event === 'hold.end').map(line => line.unknownOutcomes)
  return { story, counters, lines, hold, serve, lose, told, open: serve(start, first, 10) }
}

t.test('failover report — of a hold in which commands failed — says so, and how many', async t => {
  const { story, counters, lines, hold, serve, open } = startStory()
  const shut = hold(open, 10_000)
  const tripped: GateState = { kind: 'tripped', cause: 'master-unreachable', since: 10_000 }
  counters.expired += 6
  story.onGate(shut, tripped, 12_000, '10.0.0.1:6379: connect ECONNREFUSED')
  counters.refusedByBreaker += 312
  counters.detail.waits.observe(2, null)
  const back = serve(tripped, second, 13_000)
  // Whoever reads warnings alone must see the end, too.
  const failed = {
    level: 40,
    expired: 6,
    longestMs: 2000,
    refused: 312,
    msg: 'nothing is held any more, and commands failed meanwhile',
  }
  t.match(lines.at(-1), { event: 'hold.end', ...failed })
  t.match(
    lines.find(line => line.event === 'gate.tripped'),
    { master: '10.0.0.1:6379', epoch: 1, heldMs: 2000, detail: /ECONNREFUSED/ },
    'the master that is missed, and since when',
  )
  serve(hold(back, 20_000), first, 20_500)
  t.match(lines.at(-1), {
    event: 'hold.end',
    level: 30,
    expired: 0,
    longestMs: 0,
    refused: 0,
    msg: 'nothing is held any more',
  })
})

t.test('failover report — tells unknown outcomes of the links — that went just before the gate shut', async t => {
  const { story, hold, serve, lose, told, open } = startStory()
  lose(3, 10_000)
  lose(2, 10_005)
  serve(hold(open, 10_010), second, 13_000)
  t.strictSame(told(), [0, 5])
  t.match(story.failovers, [{ to: '10.0.0.2:6379', unknownOutcomes: 5 }])
})

t.test('failover report — leaves out unknown outcomes of another time — and of the hold before', async t => {
  const { hold, serve, lose, told, open } = startStory()
  lose(7, 5_000)
  const again = serve(hold(open, 10_000), second, 10_500)
  t.strictSame(told(), [0, 0], 'of a link that was lost long before')
  lose(1, 20_000)
  const once = serve(hold(again, 20_001), first, 20_100)
  serve(hold(once, 20_200), second, 20_300)
  t.strictSame(told(), [0, 0, 1, 0], 'and once only')
})
