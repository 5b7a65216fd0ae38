// holdfast.ts: the program under test, in this process or as one of its own, and what must be true of it afterwards.
//
// Owns: one running proxy on a free port of 127.0.0.1 and every line it has logged. It is stopped with the test, and
// then judged: the counters add up, nothing is left pending, no error was logged that the test did not announce.
// Never: knows the servers behind it (sentinel-set.ts and fake-sentinel.ts do).
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { readConfig } from '../../src/config.ts'
import type { Counters } from '../../src/ops/counters.ts'
import { createProxy } from '../../src/proxy.ts'
import { childEnvironment } from './child-environment.ts'
import { tellOnFailure } from './facts.ts'
import type { Teardown } from './fake-redis.ts'
import { FakeSentinel } from './fake-sentinel.ts'
import { imbalance } from './imbalance.ts'
import { processEnded, reapProcess } from './reaper.ts'
import { ask } from './resp-client.ts'
import { anyFlavour, endServer, type Flavour, makeFolder, type Node, removeFolder, startServer } from './servers.ts'
import { settings } from './settings.ts'
import { deadline, waitUntil } from './wait-until.ts'

export interface LogLine {
  readonly level: string
  readonly event?: string
  readonly msg?: string
  readonly address?: string
  readonly admin?: string
  readonly heldMs?: number
  readonly longestMs?: number
  readonly cause?: string
  readonly right?: string
  readonly [field: string]: unknown
}

export interface HoldfastOptions {
  /** Sentinel addresses as 'host:port'. */
  readonly sentinels: readonly string[]
  /** mymaster; several as cache=127.0.0.1:0,queue=127.0.0.1:0; '' where the file of --config names them. */
  readonly masterName?: string
  /** Further options by their flag's name without '--': { 'hold-timeout': '2s' }. */
  readonly options?: Readonly<Record<string, string>>
  /** Events of level error that this test provokes; any other is a failure. */
  readonly expectedErrors?: readonly string[]
  /** Of a process of its own: 0 where not given. */
  readonly expectedExitCode?: number
  /** Arguments of Node itself; only for a process of its own. */
  readonly nodeArguments?: readonly string[]
  /** What starts it: words before Node's own; only for a process of its own. They must not fork. */
  readonly launcher?: readonly string[]
  /** Another main file, of a copy of the program. */
  readonly program?: string
}

export interface Holdfast {
  readonly host: string
  readonly port: number
  /** Where the admin port is: http://127.0.0.1:PORT; '' where --admin-listen was not given. */
  readonly admin: string
  /** The port that speaks Sentinel; 0 where --sentinel-listen was not given. */
  readonly sentinelPort: number
  /** Everything logged so far, debug lines included. */
  readonly log: readonly LogLine[]
  /** The first line with this event at or after the given index. */
  find(event: string, from?: number): LogLine | undefined
  /** Stops it and judges it; called again, it does nothing. @throws Error naming all that is wrong. */
  stop(): Promise<void>
}

export interface InProcess extends Holdfast {
  /** Of the first master. */
  readonly counters: Readonly<Counters>
  /** Each master by its name. */
  readonly masters: ReadonlyMap<
    string,
    { readonly port: number; readonly replicaPort: number; readonly counters: Readonly<Counters> }
  >
  /** Of the first master; 0 where --replica-listen was not given. */
  readonly replicaPort: number
}

export interface AsProcess extends Holdfast {
  readonly pid: number
  /** Sends a signal; from now on the process may end. */
  signal(name: NodeJS.Signals): void
  /** Its exit code, when it has ended. */
  readonly ended: Promise<number | null>
}

const root = fileURLToPath(new URL('../..', import.meta.url))

function flagsOf(options: HoldfastOptions, logLevel: string): string[] {
  const all = {
    sentinels: options.sentinels.join(','),
    ...mastersOf(options.masterName ?? 'mymaster'),
    'shutdown-grace': '1s',
    'log-level': logLevel,
    // HOLDFAST_TEST_SOCKETS=streams runs every test without what lies below Node's streams.
    sockets: process.env['HOLDFAST_TEST_SOCKETS'] ?? 'auto',
    'retry-policy': settings.policy ?? 'always',
    ack: settings.ack,
    // Committed reads wait for what replicas confirm: a test that takes the master's word alone has none.
    reads: options.options?.['ack'] === 'master' ? 'plain' : settings.reads,
    ...options.options,
  }
  return Object.entries(all).flatMap(([name, value]) => [`--${name}`, value])
}

function mastersOf(master: string): Record<string, string> {
  if (master === '') return {}
  return master.includes('=') ? { master } : { master, listen: '127.0.0.1:0' }
}

