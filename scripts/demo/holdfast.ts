// holdfast.ts: Holdfast as the demo runs it: a process of its own, known by its port and its log.
//
// It is started from src/ and not from dist/: what runs is what stands in the checkout, and nothing has to be compiled
// or replaced first. Owns: the process and the reading of its log. Never: knows what the lines mean (story.ts).
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { processEnded, reapProcess } from '../../test/support/reaper.ts'
import { waitUntil } from '../../test/support/wait-until.ts'

export interface Holdfast {
  readonly port: number
  /** The address of its page, for a browser. */
  readonly page: string
  /** The path of its --config file, with which the commands of an operator find it. */
  readonly config: string
  /** Never answers; fails, with the end of the log, when the process ends without having been asked to. */
  readonly broken: Promise<never>
  /** SIGTERM, and SIGKILL where that takes more than three seconds. */
  stop(): Promise<void>
}

/** One line of the log: the fields that are read here, none of them taken on trust. */
export interface LogLine {
  readonly event?: unknown
  readonly level?: unknown
  /** ISO 8601, with milliseconds. */
  readonly time?: unknown
  readonly msg?: unknown
  readonly address?: unknown
  readonly admin?: unknown
  readonly master?: unknown
  readonly epoch?: unknown
  readonly cause?: unknown
  readonly detail?: unknown
  readonly reason?: unknown
  readonly waiting?: unknown
  readonly heldMs?: unknown
}

export interface HoldfastOptions {
  readonly sentinels: readonly string[]
  readonly masterName: string
  /** A folder for its --config file and its control socket, removed by whoever gives it. */
  readonly dir: string
  /** Gets every line as it was written. */
  readonly logFile: string | null
  readonly onLine: (line: LogLine) => void
}

const mainFile = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const startLimitMs = 15_000
const stopLimitMs = 3000
const tailLines = 12

/** Answers when clients may connect and a master is confirmed. */
export async function startHoldfast(options: HoldfastOptions): Promise<Holdfast> {
  const config = writeConfig(options)
  const child = launch(config)
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => {})
  const run = { child, stopping: false, port: 0, page: '', serving: false, tail: [] as string[] }
  child.once('close', (code, signal) => {
    if (run.stopping) return
    broken.reject(new Error(`Holdfast ended by itself (${signal ?? code})\n${run.tail.join('\n')}`))
  })
  readLines(child, options, (text, line) => {
    run.tail = [...run.tail, text].slice(-tailLines)
    if (line?.event === 'process.listening') {
      run.port = portOf(line.address)
      run.page = `http://${line.admin}/`
    }
    if (line?.event === 'master.confirmed') run.serving = true
  })
  const stop = async (): Promise<void> => {
    run.stopping = true
    await endChild(child)
  }
  try {
    const started = waitUntil('Holdfast has a master', () => run.port > 0 && run.serving, { withinMs: startLimitMs })
    await Promise.race([started, broken.promise])
  } catch (error) {
    await stop()
    throw error
  }
  return { port: run.port, page: run.page, config, broken: broken.promise, stop }
}

/** Answers its path. In a file, so that `holdfast switchover --config FILE` has the options of the proxy. */
function writeConfig({ sentinels, masterName, dir }: HoldfastOptions): string {
  const options = {
    sentinels: sentinels.join(','),
    master: masterName,
    listen: '127.0.0.1:0',
    'admin-listen': '127.0.0.1:0',
    'control-socket': join(dir, 'control.sock'),
    'shutdown-grace': '1s',
    // A Sentinel that stood still elects nobody for 30 s. On such a machine the clients wait, and the demo says why.
    'hold-timeout': '10m',
  }
  const path = join(dir, 'holdfast.yaml')
  const lines = Object.entries(options).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
  writeFileSync(path, lines.join(''))
  return path
}

function launch(config: string): ChildProcess {
  // Options in a person's environment are for a Holdfast of their own.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('HOLDFAST_')))
  // In a process group of its own, so that Ctrl-C does not end it in front of the clients.
  const child = spawn(process.execPath, [mainFile, '--config', config], {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { pid } = child
  if (pid !== undefined) {
    reapProcess(pid)
    child.once('exit', () => processEnded(pid))
  }
  child.on('error', () => {})
  return child
}

function readLines(
  { stdout, stderr }: ChildProcess,
  { logFile, onLine }: HoldfastOptions,
  keep: (text: string, line: LogLine | null) => void,
): void {
  const file = logFile === null ? null : createWriteStream(logFile)
  file?.on('error', error => process.stderr.write(`demo: ${error.message}\n`))
  if (stdout) {
    createInterface({ input: stdout }).on('line', text => {
      file?.write(`${text}\n`)
      const line = parseLine(text)
      keep(text, line)
      if (line) onLine(line)
    })
  }
  if (stderr) createInterface({ input: stderr }).on('line', text => keep(text, null))
}

function parseLine(text: string): LogLine | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as LogLine) : null
  } catch {
    return null
  }
}

function portOf(address: unknown): number {
  return Number(/:(\d+)$/.exec(String(address))?.[1] ?? 0)
}

async function endChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), stopLimitMs)
  await gone
  clearTimeout(timer)
}
