// The clock on the wall jumps by a day while clients wait: no deadline notices, as each is measured by a clock that
// nobody sets.
import { spawnSync } from 'node:child_process'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type AsProcess, type LogLine, startSingleProcess } from '../support/holdfast.ts'
import { judgeOnce } from '../support/judge-bound.ts'
import { without } from '../support/needs.ts'
import { openWindow } from '../support/pace.ts'
import { RespClient } from '../support/resp-client.ts'
import { makeFolder, removeFolder, resumeServer, stopServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

const day = 86_400_000
const holdMs = 3000

interface Clock {
  readonly launcher: readonly string[]
  /** From now on the program reads a time on the wall that is this much later than ours. */
  set(days: number): void
}

async function makeClock(t: Test): Promise<Clock> {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const file = join(dir, 'clock')
  // The library reads the file at each look at the clock, and ends the process when it finds it empty: a file that
  // is written in place is empty for a moment, one that is renamed never is.
  const set = (days: number): void => {
    const next = join(dir, 'next')
    writeFileSync(next, `${days < 0 ? '-' : '+'}${Math.abs(days)}d\n`)
    renameSync(next, file)
  }
  set(0)
  const fake = {
    LD_PRELOAD: await findLibrary(),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    // The shared memory of a process that is killed stays, and `faketime` fails when it gets the same process id.
    FAKETIME_DISABLE_SHM: '1',
  }
  return { launcher: ['env', ...Object.entries(fake).map(([name, value]) => `${name}=${value}`)], set }
}

/**
 * Where the library is, `faketime` knows. It fails where an earlier process with its id has left shared memory: the
 * next try has another id.
 */
async function findLibrary(): Promise<string> {
  const ask = (): string => {
    const { stdout, stderr, error } = spawnSync('faketime', ['-f', '+0', 'printenv', 'LD_PRELOAD'], {
      encoding: 'utf8',
    })
    if (stdout?.trim()) return stdout.trim()
    throw new Error(`faketime does not say where its library is: ${error?.message ?? stderr}`)
  }
  return waitUntil('the library is known', ask, { withinMs: 10_000, everyMs: 50 })
}

/** Answers when a line of the log has been written by the new time, with the days it is ahead of ours. */
async function seen(holdfast: AsProcess, client: RespClient, days: number): Promise<void> {
  const isIn = (line: LogLine): boolean => Math.round((Date.parse(String(line['time'])) - Date.now()) / day) === days
  const look = async (): Promise<boolean> => {
    // A session that comes and goes is two lines of the level debug.
    const other = await RespClient.connect(holdfast.port)
    await other.close()
    await client.send('PING')
    return holdfast.log.slice(-2).some(isIn)
  }
  await waitUntil(`the log is ${days} days ahead`, look, { withinMs: 10_000, everyMs: 50 })
}

t.test(
  'a clock that jumps by days — ends no hold, begins none, and lets none go on — forwards and back',
  { skip: without('faketime') },
  async t => {
    const clock = await makeClock(t)
    const options = { 'hold-timeout': `${holdMs}ms` }
    const { holdfast, node } = await startSingleProcess(t, {
      options,
      launcher: clock.launcher,
      expectedErrors: ['gate.tripped'],
    })
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    t.equal(await client.send('SET', 'k', 'v'), 'OK')
    const served = holdfast.log.length

    for (const days of [2, -2, 0]) {
      clock.set(days)
      await seen(holdfast, client, days)
      t.equal(await client.send('GET', 'k'), 'v')
    }
    t.strictSame(
      holdfast.log.slice(served).filter(({ level }) => level !== 'debug' && level !== 'info'),
      [],
      'nothing is told of it',
    )

    for (const days of [3, -3]) {
      const from = holdfast.log.length
      await stopServer(node)
      const window = openWindow()
      const began = performance.now()
      const answer = client.send('GET', 'k')
      await waitUntil('the command is held', () => holdfast.find('hold.start', from), { withinMs: 20_000 })
      clock.set(days)
      t.match(await answer, { message: /^TRYAGAIN / })
      const ms = performance.now() - began
      t.ok(ms >= holdMs * 0.9, `it waited for ${Math.round(ms)} ms`)
      await judgeOnce(t, `a command is given up, ${days} days on`, 3 * holdMs, ms, window())
      resumeServer(node)
      const again = async (): Promise<boolean> => (await client.send('GET', 'k').catch(() => null)) === 'v'
      await waitUntil('it is served again', again, { withinMs: 20_000, everyMs: 50 })
    }
  },
)
