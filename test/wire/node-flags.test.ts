// Node's flags: in force however the program is started, none given twice, and those that were given stay.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { missingFlags, nodeFlags } from '../../src/cli/node-flags.ts'
import { waitUntil } from '../support/wait-until.ts'

const main = join(fileURLToPath(new URL('../..', import.meta.url)), 'src', 'main.ts')

t.test('flags — are missing where neither Node nor NODE_OPTIONS has them, with whatever value', async t => {
  t.strictSame(missingFlags([]), nodeFlags)
  t.strictSame(missingFlags(nodeFlags), [])
  t.strictSame(missingFlags(['--no-single-threaded-gc', '--max_semi_space_size=16']), [])
  t.strictSame(missingFlags(['--enable-source-maps'], '--max-semi-space-size=64 --x'), ['--single-threaded-gc'])
})

t.test(
  'a proxy — has the flags in force, keeps pid, words and environment — when it is started without them',
  {
    skip: process.platform === 'linux' ? false : 'reads /proc',
  },
  async t => {
    const argv = ['--sentinels', '127.0.0.1:1', '--master', 'm m', '--listen', '127.0.0.1:0']
    const { PATH } = process.env
    const child = spawn(process.execPath, ['--max-semi-space-size=8', main, ...argv], {
      env: { PATH, HOLDFAST_HOLD_TIMEOUT: '7s' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = new Promise(resolve => child.once('close', resolve))
    t.teardown(async () => {
      child.kill('SIGKILL')
      await ended
    })
    let log = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      log += text
    })
    await waitUntil('it listens', () => log.includes('process.listening'), { withinMs: 30_000 })
    const words = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').split('\0').slice(1, -1)
    t.strictSame(words, ['--single-threaded-gc', '--max-semi-space-size=8', main, ...argv], 'in force')
    t.notMatch(log, 'process.node_flags')
    t.match(JSON.parse(log.split('\n')[0] ?? ''), {
      pid: child.pid,
      config: { holdTimeoutMs: 7000, masterName: 'm m' },
    })
  },
)
