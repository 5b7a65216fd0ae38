// servers.ts: one real redis-server or valkey-server process for a test: find the program, a port, start, wait, end.
//
// Owns: the process, its config file and its log file. Never: knows who is master of what (sentinel-set.ts does), uses
// a port at or above 32768 (those are handed out by the kernel to outgoing connections), signals a process by name.
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, mkdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { ConnectionOptions } from 'node:tls'
import { folderRemoved, processEnded, reapFolder, reapProcess } from './reaper.ts'
import { ask, RespError } from './resp-client.ts'
import { waitUntil } from './wait-until.ts'

export type Flavour = 'redis' | 'valkey'

/** A server process of a test. `pid` changes when it is restarted, `port` when it is moved. */
export interface Node {
  readonly host: string
  port: number
  readonly kind: 'data' | 'sentinel'
  readonly name: string
  readonly flavour: Flavour
  /** What our own questions sign in with; a test that changes the server's changes it here. */
  password: string | undefined
  /** How to speak TLS to it; undefined: it speaks none. */
  readonly tls: ConnectionOptions | undefined
  readonly configFile: string
  readonly logFile: string
  pid: number
}

export interface ServerSpec {
  readonly flavour: Flavour
  readonly kind: 'data' | 'sentinel'
  readonly name: string
  /** Folder for config, log and data. */
  readonly dir: string
  /** A free one where it is not given. */
  readonly port?: number
  /** Config lines besides port, bind, dir, logfile. */
  readonly config: readonly string[]
  /** What to AUTH with in our own questions. */
  readonly password?: string | undefined
  /** How our own questions speak TLS; the config lines must make the server do so at `port`. */
  readonly tls?: ConnectionOptions | undefined
  /** 127.0.0.1; a name or IPv6 address of the loopback. */
  readonly host?: string | undefined
}

/** The server did not start because something else listens on its port: try again with another. */
export class PortTaken extends Error {
  override readonly name = 'PortTaken'
}

const loopback = '127.0.0.1'
const lowestPort = 10_000
const highestPort = 32_767
const startLimitMs = 10_000
const startAttempts = 5
const running = new Map<Node, ChildProcess>()
const handedOut = new Set<number>()

/** Full path of the program, or undefined where it is not installed. */
export function findServer(flavour: Flavour): string | undefined {
  const { PATH = '' } = process.env
  for (const dir of PATH.split(delimiter)) {
    const path = join(dir, `${flavour}-server`)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not in this folder.
    }
  }
  return undefined
}

/** The program, or an error that says how to get it. */
export function requireServer(flavour: Flavour): string {
  const path = findServer(flavour)
  if (path) return path
  throw new Error(`${flavour}-server is not on PATH: apt-get install ${flavour}-server, or brew install ${flavour}`)
}

/** The one that is there, redis first. */
export function anyFlavour(): Flavour {
  return findServer('redis') || !findServer('valkey') ? 'redis' : 'valkey'
}

/**
 * A port of 127.0.0.1 below 32768 that was free a moment ago. It is this process's until it ends, also while the server
 * there is down: a folder in the temporary one keeps other test processes away. A server that still meets a taken one,
 * as any other program may take it, says PortTaken.
 */
export async function freePort(): Promise<number> {
  const span = highestPort - lowestPort + 1
  const start = Math.floor(Math.random() * span)
  for (let i = 0; i < span; i++) {
    const port = lowestPort + ((start + i) % span)
    if (handedOut.has(port) || !reserve(port)) continue
    handedOut.add(port)
    if (await canBind(port)) return port
  }
  throw new Error(`no free port between ${lowestPort} and ${highestPort}`)
}

/** Whether no other test process has it. Where no folder can be made, nobody else is asked. */
function reserve(port: number): boolean {
  const folder = join(tmpdir(), `holdfast-port-${port}`)
  try {
    mkdirSync(folder)
    reapFolder(folder)
    return true
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'EEXIST')
  }
}

function canBind(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: loopback, exclusive: true }, () => probe.close(() => resolve(true)))
  })
}

/** A new folder under the system's temporary one; removed with `removeFolder`, at the latest when the process ends. */
export async function makeFolder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-'))
  reapFolder(dir)
  return dir
}

export async function removeFolder(dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true, maxRetries: 3 })
  folderRemoved(dir)
}

/**
 * Writes the config, starts the server and waits until it answers PING (10 s at most).
 * @throws PortTaken where the port is given, or Error with the end of the server's log.
 */
export async function startServer(spec: ServerSpec): Promise<Node> {
  if (spec.port !== undefined) return startAt(spec, spec.port)
  for (let attempt = 1; ; attempt++) {
    try {
      return await startAt(spec, await freePort())
    } catch (error) {
      if (!(error instanceof PortTaken) || attempt === startAttempts) throw error
    }
  }
}

