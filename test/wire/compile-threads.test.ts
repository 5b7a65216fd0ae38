// V8's compile threads go behind the main thread, and those that collect garbage do not.
import { readdirSync, readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { collectsOnMainThread } from '../../src/cli/compile-threads.ts'
import { startHoldfastProcess } from '../support/holdfast.ts'

const ownName = 'V8Worker'

/** The name of each thread of a proxy that listens, with its priority. */
async function threadsOf(t: Test, nodeArguments: readonly string[]): Promise<{ name: string; priority: number }[]> {
  const { pid } = await startHoldfastProcess(t, { sentinels: ['127.0.0.1:1'], nodeArguments })
  const folder = `/proc/${pid}/task`
  return readdirSync(folder).map(thread => ({
    name: readFileSync(join(folder, thread, 'comm'), 'latin1').trimEnd(),
    priority: getPriority(Number(thread)),
  }))
}

const namesItsThreads =
  process.platform === 'linux' &&
  readdirSync('/proc/self/task').some(
    thread => readFileSync(`/proc/self/task/${thread}/comm`, 'latin1') === `${ownName}\n`,
  )
const skip = namesItsThreads ? false : 'this Node does not name its threads'

t.test('a proxy — puts the threads that compile behind its main thread, and no other', { skip }, async t => {
  const own = getPriority()
  const threads = await threadsOf(t, ['--single-threaded-gc', '--max-semi-space-size=4'])
  const compiling = threads.filter(({ name }) => name === ownName)
  t.ok(compiling.length > 0)
  for (const { priority } of compiling) t.equal(priority, Math.min(19, own + 10))
  for (const { name, priority } of threads.filter(one => one.name !== ownName)) t.equal(priority, own, name)
})

t.test('a proxy — leaves threads that help to collect garbage as they are', { skip }, async t => {
  const own = getPriority()
  const threads = await threadsOf(t, ['--no-single-threaded-gc', '--max-semi-space-size=4'])
  for (const { name, priority } of threads) t.equal(priority, own, name)
})

t.test('garbage is collected on the main thread alone — where the last word says so', async t => {
  t.equal(collectsOnMainThread(['--single-threaded-gc']), true)
  t.equal(collectsOnMainThread(['--single_threaded_gc']), true)
  t.equal(collectsOnMainThread([], '--max-semi-space-size=4 --single-threaded-gc'), true)
  t.equal(collectsOnMainThread(['--no-single-threaded-gc'], '--single-threaded-gc'), false)
  t.equal(collectsOnMainThread([]), false)
})
