import { pino } from 'pino'
import t from 'tap'
import { sentinelRemedy } from '../../../src/sentinel/remedies.ts'
import { createTroubleLog, type SentinelsSeen, troubleOf } from '../../../src/sentinel/trouble-log.ts'

type Seen = SentinelsSeen['sentinels'][number]
const down: Seen = { address: 's1:26379', reachable: false, names: null, error: 'connect ECONNREFUSED' }
const unknowing: Seen = { address: 's2:26379', reachable: true, names: null, error: 'it does not know the name' }
const well: Seen = { address: 's3:26379', reachable: true, names: 'h:6379', error: null }
const seen = (sentinels: Seen[], hasCandidate = false): SentinelsSeen => ({
  masterName: 'mymaster',
  sentinels,
  majority: 2,
  hasCandidate,
  trouble: null,
})

t.test('trouble — names what is missing — from most to least', async t => {
  t.equal(troubleOf(seen([down, down, down])), 'no-sentinel')
  t.equal(troubleOf(seen([down, unknowing, unknowing])), 'name-unknown')
  t.equal(troubleOf(seen([down, unknowing, well])), 'no-majority')
  const node = { ...unknowing, error: "ERR unknown command 'SENTINEL', with args beginning with: 'MASTER'" }
  t.equal(troubleOf(seen([down, node])), 'no-sentinel', 'a data node knows no name at all')
  t.equal(troubleOf(seen([down, well, well], true)), null)
})

t.test('trouble — is logged once per change and less and less often — when it lasts half a second', async t => {
  const lines: { cause?: string; event: string }[] = []
  const report = createTroubleLog(pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) }))
  const told = (): unknown[] => lines.splice(0).map(line => line.cause ?? line.event)
  for (let now = 0; now < 500; now += 30) report(seen([down]), now)
  t.strictSame(told(), [], 'a short trouble is none')
  for (let now = 500; now < 9_000; now += 30) report(seen([down]), now)
  t.strictSame(told(), ['no-sentinel'])
  report(seen([unknowing]), 9_000)
  t.strictSame(told(), ['name-unknown'], 'a change is told at once')
  for (let now = 9_030; now < 30_000; now += 30) report(seen([unknowing]), now)
  t.strictSame(told(), ['name-unknown'])
  for (let now = 30_000; now < 60_000; now += 30) report(seen([unknowing]), now)
  t.strictSame(told(), ['name-unknown'], 'twice as long after the last time')
  report(seen([well], true), 60_000)
  report(seen([well], true), 60_030)
  t.strictSame(told(), ['sentinels.well'])
})

t.test('trouble — lists each Sentinel with its own error — for the person who repairs it', async t => {
  const lines: Record<string, unknown>[] = []
  const report = createTroubleLog(pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) }))
  report(seen([down, well]), 0)
  report(seen([down, well]), 500)
  t.match(lines, [{ event: 'sentinels.trouble', sentinels: ['s1:26379: connect ECONNREFUSED', 's3:26379: h:6379'] }])
})

t.test('remedy — says what a person can do — and nothing where only time helps', async t => {
  t.match(sentinelRemedy('WRONGPASS invalid username-password pair', 'proxy'), /password of the user proxy/)
  t.match(sentinelRemedy('NOAUTH HELLO must be called', null), /asks for a password/)
  t.match(sentinelRemedy('NOPERM User x has no permissions', 'x'), /allow the user x/)
  t.equal(sentinelRemedy('connect ECONNREFUSED', null), null)
})
