// The program under test, as it is judged when its test has ended.
import t from 'tap'
import { FakeSentinel } from '../../support/fake-sentinel.ts'
import { type LogLine, startHoldfast } from '../../support/holdfast.ts'

t.test('a proxy that is judged wrong — fails its test, and lets the other teardowns run', async t => {
  const teardowns: (() => unknown)[] = []
  const told: unknown[] = []
  const ending = { teardown: (fn: () => unknown) => teardowns.push(fn), threw: (error: unknown) => told.push(error) }
  const sentinel = await FakeSentinel.start(t)
  const holdfast = await startHoldfast(ending, { sentinels: [`${sentinel.host}:${sentinel.port}`] })
  const log = holdfast.log as LogLine[]
  log.push({ level: 'error', event: 'planted' })
  for (const teardown of teardowns) await t.resolves(Promise.resolve(teardown()))
  t.match(told, [/unexpected line: .*planted/])
  await t.rejects(holdfast.stop(), /planted/, 'who stops it in the test is told by the rejection')
})
