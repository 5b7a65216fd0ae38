// stage.ts: the proxies of one benchmark run and the folder with their configuration.
//
// Owns: every proxy process the run starts; close() ends them by their pid and removes the folder, and so do SIGINT and
// SIGTERM. What a crash of the runner leaves is ended by the same reaper the tests use.
// Never: starts servers (backend.ts), measures anything, signals a process it did not start.

import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { processEnded, reapProcess } from '../test/support/reaper.ts'
import { makeFolder, removeFolder } from '../test/support/servers.ts'
import { waitUntil } from '../test/support/wait-until.ts'

const stopGraceMs = 5_000
const startLimitMs = 10_000
const outputTailBytes = 4_096

/** A child process of the run; `output` holds the last 4 KiB it printed, to explain an early end. */
export interface Running {
  readonly name: string
  readonly pid: number
  readonly child: ChildProcess
  output: string
  alive: boolean
}

/** What a child has beside its two outputs. */
export interface Channels {
  /** It reads standard input. */
  readonly input?: boolean
  /** The channel of Node's own (`process.send`). */
  readonly ipc?: boolean
}

export interface Stage {
  readonly folder: string
  /** Rejects with the system's reason (ENOENT: the program is not installed). */
  start(name: string, command: string, args: readonly string[], channels?: Channels): Promise<Running>
  /** To be called by close(), last added first. */
  onClose(undo: () => Promise<void>): void
  close(): Promise<void>
}

export async function createStage(): Promise<Stage> {
  const folder = await makeFolder()
  const undos: (() => Promise<void>)[] = [() => removeFolder(folder)]
  let closing: Promise<void> | undefined

  async function closeAll(): Promise<void> {
    for (const undo of undos.reverse()) await undo()
  }
  const close = (): Promise<void> => {
    closing ??= closeAll()
    return closing
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      console.error(`\n${signal}: ending what was started`)
      void close().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143))
    })
  }
  return {
    folder,
    start: async (name, command, args, channels) => {
      const running = await startChild(name, command, args, channels)
      undos.push(() => endRunning(running))
      return running
    },
    onClose: undo => void undos.push(undo),
    close,
  }
}

async function startChild(
  name: string,
  command: string,
  args: readonly string[],
  { input = false, ipc = false }: Channels = {},
): Promise<Running> {
  const child = spawn(command, args, {
    stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe', ...(ipc ? (['ipc'] as const) : [])],
  })
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('spawn', resolve)
  })
  const pid = child.pid ?? 0
  const running: Running = { name, pid, child, output: '', alive: true }
  reapProcess(pid)
  const keepTail = (chunk: Buffer): void => {
    running.output = (running.output + chunk.toString()).slice(-outputTailBytes)
  }
  child.stdout?.on('data', keepTail)
  child.stderr?.on('data', keepTail)
  child.once('exit', () => {
    running.alive = false
    processEnded(pid)
  })
  return running
}

/** SIGTERM, and SIGKILL after 5 s; resolves when the process is gone. */
export async function endRunning(running: Running): Promise<void> {
  if (!running.alive) return
  const exited = new Promise<void>(resolve => running.child.once('exit', () => resolve()))
  running.child.kill('SIGTERM')
  const timer = setTimeout(() => running.child.kill('SIGKILL'), stopGraceMs)
  await exited
  clearTimeout(timer)
}

/** Waits until `port` accepts; rejects with what the process printed when it ends first or is not there in time. */
export async function waitForPort(port: number, running: Running, everyMs = 20): Promise<void> {
  const listens = async (): Promise<boolean> => !running.alive || (await accepts(port))
  try {
    await waitUntil(`${running.name} listens on ${port}`, listens, { withinMs: startLimitMs, everyMs })
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${running.output.trim()}`)
  }
  if (!running.alive) throw new Error(`${running.name} ended at once: ${running.output.trim()}`)
}

async function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
