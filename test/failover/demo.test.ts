import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import type { ActResult } from '../../scripts/demo/acts.ts'
import { render, sparkline } from '../../scripts/demo/screen.ts'
import { createStory } from '../../scripts/demo/story.ts'
import { allKept, judge } from '../../scripts/demo/verdict.ts'
import { childEnvironment } from '../support/child-environment.ts'
import { Ledger } from '../support/ledger.ts'
import { isAlive } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

const demo = fileURLToPath(new URL('../../scripts/demo.mjs', import.meta.url))

interface Run {
  readonly child: ChildProcess
  readonly pid: number
  /** Everything it has started so far, directly or not. */
  readonly family: Set<number>
  /** Its temporary folder. */
  readonly folder: string
  output(): string
  readonly ended: Promise<number | null>
}

/** The demo with a temporary folder of its own, so that what it leaves in there can be seen. */
function runDemo(t: { teardown(fn: () => unknown): void }, ...args: string[]): Run {
  const folder = mkdtempSync(join(tmpdir(), 'demo-test-'))
  // What the tests are told by their environment is no option of the program.
  const env = childEnvironment({ HOME: process.env['HOME'], TMPDIR: folder })
  const child = spawn(process.execPath, [demo, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const pid = child.pid ?? 0
  const family = new Set<number>([pid])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', text => {
      output += text
    })
  }
  const timer = setInterval(() => meetFamily(family), 100)
  t.teardown(() => {
    clearInterval(timer)
    for (const member of family) if (isAlive(member)) process.kill(member, 'SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  const ended = new Promise<number | null>(resolve => {
    child.once('close', code => {
      clearInterval(timer)
      resolve(code)
    })
  })
  return { child, pid, family, folder, output: () => output, ended }
}

/** Adds the children of those who are known; an orphan stays known. */
function meetFamily(family: Set<number>): void {
  const parents = parentsOf()
  for (let before = -1; before !== family.size; ) {
    before = family.size
    for (const [pid, parent] of parents) if (family.has(parent)) family.add(pid)
  }
}

function parentsOf(): Map<number, number> {
  if (process.platform !== 'linux') {
    const table = spawnSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).stdout
    return new Map(table.split('\n').map(row => row.trim().split(/\s+/).map(Number) as [number, number]))
  }
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
    } catch {
      // It has ended since.
    }
  }
  return parents
}

/** The demo itself, Node under it, six servers, Holdfast, and who watches over them. */
const familySize = 10

async function leavesNothing(t: Test, run: Run): Promise<void> {
  t.ok(run.family.size >= familySize, `${run.family.size} processes were seen`)
  await allIsGone(t, run)
}

async function allIsGone(t: Test, run: Run): Promise<void> {
  const left = () => [...run.family].filter(isAlive)
  await waitUntil('all processes are gone', () => left().length === 0, { withinMs: 3000 }).catch(() => {})
  t.strictSame(left(), [], 'no process is left')
  t.strictSame(readdirSync(run.folder), [], 'no folder is left')
}

async function hasPrinted(run: Run, text: string): Promise<void> {
  const seen = () => {
    if (run.child.exitCode !== null) throw new Error(`it ended: ${run.output()}`)
    return run.output().includes(text)
  }
  await waitUntil(`the demo prints "${text}"`, seen, { withinMs: 30_000 })
}

t.test('demo — keeps every promise and leaves nothing — when it runs by itself', async t => {
  const run = runDemo(t, '--once')
  t.equal(await run.ended, 0, run.output())
  const [, kill = '', planned = ''] = run.output().split(/^\d\. .*$/m)
  for (const [name, report] of Object.entries({ kill, planned })) {
    t.match(report, /clients connected +20 of 20 +ok/, name)
    t.match(report, /served by the new master +20 of 20 +ok/, name)
    t.match(report, /commands sent +[\d,]+ +ok, all answered/, name)
    t.match(report, /error replies +0 +ok/, name)
    t.match(report, /connection errors +0 +ok/, name)
    t.match(report, /doubled increments +\d+$/m, name)
    t.match(report, /longest pause +\d+\.\d\d s/, name)
    t.match(report, /Holdfast holds all commands/, `${name}: the story is told`)
  }
  t.match(kill, /acknowledged writes lost +\d+\n +Redis replicates after it has answered/, 'no promise in a crash')
  t.match(planned, /acknowledged writes lost +0 +ok/)
  t.match(run.output(), /Join in: redis-cli -p \d+/)
  t.match(run.output(), /Watch it in a browser: http:\/\/127\.0\.0\.1:\d+\/$/m)
  t.match(
    run.output(),
    /Change its master from another terminal: npm start -- switchover --config \/.*\/holdfast\.yaml$/m,
  )
  t.match(run.output(), /\nEvery promise was kept\.\n$/)
  await leavesNothing(t, run)
})

t.test('demo — leaves nothing — when it is interrupted while the master is down', async t => {
  const run = runDemo(t, '--once')
  await hasPrinted(run, 'Holdfast holds all commands')
  run.child.kill('SIGINT')
  t.equal(await run.ended, 130, run.output())
  await leavesNothing(t, run)
})

t.test('demo — leaves nothing — when its first process is killed', async t => {
  const run = runDemo(t, '--once')
  await hasPrinted(run, 'Join in')
  await waitUntil('all of it runs', () => run.family.size >= familySize, { withinMs: 5000 })
  run.child.kill('SIGKILL')
  await run.ended
  await waitUntil('the folder is gone', () => readdirSync(run.folder).length === 0, { withinMs: 10_000 })
  await leavesNothing(t, run)
})

