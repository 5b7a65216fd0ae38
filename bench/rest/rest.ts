// rest.ts: what a proxy costs when nobody uses it: memory, CPU, its start, and the two commands that probes run.
//
// All subjects rest at the same time in front of the same healthy set, so what disturbs one disturbs all. Starts and
// commands take turns.

import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from '../../test/support/servers.ts'
import { ask } from '../load/client.ts'
import { childrenCpuSeconds, cpuBetween, memory, processCpu } from '../measure.ts'
import { orderOfRound } from '../rounds.ts'
import { endRunning, type Running, type Stage, waitForPort } from '../stage.ts'
import { median } from '../statistics.ts'

/** A built program; undefined: Node itself, doing nothing. */
export interface Subject {
  readonly name: string
  readonly program: string | undefined
}

export interface Facing {
  readonly sentinels: readonly string[]
  readonly masterName: string
}

export interface AtRest {
  readonly residentBytes: number
  /** Of these, what no other process shares: without the pages of Node's own file. */
  readonly anonymousBytes: number
  /** Share of one core. */
  readonly core: number
  readonly wakeUpsPerSecond: number
}

export interface Start {
  /** From the start of the process to the first reply of the master through it. */
  readonly servesAfterMs: number
  readonly cpuSeconds: number
}

export interface Command {
  readonly cpuSeconds: number
  readonly ms: number
}

export const settleSeconds = 10
export const restSeconds = 30
export const rounds = 5
/** The kernel counts ended children in ticks of 10 ms, so several are counted together. */
const runsTogether = 5

const idleNode = ['-e', 'setInterval(() => {}, 1_000_000)']

interface Started {
  readonly running: Running
  readonly port: number
  readonly adminPort: number
}

async function start(stage: Stage, { name, program }: Subject, set: Facing): Promise<Started> {
  const [port, adminPort] = [await freePort(), await freePort()]
  if (program === undefined) return { running: await stage.start(name, process.execPath, idleNode), port, adminPort }
  const args = ['--sentinels', set.sentinels.join(','), '--master', set.masterName, '--log-level', 'warn']
  args.push('--listen', `127.0.0.1:${port}`, '--admin-listen', `127.0.0.1:${adminPort}`)
  return { running: await stage.start(name, process.execPath, [program, ...args]), port, adminPort }
}

/** All at once, after they have settled. */
export async function measureRest(stage: Stage, subjects: readonly Subject[], set: Facing): Promise<AtRest[]> {
  const all: Started[] = []
  for (const subject of subjects) {
    const started = await start(stage, subject, set)
    if (subject.program !== undefined) await waitForPort(started.port, started.running)
    all.push(started)
  }
  await delay(settleSeconds * 1_000)
  const pids = all.map(({ running }) => running.pid)
  const [before, startedAt] = [pids.map(readRest), performance.now()]
  await delay(restSeconds * 1_000)
  const seconds = (performance.now() - startedAt) / 1_000
  const figures = pids.map((pid, n) => {
    const [then, now] = [before[n], readRest(pid)]
    if (then === undefined) throw new Error('a process was not measured')
    const core = cpuBetween(then.cpu, now.cpu).seconds / seconds
    return { ...then.memory, core, wakeUpsPerSecond: (now.wakeUps - then.wakeUps) / seconds }
  })
  for (const { running } of all) await endRunning(running)
  return figures
}

function readRest(pid: number) {
  const { residentBytes, anonymousBytes } = memory(pid)
  return { memory: { residentBytes, anonymousBytes }, cpu: processCpu(pid), wakeUps: wakeUps(pid) }
}

/** proc(5): a thread that slept and was woken has switched of its own will. */
function wakeUps(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  const switches = threads.map(id => /^voluntary_ctxt_switches:\s+(\d+)/m.exec(statusOf(pid, id))?.[1])
  return switches.reduce((sum, one) => sum + Number(one ?? 0), 0)
}

function statusOf(pid: number, thread: string): string {
  return readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1')
}

/** Medians over the rounds, for each subject. */
export async function measureStarts(stage: Stage, subjects: readonly Subject[], set: Facing): Promise<Start[]> {
  return inTurns(subjects, async subject => {
    const startedAt = performance.now()
    const { running, port } = await start(stage, subject, set)
    await waitForPort(port, running, 5)
    await ask(port, [['GET', 'bench:nothing']])
    const figures = { servesAfterMs: performance.now() - startedAt, cpuSeconds: processCpu(running.pid).seconds }
    await endRunning(running)
    return figures
  })
}

/** `--version`, and `health` at a proxy that is ready. */
export async function measureCommand(
  stage: Stage,
  subjects: readonly Subject[],
  set: Facing,
  word: '--version' | 'health',
): Promise<Command[]> {
  return inTurns(subjects, async subject => {
    if (subject.program === undefined) throw new Error(`${subject.name} has no commands`)
    const asked = word === 'health' ? await start(stage, subject, set) : undefined
    if (asked !== undefined) {
      await waitForPort(asked.port, asked.running)
      await ask(asked.port, [['GET', 'bench:nothing']])
    }
    const admin = asked === undefined ? [] : ['--admin-listen', `127.0.0.1:${asked.adminPort}`]
    const [cpuBefore, startedAt] = [childrenCpuSeconds(), performance.now()]
    for (let n = 0; n < runsTogether; n++) {
      await promisify(execFile)(process.execPath, [subject.program, word, ...admin])
    }
    const ms = (performance.now() - startedAt) / runsTogether
    const cpuSeconds = (childrenCpuSeconds() - cpuBefore) / runsTogether
    if (asked !== undefined) await endRunning(asked.running)
    return { ms, cpuSeconds }
  })
}

/** Every subject once a round; the medians of each figure. */
async function inTurns<T extends Record<keyof T, number>>(
  subjects: readonly Subject[],
  measure: (subject: Subject) => Promise<T>,
): Promise<T[]> {
  const samples = new Map<Subject, T[]>(subjects.map(subject => [subject, []]))
  for (let round = 0; round < rounds; round++) {
    for (const subject of orderOfRound(subjects, round)) samples.get(subject)?.push(await measure(subject))
  }
  return [...samples.values()].map(medians)
}

function medians<T extends Record<keyof T, number>>(samples: readonly T[]): T {
  const [first] = samples
  if (first === undefined) throw new Error('nothing was measured')
  const figures = { ...first }
  for (const name of Object.keys(first) as (keyof T)[]) {
    figures[name] = median(samples.map(one => one[name])) as T[keyof T]
  }
  return figures
}
