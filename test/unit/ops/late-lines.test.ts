// Lines that wait while clients do: none is lost, each keeps its place and its time, and a warning waits for nobody.
import t from 'tap'
import { keepLines, LATE_MS, writeKept } from '../../../src/ops/late-lines.ts'
import { createLog } from '../../../src/ops/log.ts'
import { waitUntil } from '../../support/wait-until.ts'

interface Written {
  readonly event: string
  readonly time: string
  readonly group?: string
}

function startLog(level: 'info' | 'debug' = 'info') {
  const written: Written[] = []
  const log = createLog(level, { write: (line: string) => void written.push(JSON.parse(line)) })
  return { log, written, events: () => written.map(one => one.event) }
}

t.test('lines — are written at once — where nobody waits', async t => {
  const { log, events } = startLog()
  log.info({ event: 'a' })
  t.strictSame(events(), ['a'])
})

t.test('kept lines — are written later — in order, with the time at which they were logged', async t => {
  const { log, written, events } = startLog()
  const child = log.child({ group: 'g' })
  keepLines(log)
  const before = Date.now()
  log.info({ event: 'a' }, 'text')
  child.info({ event: 'b' })
  log.debug({ event: 'not of this level' })
  const after = Date.now()
  t.strictSame(events(), [], 'nothing is written yet')
  await waitUntil('they are written', () => (written.length > 0 ? true : undefined), { withinMs: 10_000, everyMs: 5 })
  log.info({ event: 'c' })
  t.strictSame(events(), ['a', 'b', 'c'])
  t.equal(written[1]?.group, 'g', 'a child has its fields')
  for (const { time } of written.slice(0, 2)) {
    t.ok(Date.parse(time) >= before && Date.parse(time) <= after, `${time} is when it was logged`)
  }
  t.ok(Date.parse(written[2]?.time ?? '') >= before + LATE_MS.min - 1, 'the next one has the time of the day')
})

t.test('kept lines — wait for nothing more — once a warning is among them', async t => {
  const { log, events } = startLog()
  keepLines(log)
  log.info({ event: 'a' })
  log.warn({ event: 'b' })
  t.strictSame(events(), ['a', 'b'])
  log.info({ event: 'c' })
  t.strictSame(events(), ['a', 'b', 'c'], 'and later ones neither')
})

t.test('kept lines — are written at once — when there are many, or the process ends', async t => {
  const { log, events } = startLog()
  keepLines(log)
  for (let i = 0; i < 100; i++) log.info({ event: 'many' })
  t.equal(events().length, 100)
  keepLines(log)
  log.info({ event: 'last' })
  t.equal(events().length, 100)
  writeKept(log)
  t.equal(events().at(-1), 'last')
})

t.test('a line that cannot be written — keeps no other one from the log — and gives it no wrong time', async t => {
  const { log, events } = startLog()
  keepLines(log)
  log.info({
    event: 'a',
    get bad() {
      throw new Error('of a field')
    },
  })
  log.info({ event: 'b' })
  t.doesNotThrow(() => writeKept(log))
  t.equal(events().at(-1), 'b')
})
