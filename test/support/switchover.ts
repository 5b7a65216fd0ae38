// switchover.ts: a set with a proxy in front of it, and `holdfast switchover` run on it as a person would.
import { join } from 'node:path'
import { type Ended, type Running, startProgram } from './control.ts'
import { type HoldfastOptions, type InProcess, startHoldfast } from './holdfast.ts'
import type { Node, SentinelSet } from './sentinel-set.ts'
import { tiltOf } from './set-health.ts'
import { waitUntil } from './wait-until.ts'

/** A machine that stands still each time is told by what the last run has found. */
const MOST_RUNS = 10

interface Teardown {
  teardown(end: () => unknown): void
}

export interface Stage {
  readonly set: SentinelSet
  readonly holdfast: InProcess
  /** Of the control socket. */
  readonly path: string
}

export interface JsonFinding {
  readonly level: string
  readonly id: string
  readonly subject: string
  readonly text: string
  readonly remedy: string | null
}

export interface JsonReport {
  readonly findings: readonly JsonFinding[]
  readonly plan: { readonly from: string; readonly probablyTo: string; readonly otherHoldfasts: number } | null
  readonly outcome: {
    readonly kind: 'done' | 'aborted' | 'unfinished'
    readonly why?: string
    readonly to?: string
    readonly follows?: boolean
    readonly heldMs: number | null
    readonly waits: { readonly commands: number; readonly max: number; readonly p50: number } | null
    readonly steps: readonly { readonly name: string; readonly ms: number }[]
  } | null
}

/** A proxy in this process that has a control socket and serves. */
export async function stageOf(
  t: Teardown & { readonly threw?: (error: unknown) => void },
  set: SentinelSet,
  options: Partial<HoldfastOptions> = {},
): Promise<Stage> {
  const path = join(set.dir, 'control.sock')
  const holdfast = await startHoldfast(t, {
    sentinels: set.sentinelAddresses(),
    ...options,
    options: { 'control-socket': path, ...options.options },
  })
  await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 10_000 })
  return { set, holdfast, path }
}

/** Sets `replica-priority`, and waits until each Sentinel has seen it. */
export async function setPriority(set: SentinelSet, node: Node, value: string): Promise<void> {
  await set.command(node, 'CONFIG', 'SET', 'replica-priority', value)
  for (const sentinel of set.sentinels) {
    const seen = async (): Promise<boolean> => {
      const replicas = (await set.command(sentinel, 'SENTINEL', 'REPLICAS', set.masterName)) as string[][]
      const fields = replicas.find(one => one[one.indexOf('port') + 1] === String(node.port)) ?? []
      return fields[fields.indexOf('slave-priority') + 1] === value
    }
    await waitUntil('the Sentinel sees the priority', seen, { withinMs: 20_000 })
  }
}

/** Starts `holdfast switchover` with the options that it has in common with the proxy. */
export function startSwitchover(t: Teardown, stage: Pick<Stage, 'set' | 'path'>, words: readonly string[]): Running {
  return startOn(t, stage, ['switchover', ...words])
}

/** The same for `holdfast drill`. */
export function startDrill(t: Teardown, stage: Pick<Stage, 'set' | 'path'>, words: readonly string[]): Running {
  return startOn(t, stage, ['drill', ...words])
}

function startOn(t: Teardown, { set, path }: Pick<Stage, 'set' | 'path'>, words: readonly string[]): Running {
  const common = ['--sentinels', set.sentinelAddresses().join(','), '--master', set.masterName]
  // A machine that is slow for half a second is nothing that a test has made wrong.
  const patient = words.includes('--answer-timeout') ? [] : ['--answer-timeout', '10s']
  return startProgram(t, [...words, ...common, ...patient, '--listen', '127.0.0.1:0', '--control-socket', path])
}

/** Runs it to its end with --json. @throws Error with what it said where that is no report. */
export function runSwitchover(
  t: Teardown,
  stage: Pick<Stage, 'set' | 'path'>,
  words: readonly string[] = [],
): Promise<{ readonly code: number | null; readonly report: JsonReport }> {
  return undisturbed(
    stage.set,
    async () => reportOf(await startSwitchover(t, stage, ['--json', ...words]).ended),
    ({ report }) => (report.outcome === null ? report.findings : []),
  )
}

/**
 * Runs a command again that has done nothing because a Sentinel was in TILT: nothing that a test has made wrong, this
 * machine stood still. `found`: why nothing was done.
 */
export async function undisturbed<T>(
  set: SentinelSet,
  run: () => Promise<T>,
  found: (result: T) => readonly JsonFinding[],
): Promise<T> {
  for (let i = 1; ; i++) {
    const result = await run()
    if (i === MOST_RUNS || found(result).every(({ id }) => id !== 'sentinel.tilt')) return result
    await untilNoTilt(set)
  }
}

/**
 * Starts a command, and answers when it has said `what`, so many times; a command that a TILT keeps from doing anything
 * is started again.
 *
 * @throws Error when it ends before it has said it.
 */
export async function startUntil(set: SentinelSet, start: () => Running, what: string, times = 1): Promise<Running> {
  for (let i = 1; ; i++) {
    const running = start()
    let hasEnded = false
    void running.ended.then(() => {
      hasEnded = true
    })
    const hasSaid = (): boolean => running.stdout().split(what).length > times
    await waitUntil(`it says ${what.trim()}`, () => hasSaid() || hasEnded, { withinMs: 90_000, everyMs: 1 })
    if (hasSaid()) return running
    const { code, stdout, stderr } = await running.ended
    if (i === MOST_RUNS || !/is in TILT mode[\s\S]*nothing was done/.test(stdout))
      throw new Error(`it ended before it said ${what.trim()}: exit code ${code}: ${stdout}\n${stderr}`)
    await untilNoTilt(set)
  }
}

async function untilNoTilt({ sentinels }: SentinelSet): Promise<void> {
  const isOver = async (): Promise<boolean> => (await tiltOf(sentinels)) === null
  await waitUntil('the TILT is over', isOver, { withinMs: 40_000, everyMs: 100 })
}

export function reportOf({ code, stdout, stderr }: Ended): {
  readonly code: number | null
  readonly report: JsonReport
} {
  try {
    return { code, report: JSON.parse(stdout) as JsonReport }
  } catch {
    throw new Error(`exit code ${code}: ${stdout}\n${stderr}`)
  }
}
