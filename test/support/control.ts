// control.ts: a control socket in a folder of its own, and `holdfast ctl` run as a person would.
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ControlClient } from '../../src/control/client.ts'
import { childEnvironment } from './child-environment.ts'
import { reapChild } from './reaper.ts'
import { makeFolder, removeFolder } from './servers.ts'

const program = join(fileURLToPath(new URL('../..', import.meta.url)), 'src', 'main.ts')

/** A command of ours ends within a minute, a switchover too. With a bug one may serve for ever. */
const PROGRAM_MS = 120_000

interface Teardown {
  teardown(end: () => unknown): void
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A path for --control-socket; its folder is removed with the test. */
export async function controlPath(t: Teardown): Promise<string> {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  return join(dir, 'ctl.sock')
}

/** A client of the socket, closed with the test. */
export async function openControl(t: Teardown, path: string): Promise<ControlClient> {
  const client = await ControlClient.open(path)
  t.teardown(() => client.close())
  return client
}

export interface Running {
  readonly child: ChildProcess
  /** What it has written so far. */
  stdout(): string
  readonly ended: Promise<Ended>
}

/** Starts `holdfast WORDS...`; killed with the test where it still runs. */
export function startProgram(t: Teardown, words: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [program, ...words], {
    env: childEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  reapChild(child)
  const out = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    out.stderr += text
  })
  const ended = new Promise<Ended>(resolve => child.once('close', code => resolve({ code, ...out })))
  t.teardown(() => child.exitCode === null && child.kill('SIGKILL'))
  return { child, stdout: () => out.stdout, ended }
}

/** Runs it to its end. One that never ends is killed, and has no exit code. */
export async function runProgram(
  t: Teardown,
  words: readonly string[],
  env: Record<string, string> = {},
): Promise<Ended> {
  const { child, ended } = startProgram(t, words, env)
  const timer = setTimeout(() => child.kill('SIGKILL'), PROGRAM_MS)
  const end = await ended
  clearTimeout(timer)
  return end
}