t.test('demo — leaves nothing — when it is ended while the servers start', async t => {
  const run = runDemo(t, '--once')
  await waitUntil('a folder is there', () => readdirSync(run.folder).length > 0, { withinMs: 20_000, everyMs: 2 })
  run.child.kill('SIGTERM')
  t.equal(await run.ended, 143, run.output())
  await allIsGone(t, run)
})

t.test('demo — says what it can do, and refuses the rest — without starting anything', async t => {
  const help = spawnSync(process.execPath, [demo, '--help'], { encoding: 'utf8' })
  t.equal(help.status, 0)
  for (const word of ['--once', '--log', 'kill -9', 'planned failover', 'SIGSTOP', 'quit']) t.match(help.stdout, word)
  const refused = spawnSync(process.execPath, [demo, '--twice'], { encoding: 'utf8' })
  t.equal(refused.status, 2)
  t.match(refused.stderr, /--twice/)
})

/** What two clients saw in an act in which one SET went well, unless something is changed. */
function result(change: Partial<ActResult>, play: (ledger: Ledger) => void = () => {}): ActResult {
  const ledger = new Ledger()
  ledger.ok(ledger.begin('a', 'set', 'key', 'value'), 'OK')
  play(ledger)
  const report = ledger.report(new Map([['key', 'value']]))
  return { kind: 'planned', report, clients: 2, connected: 2, served: 2, ...change }
}

const forgotten = (ledger: Ledger): void => ledger.ok(ledger.begin('a', 'set', 'gone', 'value'), 'OK')

t.test('demo verdict — keeps or breaks a promise — by what the clients saw', async t => {
  const kept = (change: Partial<ActResult>, play?: (ledger: Ledger) => void) => allKept(judge(result(change, play)))
  t.equal(kept({}), true, 'all is well')
  t.equal(kept({ connected: 1 }), false, 'a client is gone')
  t.equal(kept({ served: 1 }), false, 'a client is not served')
  t.equal(kept({}, forgotten), false, 'a write is lost in a planned failover')
  t.equal(kept({ kind: 'kill' }, forgotten), true, 'a write is lost with a killed master')
  t.equal(kept({ kind: 'stop' }, forgotten), true, 'a write is lost with a stopped master')
  t.equal(
    kept({ kind: 'kill' }, one => one.error(one.begin('a', 'set', 'x', 'y'), 'ERR')),
    false,
    'an error reply',
  )
  t.equal(
    kept({ kind: 'kill' }, one => one.connectionError('a', 'ECONNRESET')),
    false,
    'a connection error',
  )
  t.equal(
    kept({ kind: 'kill' }, one => void one.begin('a', 'set', 'x', 'y')),
    false,
    'no answer',
  )
})

t.test('demo story — follows the gate and the master — through the lines of a failover', async t => {
  const story = createStory()
  const at = { master: '127.0.0.1:7002', epoch: 3 }
  const steps = [
    { line: { event: 'hold.start', cause: 'failover-announced' }, gate: 'holding', master: null },
    { line: { event: 'gate.tripped', level: 'error' }, gate: 'tripped', master: null },
    { line: { event: 'hold.drain', ...at, waiting: 2, heldMs: 900 }, gate: 'draining', master: '127.0.0.1:7002' },
    { line: { event: 'hold.end', ...at }, gate: 'open', master: '127.0.0.1:7002' },
    { line: { event: 'sentinel.up', level: 'info' }, gate: 'open', master: '127.0.0.1:7002' },
  ]
  for (const { line, gate, master } of steps) {
    story.read(line)
    t.strictSame([story.view.gate, story.view.master], [gate, master], line.event)
  }
  t.equal(story.lines.length, 4, 'what is no part of the story is not told')
})

t.test('demo screen — fits into the terminal and shows what counts — in any size', async t => {
  const story = createStory()
  for (let i = 0; i < 50; i++) story.say(`line ${i} ${'x'.repeat(200)}`)
  const totals = { answered: 1234, errorReplies: 0, connectionErrors: 0, lastProblem: null, longestPauseMs: 2340 }
  const view = { gate: 'holding', master: '127.0.0.1:7001', epoch: 2 } as const
  const picture = {
    port: 7000,
    page: 'http://127.0.0.1:7001/',
    config: '/tmp/x/holdfast.yaml',
    view,
    rates: [800, 0, 400],
    totals,
    connected: 20,
    clients: 20,
    silentMs: 900,
  }
  for (const size of [
    { columns: 110, rows: 34 },
    { columns: 40, rows: 12 },
    { columns: 20, rows: 4 },
  ]) {
    const lines = render({ ...picture, busy: null, last: { text: 'kill: fine', kept: true }, story: story.lines }, size)
    const escapes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g')
    const widest = Math.max(...lines.map(line => line.replace(escapes, '').length))
    t.ok(lines.length <= size.rows && widest <= size.columns, `${lines.length} x ${widest} in ${JSON.stringify(size)}`)
    if (size.rows < 34) continue
    const text = lines.join('\n')
    for (const part of [
      'redis-cli -p 7000',
      'http://127.0.0.1:7001/',
      'switchover --config /tmp/x/holdfast.yaml',
      'HOLDING',
      '2.34 s',
      'no answer for 0.90 s',
      '1,234',
      'line 49',
    ]) {
      t.match(text, part)
    }
  }
  t.equal(sparkline([8, 0, 4, 1]), '█ ▄▁')
})