async function startAt(spec: ServerSpec, port: number): Promise<Node> {
  const { flavour, kind, name, dir, password, tls, host = loopback } = spec
  const configFile = join(dir, `${name}.conf`)
  const logFile = join(dir, `${name}.log`)
  // Each has a folder of its own: an append-only file has the same name with all.
  const dataDir = join(dir, name)
  await mkdir(dataDir, { recursive: true })
  const common = [
    `${tls ? 'tls-port' : 'port'} ${port}`,
    ...(tls ? ['port 0', 'tls-replication yes'] : []),
    `bind ${host === 'localhost' ? loopback : host}`,
    `dir ${dataDir}`,
    `logfile ${logFile}`,
    'daemonize no',
    'protected-mode no',
    // A server waits five seconds otherwise, for more replicas to come.
    ...(kind === 'data' ? ['repl-diskless-sync-delay 0'] : []),
  ]
  await writeFile(configFile, `${[...common, ...spec.config].join('\n')}\n`)
  const node: Node = { host, port, kind, name, flavour, password, tls, configFile, logFile, pid: 0 }
  await launch(node)
  return node
}

/** Starts an ended server again: same port, and its config as it (or Sentinel) has rewritten it since. */
export async function restartServer(node: Node): Promise<void> {
  if (running.has(node)) throw new Error(`${node.name} still runs`)
  await launch(node)
}

/** Starts an ended server again on another port, its config otherwise as it has rewritten it. */
export async function moveServer(node: Node, port: number): Promise<void> {
  if (running.has(node)) throw new Error(`${node.name} still runs`)
  const config = await readFile(node.configFile, 'utf8')
  await writeFile(node.configFile, config.replace(/^port \d+$/m, `port ${port}`))
  node.port = port
  await launch(node)
}

async function launch(node: Node): Promise<void> {
  const program = requireServer(node.flavour)
  const args = [node.configFile, ...(node.kind === 'sentinel' ? ['--sentinel'] : [])]
  const child = spawn(program, args, { stdio: 'ignore' })
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
  const pid = child.pid ?? 0
  node.pid = pid
  running.set(node, child)
  reapProcess(pid)
  child.once('exit', () => {
    processEnded(pid)
    if (running.get(node) === child) running.delete(node)
  })
  try {
    await waitUntil(`${node.name} answers PING`, () => answersPing(node), { withinMs: startLimitMs, everyMs: 15 })
  } catch (error) {
    await endServer(node)
    throw error instanceof Error ? withLog(error, node) : error
  }
  // A reply proves only that someone listens there: with the port taken, our own process is the one that has ended.
  if (!running.has(node)) throw withLog(new PortTaken(`${node.name}: ended at once on port ${node.port}`), node)
}

async function answersPing(node: Node): Promise<boolean> {
  if (!running.has(node)) return true
  const info = await ask(node, ['INFO', 'server'], { timeoutMs: 500, password: node.password })
  // A test may have taken INFO away by rename-command: then whoever answers is ours while ours runs.
  if (info instanceof RespError) return info.message.startsWith('ERR unknown command') && running.has(node)
  const text = typeof info === 'string' ? info : ''
  return text.includes(`process_id:${node.pid}\r\n`)
}

function withLog(error: Error, node: Node): Error {
  const log = tail(node)
  if (/Address already in use/i.test(log)) return new PortTaken(`${node.name}: port ${node.port} is taken`)
  error.message += `\n--- end of ${node.logFile}:\n${log}`
  return error
}

function tail(node: Node): string {
  try {
    return readFileSync(node.logFile, 'utf8').split('\n').slice(-12).join('\n')
  } catch {
    return '(no log)'
  }
}

export function isRunning(node: Node): boolean {
  return running.has(node)
}

/** SIGKILL; answers when the process is gone. A stopped one is ended too. */
export async function endServer(node: Node): Promise<void> {
  await signalAndWait(node, 'SIGKILL')
}

/** SIGTERM: an orderly shutdown, for which a master waits for its replicas (10 s at most). */
export async function termServer(node: Node): Promise<void> {
  await signalAndWait(node, 'SIGTERM')
}

async function signalAndWait(node: Node, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const child = running.get(node)
  if (!child) return
  const gone = new Promise<true>(resolve => child.once('exit', () => resolve(true)))
  child.kill(signal)
  if (signal === 'SIGKILL') child.kill('SIGCONT')
  await waitUntil(`${node.name} ends after ${signal}`, () => gone, { withinMs: 20_000 })
}

/** SIGSTOP; answers once the process is really stopped: until then it may still serve what it has read. */
export async function stopServer(node: Node): Promise<void> {
  signal(node, 'SIGSTOP')
  await waitUntil(`${node.name} is stopped`, () => ['T', ''].includes(stateLetter(node.pid)), {
    withinMs: 2000,
    everyMs: 1,
  })
}

export function resumeServer(node: Node): void {
  signal(node, 'SIGCONT')
}

function signal(node: Node, name: 'SIGSTOP' | 'SIGCONT'): void {
  const child = running.get(node)
  if (!child) throw new Error(`${node.name} does not run`)
  child.kill(name)
}

/**
 * Whether a process runs, stopped or not. One that has ended but was not collected by its parent (a zombie) does not:
 * an orphan's parent is the init process, which in a container may take its time or never collect.
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  return stateLetter(pid) !== 'Z'
}

/** The state in /proc (R, S, T, Z, ...); '' where there is none to ask, as on macOS. */
function stateLetter(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.charAt(stat.lastIndexOf(')') + 2)
  } catch {
    return ''
  }
}
