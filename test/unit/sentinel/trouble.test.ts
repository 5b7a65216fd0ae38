import { pino } from 'pino'
import t from 'tap'
import { remedyFor } from '../../../src/sentinel/connection.ts'
import { createHealthReport, type Examination, healthOf, type Patient } from '../../../src/sentinel/trouble.ts'

const down: Patient = { sentinel: 's1:26379', reachable: false, names: null, error: 'connect ECONNREFUSED' }
const unknowing: Patient = { sentinel: 's2:26379', reachable: true, names: null, error: 'it does not know the name' }
const well: Patient = { sentinel: 's3:26379', reachable: true, names: 'h:6379', error: null }
const exam = (patients: Patient[], hasCandidate = false): Examination => ({
  masterName: 'mymaster',
  patients,
  majority: 2,
  hasCandidate,
})

t.test('health — names what is missing — from most to least', async t => {
  t.equal(healthOf(exam([down, down, down])), 'no-sentinel')
  t.equal(healthOf(exam([down, unknowing, unknowing])), 'name-unknown')
  t.equal(healthOf(exam([down, unknowing, well])), 'no-majority')
  t.equal(healthOf(exam([down, well, well], true)), 'fine')
})

t.test('health — is told once per change and ever more seldom — when it lasts half a second', async t => {
  const lines: { cause?: string; event: string }[] = []
  const report = createHealthReport(pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) }))
  const told = (): unknown[] => lines.splice(0).map(line => line.cause ?? line.event)
  for (let now = 0; now < 500; now += 30) report(exam([down]), now)
  t.strictSame(told(), [], 'a short trouble is none')
  for (let now = 500; now < 9_000; now += 30) report(exam([down]), now)
  t.strictSame(told(), ['no-sentinel'])
  report(exam([unknowing]), 9_000)
  t.strictSame(told(), ['name-unknown'], 'a change is told at once')
  for (let now = 9_030; now < 30_000; now += 30) report(exam([unknowing]), now)
  t.strictSame(told(), ['name-unknown'])
  for (let now = 30_000; now < 60_000; now += 30) report(exam([unknowing]), now)
  t.strictSame(told(), ['name-unknown'], 'twice as long after the last time')
  report(exam([well], true), 60_000)
  report(exam([well], true), 60_030)
  t.strictSame(told(), ['sentinels.well'])
})

t.test('health — lists each Sentinel with its own error — for the person who repairs it', async t => {
  const lines: Record<string, unknown>[] = []
  const report = createHealthReport(pino({}, { write: (line: string) => void lines.push(JSON.parse(line)) }))
  report(exam([down, well]), 0)
  report(exam([down, well]), 500)
  t.match(lines, [{ event: 'sentinels.trouble', sentinels: ['s1:26379: connect ECONNREFUSED', 's3:26379: h:6379'] }])
})

t.test('remedy — says what a person can do — and nothing where only time helps', async t => {
  t.match(remedyFor('WRONGPASS invalid username-password pair', 'proxy'), /password of the user proxy/)
  t.match(remedyFor('NOAUTH HELLO must be called', null), /asks for a password/)
  t.match(remedyFor('NOPERM User x has no permissions', 'x'), /allow the user x/)
  t.equal(remedyFor('connect ECONNREFUSED', null), null)
})
