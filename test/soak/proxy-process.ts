// proxy-process.ts: starts proxy-child.ts, keeps what its log says, asks it for its counters, samples it from outside.
//
// Owns: the process from `start` to `stop`. Never: keeps more of the log than counts by event and the lines that
// matter.
import { type ChildProcess, fork } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { nodeFlags } from '../../src/cli/node-flags.ts'
import { processEnded, reapProcess } from '../support/reaper.ts'
import { type Truthy, waitUntil } from '../support/wait-until.ts'
import { type Resident, residentOf } from './mappings.ts'
import type { FromChild, Look } from './proxy-child.ts'

export interface Line {
  readonly level: string
  readonly event?: string
  readonly heldMs?: number
}

export interface Stopped {
  readonly code: number | null
  /** null when it ended without a word. */
  readonly look: Look | null
}

export class ProxyProcess {
  readonly pid: number
  port = 0
  /** How often each event was logged. */
  readonly events = new Map<string, number>()
  /** Lines of level error and fatal, as they came. */
  readonly errors: string[] = []
  /** Milliseconds each hold lasted. */
  readonly holds: number[] = []
  stderr = ''
  readonly #child: ChildProcess
  readonly #ended: Promise<number | null>
  #answers: Look[] = []
  #last: Look | null = null

  private constructor(child: ChildProcess) {
    this.#child = child
    this.pid = child.pid ?? 0
    reapProcess(this.pid)
    this.#ended = new Promise(resolve => child.once('close', code => resolve(code)))
    child.on('message', (message: FromChild) => this.#hear(message))
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    let partial = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (partial + text).split('\n')
      partial = lines.pop() ?? ''
      for (const line of lines) this.#read(line)
    })
  }

  /** `flags` as on the command line; the port is chosen by the kernel. */
  static async start(flags: readonly string[]): Promise<ProxyProcess> {
    const entry = fileURLToPath(new URL('proxy-child.ts', import.meta.url))
    const argv = ['--master', 'mymaster', '--listen', '127.0.0.1:0', '--log-level', 'info', ...flags]
    const child = fork(entry, argv, {
      execArgv: ['--expose-gc', ...nodeFlags],
      env: { ...process.env, ...allocatorSettings() },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const proxy = new ProxyProcess(child)
    const listening = (): number => {
      if (child.exitCode !== null) throw new Error(`the proxy ended with ${child.exitCode}: ${proxy.stderr}`)
      return proxy.port
    }
    await waitUntil('the proxy listens', listening, { withinMs: 20_000 })
    return proxy
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Its counters and memory now; with `collect` after a forced collection. */
  async look(how: 'look' | 'collect' = 'look'): Promise<Truthy<Look>> {
    this.#answers = []
    this.#child.send(how)
    return waitUntil('the proxy answers', () => this.#answers[0], { withinMs: 20_000, everyMs: 2 })
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(name)
  }

  /** Resident memory in bytes, as the kernel has it. */
  rss(): number {
    const pages = Number(readFileSync(`/proc/${this.pid}/statm`, 'latin1').split(' ')[1])
    return pages * 4096
  }

  /** What it is made of. */
  resident(): Resident {
    return residentOf(readFileSync(`/proc/${this.pid}/smaps`, 'latin1'))
  }

  /** Open file descriptors. */
  descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length
  }

  /** SIGTERM, and after 20 s SIGKILL. */
  async stop(): Promise<Stopped> {
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 20_000)
    const code = await this.#ended
    clearTimeout(timer)
    processEnded(this.pid)
    return { code, look: this.#last }
  }

  #hear(message: FromChild): void {
    if (message.kind === 'listening') this.port = message.port
    else if (message.kind === 'looked') this.#answers.push(message.look)
    else this.#last = message.look
  }

  #read(text: string): void {
    const line: Line = JSON.parse(text)
    const { event = '', level, heldMs } = line
    this.events.set(event, (this.events.get(event) ?? 0) + 1)
    if (level === 'error' || level === 'fatal') this.errors.push(text)
    if (event === 'hold.drain' && heldMs !== undefined) this.holds.push(heldMs)
  }
}

/** malloc's settings as the image has them. */
function allocatorSettings(): Record<string, string> {
  const text = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8')
  return Object.fromEntries(
    [...text.matchAll(/\b(MALLOC_\w+)=(\d+)/g)].map(([, name = '', value = '']) => [name, value]),
  )
}
