// Log lines whose reader is slow or gone: dropped and counted, never waited for, and told of when it is back.
import t from 'tap'
import { LogOutput } from '../../../src/ops/log-output.ts'

type Done = (error?: Error | null) => void

function scene() {
  const written: string[] = []
  const open: Done[] = []
  let now = 5
  const sink = (text: string, done: Done): void => {
    written.push(text)
    open.push(done)
  }
  const output = new LogOutput(sink, () => now)
  output.onBack = (missing, cause) => output.write(`missing ${missing}: ${cause}`)
  const advance = (ms: number): void => {
    now += ms
  }
  /** The reader takes all there is. */
  const take = (error?: Error): void => {
    for (const done of open.splice(0)) done(error)
  }
  return { written, output, advance, take }
}

t.test('log lines — are dropped and counted — while the reader takes none', async t => {
  const { written, output, take } = scene()
  const line = 'x'.repeat(1000)
  for (let i = 0; i < 2000; i++) output.write(line)
  t.ok(written.length > 1000, `${written.length} are kept`)
  t.equal(output.dropped, 2000 - written.length)
  const { dropped } = output
  take()
  t.equal(written.at(-1), `missing ${dropped}: its reader takes no more`)
  output.write('again')
  t.equal(written.at(-1), 'again')
  t.equal(output.dropped, dropped)
})

t.test('log lines — are tried once a second — after a write has failed', async t => {
  const { written, output, advance, take } = scene()
  output.write('first')
  take(Object.assign(new Error('broken pipe'), { code: 'EPIPE' }))
  for (let i = 0; i < 10; i++) output.write('lost')
  t.strictSame(written, ['first'])
  advance(1001)
  output.write('tried')
  take(Object.assign(new Error('broken pipe'), { code: 'EPIPE' }))
  t.equal(output.dropped, 12)
  output.write('lost')
  advance(1001)
  output.write('arrives')
  take()
  t.strictSame(written, ['first', 'tried', 'arrives', 'missing 13: it cannot be written to (EPIPE)'])
})

t.test('log lines — do no harm — when writing them throws', async t => {
  const output = new LogOutput(() => {
    throw new Error('no')
  })
  output.write('x')
  t.equal(output.dropped, 1)
  await output.flush(10_000)
})

t.test('the last lines — are waited for — but not for ever', async t => {
  const done: Done[] = []
  const output = new LogOutput((_, written) => void done.push(written))
  await output.flush(10_000)
  output.write('x')
  await output.flush(1)
  const flushed = output.flush(60_000)
  for (const written of done) written()
  await flushed
  t.pass('it ended')
})
