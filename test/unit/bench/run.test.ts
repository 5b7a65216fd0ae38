// run.test.ts: the benchmark as a person runs it, small: it measures, it writes, and it leaves nothing behind.

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { without } from '../../support/needs.ts'
import { makeFolder, removeFolder } from '../../support/servers.ts'
import { waitUntil } from '../../support/wait-until.ts'

const script = join(import.meta.dirname, '../../../bench/run.ts')
const small = ['--rounds', '2', '--seconds', '0.1']

interface Run {
  child: ChildProcess
  out: () => string
  ended: Promise<number | null>
}

function start(args: readonly string[], env: NodeJS.ProcessEnv): Run {
  const child = spawn(process.execPath, [script, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  const keep = (chunk: Buffer): void => {
    out += chunk.toString()
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  return { child, out: () => out, ended: new Promise(resolve => child.once('close', code => resolve(code))) }
}

/** Pids of the processes that `pid` has started and that are there. */
function childrenOf(pid: number | undefined): string[] {
  return readdirSync('/proc').filter(entry => /^\d+$/.test(entry) && parentOf(entry) === pid)
}

function parentOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return undefined // It ended between the two looks.
  }
}

/** A server, a proxy and the load at least. */
async function startedBy(run: Run): Promise<string[]> {
  const started = (): string[] | false => {
    const pids = childrenOf(run.child.pid)
    return pids.length >= 3 && run.out().includes('rounds of') && pids
  }
  return waitUntil('the benchmark has started its processes', started, { withinMs: 20_000, everyMs: 20 })
}

/** The reaper ends by itself when the benchmark is gone, hence a moment of patience. */
async function allGone(pids: readonly string[]): Promise<boolean> {
  return waitUntil('all its processes are gone', () => pids.every(pid => !existsSync(`/proc/${pid}`)), {
    withinMs: 2_000,
  })
}

interface Written {
  cases: { name: string; targets: { target: string; opsPerSecond: number }[]; samples: unknown[] }[]
}

t.test('benchmark — measures, writes all samples and leaves nothing behind', async t => {
  const folder = await makeFolder()
  t.teardown(() => removeFolder(folder))
  const file = join(folder, 'out.json')
  const cases = ['--cases', 'c50p1.get,open2k,mix50.set', '--targets', 'direct,pipe']
  const run = start([...cases, ...small, '--json', file], { ...process.env, TMPDIR: folder })
  t.teardown(() => run.child.kill('SIGKILL'))
  const pids = await startedBy(run)
  t.equal(await run.ended, 0, 'it succeeds')
  const written: Written = JSON.parse(readFileSync(file, 'utf8'))
  t.strictSame(
    written.cases.map(one => [one.name, one.targets.map(target => target.target), one.samples.length]),
    ['c50p1.get', 'open2k.get', 'mix50.set'].map(name => [name, ['direct', 'pipe'], 4]),
  )
  for (const one of written.cases.flatMap(({ targets }) => targets)) t.ok(one.opsPerSecond > 0, one.target)
  t.strictSame(readdirSync(folder), ['out.json'], 'its own folder is removed')
  t.ok(await allGone(pids), 'its processes are gone')
})

t.test('benchmark — ends what it started — when it is interrupted', async t => {
  const folder = await makeFolder()
  t.teardown(() => removeFolder(folder))
  const run = start(['--cases', 'c1p1', '--targets', 'direct,pipe'], { ...process.env, TMPDIR: folder })
  t.teardown(() => run.child.kill('SIGKILL'))
  const pids = await startedBy(run)
  run.child.kill('SIGINT')
  t.equal(await run.ended, 130, 'as interrupted programs do')
  t.ok(await allGone(pids), 'its processes are gone')
  t.strictSame(readdirSync(folder), [])
})

/** Cores that a process may run on; undefined: it has ended. */
function coresOf(pid: string): string | undefined {
  try {
    return /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  } catch {
    return undefined
  }
}

function programOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return ''
  }
}

t.test('benchmark — puts proxy, server and load on the cores that are asked for', async t => {
  const folder = await makeFolder()
  t.teardown(() => removeFolder(folder))
  const core = /^\d+/.exec(coresOf('self') ?? '')?.[0] ?? '0'
  const targets = ['--cases', 'c1p1', '--targets', 'pipe', '--cores', `${core},${core},${core}`]
  const run = start(targets, { ...process.env, TMPDIR: folder })
  t.teardown(() => run.child.kill('SIGKILL'))
  const programs = ['redis-server', 'pipe-proxy', 'redis-benchmark']
  // A load lives for a moment only: a look counts what any earlier one has seen.
  const seen = new Set<string>()
  const allSeen = (): boolean => {
    const onCore = childrenOf(run.child.pid).filter(pid => coresOf(pid) === core)
    const commands = onCore.map(programOf)
    for (const program of programs) if (commands.some(command => command.includes(program))) seen.add(program)
    if (seen.size < programs.length) throw new Error(`seen so far: ${[...seen].join(', ')}; its output: ${run.out()}`)
    return true
  }
  await waitUntil('all three are on the core', allSeen, { withinMs: 60_000, everyMs: 5 })
  run.child.kill('SIGINT')
  t.equal(await run.ended, 130)
})

t.test('benchmark — says what is wrong and fails — when cores make no sense', async t => {
  const run = start(['--cores', '0,1', '--targets', 'direct'], process.env)
  t.teardown(() => run.child.kill('SIGKILL'))
  t.equal(await run.ended, 1)
  t.match(run.out(), /--cores: three core numbers/)
})

t.test('benchmark — says what is wrong and fails — when no target can be started', async t => {
  const run = start(['--cases', 'c1p1', '--targets', 'base', '--base', '/nowhere', ...small], process.env)
  t.teardown(() => run.child.kill('SIGKILL'))
  t.equal(await run.ended, 1)
  t.match(run.out(), /base left out: there is no \/nowhere\/src\/main\.ts/)
  t.match(run.out(), /no target could be started/)
})

interface TailWritten {
  rows: {
    name: string
    samples: { target: string; small: { commands: number; unanswered: number }; large: { commands: number } }[]
  }[]
}

for (const generator of ['c', 'node']) {
  t.test(
    `benchmark — measures small commands beside large values, by generators in ${generator}`,
    { skip: generator === 'c' && without('cc') },
    async t => {
      const folder = await makeFolder()
      t.teardown(() => removeFolder(folder))
      const file = join(folder, 'out.json')
      const args = ['--tail', 'set1m-50,get1m-always', '--targets', 'direct,pipe', '--generator', generator]
      const run = start([...args, '--rounds', '1', '--seconds', '0.2', '--json', file], {
        ...process.env,
        TMPDIR: folder,
      })
      t.teardown(() => run.child.kill('SIGKILL'))
      const pids = await startedBy(run)
      t.equal(await run.ended, 0, 'it succeeds')
      const { rows }: TailWritten = JSON.parse(readFileSync(file, 'utf8'))
      t.strictSame(
        rows.map(row => [
          row.name,
          row.samples.map(({ target, small }) => [target, small.commands + small.unanswered]),
        ]),
        ['set1m-50', 'get1m-always'].map(name => [name, ['direct', 'pipe'].map(target => [target, 400])]),
      )
      for (const { large } of rows.flatMap(row => row.samples)) t.ok(large.commands > 0, 'large values have moved')
      t.strictSame(readdirSync(folder), ['out.json'], 'its own folder is removed')
      t.ok(await allGone(pids), 'its processes are gone')
    },
  )
}
