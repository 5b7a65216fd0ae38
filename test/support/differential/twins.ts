// twins.ts: the two sides of a differential run for one test: a plain server, and Holdfast in front of its twin with
// Sentinels; then the run itself, and what a person needs to see when it fails.
import type { Test } from 'tap'
import { type Config, readConfig } from '../../../src/config.ts'
import { createLog } from '../../../src/ops/log.ts'
import { createProxy } from '../../../src/proxy.ts'
import { startWitness } from '../holdfast.ts'
import { SentinelSet } from '../sentinel-set.ts'
import { endServer, type Flavour, makeFolder, type Node, removeFolder, startServer } from '../servers.ts'
import { settings } from '../settings.ts'
import { tableNames, templated } from './arguments.ts'
import { expectMarkers, isLeftOut } from './exceptions.ts'
import { type Difference, Run, type RunResult } from './run.ts'
import { Side } from './side.ts'

const serverConfig = [
  'user app on >appsecret ~app:* &* +@all -@dangerous',
  // With the right that Holdfast needs for a user's WAIT (docs/access.md).
  'user ro on >rosecret ~* &ch:* &holdfast:wait -@all +@read +@connection +spublish',
  'notify-keyspace-events KEA',
  'enable-debug-command yes',
  // LZF leaves its table as it finds it in memory: the same string may be compressed in two ways.
  'rdbcompression no',
]

export interface DifferentialOptions {
  readonly flavour: Flavour
  readonly seed: number
  readonly commands: number
  /** 3 */
  readonly maxDifferences?: number
  readonly links?: Config['links']
  /** Else as settings.ts says, and always. */
  readonly policy?: Config['retryPolicy']
}

/** HOLDFAST_SEED where it is set, else always the same: what fails once fails again. */
export function seedOf(fallback: number): number {
  const { HOLDFAST_SEED } = process.env
  return Number(HOLDFAST_SEED ?? fallback)
}

/** What of a test is needed here. */
export interface Scope {
  teardown(end: () => unknown): void
}

/** Starts both sides, plays the stream; everything ends with the test. */
export async function playTwins(t: Scope, options: DifferentialOptions): Promise<RunResult> {
  const { flavour, seed, commands } = options
  const direct = await startDirect(t, flavour)
  const set = await SentinelSet.start({ flavour, replicas: 0, dataConfig: serverConfig })
  t.teardown(() => set.stopAll())
  const [twin] = set.nodes
  if (twin === undefined) throw new Error('no data node')
  const policy = options.policy ?? settings.policy ?? 'always'
  if (policy === 'once' || settings.isReplicated) expectMarkers()
  const port = await startProxy(t, set, { ...options, policy })
  const sessions = 8
  const one = await Side.open(direct.port, direct.port, sessions)
  t.teardown(() => one.close())
  const two = await Side.open(port, twin.port, sessions)
  t.teardown(() => two.close())
  const run = new Run(one, two, { seed, commands, sessions, maxDifferences: options.maxDifferences ?? 3 })
  return run.play()
}

/** Runs of the same seed, until one is judged. */
const mostRounds = 3

/**
 * The run as part of `t`: fails with every difference found, and with every command of the table that was not sent.
 *
 * A difference in a calm window fails. On a machine that stood still or was slow meanwhile (a link may have been taken for
 * dead) the same seed is played again: what is real is there again at the same step, and fails. A run without a difference
 * passes; when each run has its own, they are reported as not judged.
 */
export async function differ(t: Test, options: DifferentialOptions): Promise<void> {
  const seen = new Map<string, Difference>()
  for (let round = 1; ; round++) {
    const started = performance.now()
    const result = await playOnce(options)
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    t.comment(`seed ${options.seed}: ${result.commands} commands in ${result.steps} steps, ${seconds} s`)
    const { differences } = result
    if (differences.length === 0) {
      judgeCommands(t, options, result)
      return
    }
    const real = differences.filter(one => one.window.calm || seen.has(placeOf(one)))
    for (const difference of real) t.fail(`HOLDFAST_SEED=${options.seed}: ${report(difference)}`)
    if (real.length > 0) return
    for (const difference of differences) {
      seen.set(placeOf(difference), difference)
      t.comment(`${paceOf(difference)}; ${round < mostRounds ? 'once more' : 'not judged'}: ${report(difference)}`)
    }
    if (round === mostRounds) {
      t.pass('the same bytes', {
        skip: `not judged: ${mostRounds} runs differ, each at another step, on a slow machine`,
      })
      return
    }
  }
}

/** What it starts is ended with it. */
async function playOnce(options: DifferentialOptions): Promise<RunResult> {
  const ends: (() => unknown)[] = []
  try {
    return await playTwins({ teardown: end => void ends.unshift(end) }, options)
  } finally {
    for (const end of ends) await end()
  }
}

/** A real difference has the same in every run of its seed. */
function placeOf({ step, session, tail }: Difference): string {
  return `${step} ${session} ${tail.at(-1)}`
}

function paceOf({ window }: Difference): string {
  return `the machine stood still for ${Math.round(window.stolenMs)} ms and was ${window.slowness.toFixed(1)} times slower`
}

function judgeCommands(t: Test, options: DifferentialOptions, { commands, names }: RunResult): void {
  t.pass('the same bytes')
  const expected = tableNames.filter(name => !isLeftOut(name))
  t.strictSame(
    expected.filter(name => !templated.has(name) && name !== 'monitor'),
    [],
    'every command has a template',
  )
  const missing = expected.filter(name => !names.has(name))
  // What is compared decides what is drawn next: a seed that has every command without --ack may lack one with it.
  const skip = settings.isReplicated && missing.length > 0 && `this seed has no ${missing.join()} with --ack`
  t.strictSame(missing, [], 'every command of the table was sent', { skip })
  t.ok(commands >= options.commands, 'as many commands as asked for')
}

/** A difference as a person reads it. */
export function report({ session, what, tail, direct, proxied }: Difference): string {
  return [`session ${session}: ${what}`, ...tail, `direct:  ${direct}`, `proxied: ${proxied}`].join('\n')
}

async function startDirect(t: Scope, flavour: Flavour): Promise<Node> {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const config = ['save ""', 'appendonly no', ...serverConfig]
  const node = await startServer({ flavour, kind: 'data', name: 'direct', dir, config })
  t.teardown(() => endServer(node))
  await startWitness(t, node, { dir })
  return node
}

async function startProxy(t: Scope, set: SentinelSet, { links, policy }: DifferentialOptions): Promise<number> {
  const sentinels = set.sentinels.map(({ host, port }) => `${host}:${port}`).join(',')
  const read = readConfig(
    [
      '--sentinels',
      sentinels,
      '--master',
      set.masterName,
      '--listen',
      '127.0.0.1:0',
      '--links',
      links ?? 'auto',
      '--retry-policy',
      policy ?? 'always',
      '--ack',
      settings.ack,
      '--reads',
      settings.reads,
      '--max-sessions=0',
    ],
    { HOLDFAST_SHUTDOWN_GRACE: '0', HOLDFAST_SOCKETS: process.env['HOLDFAST_TEST_SOCKETS'] ?? 'auto' },
  )
  if (read.kind !== 'config') throw new Error(JSON.stringify(read))
  const proxy = createProxy(read.masters, createLog('silent'))
  const { masters } = await proxy.start()
  t.teardown(() => proxy.stop())
  return masters[0].listen?.port ?? 0
}