/** The two planes in this process, read from the same options as the program's. */
export async function startHoldfast(t: Teardown, options: HoldfastOptions): Promise<InProcess> {
  const read = readConfig(flagsOf(options, 'debug'), {})
  if (read.kind !== 'config') throw new Error(read.kind === 'errors' ? read.errors.join('; ') : read.kind)
  const log: LogLine[] = []
  const formatters = { level: (level: string) => ({ level }) }
  const sink = { write: (line: string): void => void log.push(JSON.parse(line)) }
  const proxy = createProxy(read.masters, pino({ level: 'debug', base: null, formatters }, sink))
  const bound = await proxy.start()
  const end = async (): Promise<string[]> => {
    const before = [...proxy.counters, ...proxy.replicaCounters].map(imbalance)
    await proxy.stop()
    const after = [...proxy.counters, ...proxy.replicaCounters].flatMap(counters => [
      imbalance(counters),
      leftover(counters),
    ])
    return [...before, ...after].filter(text => text !== undefined)
  }
  const base = handle(t, {
    port: bound.masters[0].listen?.port ?? 0,
    admin: urlOf(bound.admin?.port),
    sentinelPort: bound.sentinel?.port ?? 0,
    log,
    expected: options.expectedErrors ?? [],
    end,
  })
  const masters = new Map(
    bound.masters.map(({ name, listen, replicas }, i) => [
      name,
      {
        port: listen?.port ?? 0,
        replicaPort: replicas?.port ?? 0,
        counters: proxy.counters[i] ?? proxy.counters[0],
      },
    ]),
  )
  const replicaPort = bound.masters[0].replicas?.port ?? 0
  return { ...base, counters: proxy.counters[0], masters, replicaPort }
}

/** What a stopped proxy may not have: open sessions, requests that wait, bytes without their reply. */
function leftover(counters: Readonly<Counters>): string | undefined {
  const { sessions, waiting, waitingBytes, waitingForUser, pendingBytes } = counters
  const { unfinishedBytes, transactionBytes, unreadBytes } = counters
  const requests = { sessions, waiting, waitingBytes, waitingForUser, pendingBytes }
  const left = { ...requests, unfinishedBytes, transactionBytes, unreadBytes }
  return Object.values(left).every(value => value === 0) ? undefined : `left over: ${JSON.stringify(left)}`
}

/** The program itself, run as a person would; its standard output is the log. */
export async function startHoldfastProcess(t: Teardown, options: HoldfastOptions): Promise<AsProcess> {
  const main = options.program ?? join(root, 'src', 'main.ts')
  const program = [...(options.nodeArguments ?? []), main, ...flagsOf(options, 'debug')]
  const [first = '', ...argv] = [...(options.launcher ?? []), process.execPath, ...program]
  const child = spawn(first, argv, { env: childEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] })
  const pid = child.pid ?? 0
  reapProcess(pid)
  const log: LogLine[] = []
  let stderr = ''
  let partial = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (partial + text).split('\n')
    partial = lines.pop() ?? ''
    for (const line of lines) log.push(JSON.parse(line))
  })
  const ended = new Promise<number | null>(resolve => child.once('close', code => resolve(code)))
  let told = false
  const signal = (name: NodeJS.Signals): void => {
    told = true
    child.kill(name)
  }
  const end = async (): Promise<string[]> => {
    const faults = told || child.exitCode === null ? [] : [`it had ended by itself with code ${child.exitCode}`]
    const code = await endProcess(child, ended)
    const wanted = options.expectedExitCode ?? 0
    processEnded(pid)
    if (code !== wanted) faults.push(`exit code ${code}`)
    if (stderr !== '') faults.push(`standard error: ${stderr}`)
    return faults
  }
  const base = handle(t, { port: 0, admin: '', sentinelPort: 0, log, expected: options.expectedErrors ?? [], end })
  const look = (): LogLine | undefined => {
    if (child.exitCode !== null) throw new Error(`it ended with code ${child.exitCode}: ${stderr}`)
    return base.find('process.listening')
  }
  const line = await waitUntil('it listens', look, { withinMs: 30_000 })
  const admin = urlOf(line.admin === undefined ? undefined : portOf(line.admin))
  return { ...base, port: portOf(line.address), admin, pid, signal, ended }
}

function portOf(address: string | undefined): number {
  return Number(address?.split(':').at(-1))
}

function urlOf(port: number | undefined): string {
  return port === undefined ? '' : `http://127.0.0.1:${port}`
}

async function endProcess(child: ChildProcess, ended: Promise<number | null>): Promise<number | null> {
  if (child.exitCode === null) child.kill('SIGTERM')
  const end = deadline(10_000, () => child.kill('SIGKILL'))
  const code = await ended
  end()
  return code
}

