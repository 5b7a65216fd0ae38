// Node's flags: in force however the program is started, none given twice, and those that were given stay.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { missingFlags, nodeFlags } from '../../src/cli/node-flags.ts'
import { isNetworkForbidden } from '../../src/cli/node-permissions.ts'
import { reapChild } from '../support/reaper.ts'
import { waitUntil } from '../support/wait-until.ts'

const nowhere = ['--sentinels', '127.0.0.1:1', '--master', 'm m', '--listen', '127.0.0.1:0']
const main = join(fileURLToPath(new URL('../..', import.meta.url)), 'src', 'main.ts')

interface Started {
  readonly pid: number
  readonly log: string
  /** null: it runs. */
  readonly code: number | null
}

/** Runs a program that listens. */
async function start(t: Test, words: readonly string[], env: Record<string, string> = {}): Promise<Started> {
  const started = await startOrEnd(t, words, env)
  t.match(started.log, 'process.listening')
  return started
}

/** Runs a program until it listens or ends. The test runner's own flags for Node are none of it. */
async function startOrEnd(t: Test, words: readonly string[], env: Record<string, string> = {}): Promise<Started> {
  const { PATH } = process.env
  const child = spawn('env', ['-u', 'NODE_OPTIONS', ...words], {
    env: { PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  reapChild(child, 'group')
  let isClosed = false
  const ended = new Promise<void>(resolve => {
    child.once('close', () => {
      isClosed = true
      resolve()
    })
  })
  t.teardown(async () => {
    // With what it has started: a group of its own.
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
    await ended
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text
    })
  const isOver = (): boolean => log.includes('process.listening') || isClosed
  await waitUntil('it listens or ends', isOver, { withinMs: 30_000 })
  return { pid: child.pid ?? 0, log, code: child.exitCode }
}

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
    const { pid, log } = await start(t, [process.execPath, '--max-semi-space-size=8', main, ...nowhere], {
      HOLDFAST_HOLD_TIMEOUT: '7s',
    })
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(1, -1)
    t.strictSame(words, ['--single-threaded-gc', '--max-semi-space-size=8', main, ...nowhere], 'in force')
    t.notMatch(log, 'process.node_flags')
    t.match(JSON.parse(log.split('\n')[0] ?? ''), {
      pid,
      config: { holdTimeoutMs: 7000, masterName: 'm m' },
    })
  },
)

const flag = (name: string): string[] => (process.allowedNodeEnvironmentFlags.has(name) ? [name] : [])
const loaders = ['/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux-aarch64.so.1', '/lib/ld-musl-x86_64.so.1']
const loader = loaders.find(path => existsSync(path))
const parent = `require('node:child_process').fork(process.argv[1], process.argv.slice(2)).on('exit', process.exit)`

/** All words are of the program that is started. */
const bound: readonly (readonly [string, readonly string[], boolean])[] = [
  ['under --permission', [process.execPath, '--permission', '--allow-fs-read=*', ...flag('--allow-net'), main], true],
  ["by the system's loader", [loader ?? '', process.execPath, main], loader !== undefined],
  ['with a channel to its parent', [process.execPath, '--eval', parent, main], true],
]
for (const [how, words, isHere] of bound)
  t.test(
    `a proxy — serves without the flags, and says so — when it is started ${how}`,
    { skip: isHere && process.platform === 'linux' ? false : 'not on this system' },
    async t => {
      const { log } = await start(t, [...words, ...nowhere])
      t.match(log, '"process.node_flags"')
      t.notMatch(log, /execve/)
    },
  )

const permitted = [process.execPath, '--permission', '--allow-fs-read=*']
const knowsNetwork = flag('--allow-net').length > 0

for (const [what, words] of [
  ['a proxy', nowhere],
  ['a check', ['check', ...nowhere]],
] as const)
  t.test(
    `${what} — names the flag that is missing — where Node may not use the network`,
    { skip: !knowsNetwork },
    async t => {
      const { code, log } = await startOrEnd(t, [...permitted, main, ...words])
      t.equal(code, 1)
      t.equal(log, "holdfast: Node's --permission forbids the network: start node with --allow-net as well\n")
    },
  )

t.test('a proxy — serves — under an audit of permissions alone', { skip: !knowsNetwork }, async t => {
  await start(t, [...permitted, '--permission-audit', main, ...nowhere])
})

t.test('the network — is forbidden by --permission alone, and never under an audit', async t => {
  const no = { has: () => false }
  t.equal(isNetworkForbidden(no, ['--permission']), true)
  t.equal(isNetworkForbidden(no, [], '--permission'), true, 'NODE_OPTIONS')
  t.equal(isNetworkForbidden({ has: scope => scope === 'net' }, ['--permission', '--allow-net']), false)
  t.equal(isNetworkForbidden(no, ['--permission-audit']), false)
  t.equal(isNetworkForbidden(no, ['--permission'], '--permission-audit'), false)
})
