// crowd.ts: the sidecars, in as few processes as the machine's cores ask for, as one thing that starts, reports and
// stops.
//
// Owns: the processes of member.ts. Never: knows servers.
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { processEnded, reapProcess } from '../../test/support/reaper.ts'
import type { ClientReport, FromMember, ToMember } from './member.ts'

export interface CrowdOptions {
  readonly checkout: string
  readonly sidecars: number
  readonly perProcess: number
  readonly sentinels: readonly string[]
  readonly masterName: string
  /** Of the first sidecar; null: none is kept. */
  readonly logFile: string | null
  /** CPU profiles of the first process; null: none is made. */
  readonly profileFile: string | null
}

export interface CrowdReport {
  readonly clients: readonly ClientReport[]
  readonly errors: number
  readonly lost: number
  readonly warnings: Readonly<Record<string, number>>
  readonly cpuSeconds: number
  readonly residentBytes: number
}

/** Member processes start one after the other: a thousand sidecars that start at once are another measurement. */
const MEMBER = join(import.meta.dirname, 'member.ts')
const YOUNG_MB = 256
/**
 * As a sidecar has them that serves a few commands a second: cli/node-flags.ts, cli/engine.ts. But for garbage: that of
 * hundreds in one heap fills a young generation of 4 MB many times a second, what lives for some seconds grows old in
 * it, and a collection stops all of them, up to a second. So there is room for all that a failover makes, and each
 * process collects right before it (`collect`).
 */
const MEMBER_FLAGS = [
  '--single-threaded-gc',
  '--no-opt',
  '--expose-gc',
  '--initial-old-space-size=2048',
  `--min-semi-space-size=${YOUNG_MB}`,
  `--max-semi-space-size=${YOUNG_MB}`,
]
const ANSWER_WITHIN_MS = 120_000

export class Crowd {
  readonly #members: ChildProcess[] = []

  /** Answers when every client of every sidecar has been served. */
  static async start(options: CrowdOptions): Promise<Crowd> {
    const crowd = new Crowd()
    try {
      for (let first = 0; first < options.sidecars; first += options.perProcess) {
        const count = Math.min(options.perProcess, options.sidecars - first)
        const member = crowd.#launch()
        const { checkout, sentinels, masterName } = options
        const [logFile, profileFile] = first === 0 ? [options.logFile, options.profileFile] : [null, null]
        const order: ToMember = {
          kind: 'start',
          checkout,
          count,
          firstNumber: first,
          sentinels,
          masterName,
          logFile,
          profileFile,
        }
        await ask(member, order, 'ready')
      }
      return crowd
    } catch (error) {
      await crowd.stop()
      throw error
    }
  }

  #launch(): ChildProcess {
    const member = fork(MEMBER, [], { execArgv: MEMBER_FLAGS })
    const pid = member.pid ?? 0
    reapProcess(pid)
    member.once('exit', () => processEnded(pid))
    this.#members.push(member)
    return member
  }

  /** All garbage is collected when this resolves. */
  async collect(): Promise<void> {
    for (const member of this.#members) await ask(member, { kind: 'collect' }, 'collected')
  }

  mark(): void {
    for (const member of this.#members) member.send({ kind: 'mark' } satisfies ToMember, () => {})
  }

  /** `since`: Date.now(), see ClientReport. */
  async report(since = 0): Promise<CrowdReport> {
    const parts = await Promise.all(this.#members.map(member => ask(member, { kind: 'report', since }, 'report')))
    const warnings: Record<string, number> = {}
    for (const part of parts)
      for (const [event, times] of Object.entries(part.warnings)) warnings[event] = (warnings[event] ?? 0) + times
    const sum = (of: (part: (typeof parts)[number]) => number): number => parts.reduce((n, part) => n + of(part), 0)
    return {
      clients: parts.flatMap(part => part.clients),
      errors: sum(part => part.errors),
      lost: sum(part => part.lost),
      warnings,
      cpuSeconds: sum(part => part.cpuSeconds),
      residentBytes: sum(part => part.residentBytes),
    }
  }

  get pids(): number[] {
    return this.#members.flatMap(({ pid }) => pid ?? [])
  }

  get processes(): number {
    return this.#members.length
  }

  /** May be called twice. */
  async stop(): Promise<void> {
    await Promise.all(this.#members.map(end))
  }
}

async function end(member: ChildProcess): Promise<void> {
  if (member.exitCode !== null || member.signalCode !== null) return
  const gone = new Promise<void>(resolve => member.once('exit', () => resolve()))
  const timer = setTimeout(() => member.kill('SIGKILL'), 10_000)
  if (member.connected) member.send({ kind: 'stop' } satisfies ToMember)
  await gone
  clearTimeout(timer)
}

function ask<K extends FromMember['kind']>(
  member: ChildProcess,
  order: ToMember,
  wanted: K,
): Promise<Extract<FromMember, { kind: K }>> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearTimeout(timer)
      member.off('message', onMessage)
      member.off('exit', onExit)
      act()
    }
    const onMessage = (message: FromMember): void => {
      if (message.kind === wanted) settle(() => resolve(message as Extract<FromMember, { kind: K }>))
      else if (message.kind === 'failed') settle(() => reject(new Error(message.why)))
    }
    const onExit = (): void => settle(() => reject(new Error(`a process of the crowd has ended: ${endOf(member)}`)))
    const timer = setTimeout(
      () => settle(() => reject(new Error(`no "${wanted}" within ${ANSWER_WITHIN_MS} ms`))),
      ANSWER_WITHIN_MS,
    )
    member.on('message', onMessage)
    member.once('exit', onExit)
    member.send(order, error => {
      if (error !== null) onExit()
    })
  })
}

function endOf({ exitCode, signalCode }: ChildProcess): string {
  return signalCode ?? `exit code ${exitCode}`
}