interface Running {
  readonly port: number
  readonly admin: string
  readonly sentinelPort: number
  readonly log: readonly LogLine[]
  readonly expected: readonly string[]
  /** Ends it; answers what is wrong with it. */
  readonly end: () => Promise<string[]>
}

function handle(t: Teardown, { port, admin, sentinelPort, log, expected, end }: Running): Holdfast {
  let stopping: Promise<void> | null = null
  const judge = async (): Promise<void> => {
    const faults = [...(await end()), ...surprises(log, expected)]
    if (faults.length > 0) throw new Error(`holdfast: ${faults.join('\n')}`)
  }
  const stop = (): Promise<void> => {
    stopping ??= judge()
    return stopping
  }
  // After a teardown that rejects, tap runs no other one: the servers would stay, and the file would hang until its
  // limit.
  t.teardown(t.threw === undefined ? stop : () => stop().catch(error => t.threw?.(error)))
  // The last teardown runs first: what it tells does not end with the words of the stop.
  tellOnFailure(t, log)
  return {
    host: '127.0.0.1',
    port,
    admin,
    sentinelPort,
    log,
    find: (event, from = 0) => log.slice(from).find(line => line.event === event),
    stop,
  }
}

function surprises(log: readonly LogLine[], expected: readonly string[]): string[] {
  const serious = log.filter(({ level, event = '' }) => {
    return (level === 'error' || level === 'fatal') && !expected.includes(event)
  })
  const bugs = log.filter(line => JSON.stringify(line).includes('BUG'))
  return [...new Set([...serious, ...bugs])].map(line => `unexpected line: ${JSON.stringify(line)}`)
}

export interface SingleServer {
  readonly holdfast: InProcess
  readonly node: Node
  readonly sentinel: FakeSentinel
}

type SingleOptions = Omit<HoldfastOptions, 'sentinels'> & {
  readonly serverConfig?: readonly string[]
  readonly flavour?: Flavour
  /** What our own questions to the server AUTH with. */
  readonly password?: string
}

/**
 * One real server, one scripted Sentinel that names it, and the proxy, serving: for tests in which nothing fails over.
 */
export function startSingle(t: Teardown, options: SingleOptions = {}): Promise<SingleServer> {
  return startWith(t, options, startHoldfast)
}

/** The same with the proxy as a process of its own, whose memory can be looked at. */
export function startSingleProcess(
  t: Teardown,
  options: SingleOptions = {},
): Promise<{ readonly holdfast: AsProcess; readonly node: Node; readonly sentinel: FakeSentinel }> {
  return startWith(t, options, startHoldfastProcess)
}

async function startWith<H extends Holdfast>(
  t: Teardown,
  options: SingleOptions,
  start: (t: Teardown, options: HoldfastOptions) => Promise<H>,
): Promise<{ readonly holdfast: H; readonly node: Node; readonly sentinel: FakeSentinel }> {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const config = ['save ""', ...(options.serverConfig ?? [])]
  const node = await startServer({
    flavour: options.flavour ?? anyFlavour(),
    kind: 'data',
    name: 'one',
    dir,
    config,
    password: options.password,
  })
  t.teardown(() => endServer(node))
  if (options.options?.['ack'] !== 'master') await startWitness(t, node, { dir, password: options.password })
  const sentinel = await FakeSentinel.start(t, { master: { host: node.host, port: node.port } })
  const holdfast = await start(t, { ...options, sentinels: [`${sentinel.host}:${sentinel.port}`] })
  await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 5000 })
  return { holdfast, node, sentinel }
}

/** With HOLDFAST_TEST_ACK=replicated somebody has to confirm writes. */
export async function startWitness(
  t: Teardown,
  master: Node,
  options: { dir: string; password?: string | undefined },
): Promise<void> {
  if (settings.isReplicated) await startReplica(t, master, options)
}

/** A replica of `master`, attached. */
export async function startReplica(
  t: Teardown,
  master: Node,
  { dir, password, name = 'replica' }: { dir: string; password?: string | undefined; name?: string },
): Promise<Node> {
  const config = ['save ""', `replicaof ${master.host} ${master.port}`]
  if (password !== undefined) config.push(`masterauth ${password}`)
  const replica = await startServer({ flavour: master.flavour, kind: 'data', name, dir, config, password })
  t.teardown(() => endServer(replica))
  const isAttached = async (): Promise<boolean> =>
    String(await ask(replica, ['INFO', 'replication'])).includes('master_link_status:up')
  await waitUntil('the replica is attached', isAttached, { withinMs: 20_000 })
  return replica
}
