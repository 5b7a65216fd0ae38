// SIGHUP: files are read again, and the process lives on.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { startHoldfastProcess } from '../support/holdfast.ts'
import { waitUntil } from '../support/wait-until.ts'

t.test('SIGHUP — reads passwords again at once — and ends nothing', async t => {
  const file = join(t.testdir({ secret: 'one' }), 'secret')
  const sentinel = await FakeSentinel.start(t)
  sentinel.master = null
  const sentinels = [`${sentinel.host}:${sentinel.port}`]
  const holdfast = await startHoldfastProcess(t, { sentinels, options: { 'redis-password-file': file } })
  writeFileSync(file, 'two')
  process.kill(holdfast.pid, 'SIGHUP')
  await waitUntil('the signal is seen', () => holdfast.find('process.reload'), { withinMs: 10_000 })
  t.match(holdfast.find('process.reload'), { level: 'info', signal: 'SIGHUP' })
  t.ok(holdfast.find('password.reloaded'), 'at once')
  const from = holdfast.log.length
  process.kill(holdfast.pid, 'SIGHUP')
  await waitUntil('a second one', () => holdfast.find('process.reload', from), { withinMs: 10_000 })
  t.match(holdfast.find('process.reload', from), { changed: 0 })
  await holdfast.stop()
})
