// round.ts: one crowd: it settles, its master fails over, and what that took and cost is measured; as often as wanted.
//
// Owns: nothing that outlasts the round but the servers' own state, which `SentinelSet.settle` mends.
import { setTimeout as delay } from 'node:timers/promises'
import type { Node, SentinelSet } from '../../test/support/sentinel-set.ts'
import { isRunning } from '../../test/support/servers.ts'
import { waitUntil } from '../../test/support/wait-until.ts'
import { percentile } from '../statistics.ts'
import { droppedSoFar } from './accept-queue.ts'
import { type Announcements, hearSentinels } from './announcements.ts'
import { BURST_BEFORE_MS, watchBurst } from './burst.ts'
import { Crowd, type CrowdReport } from './crowd.ts'
import { watchOthers } from './others.ts'
import { type LoadWatch, meanLoad, peakCommands, watchLoad } from './server-load.ts'
import { awaitMoment, begin, type Trigger } from './trigger.ts'

export interface RoundOptions {
  readonly checkout: string
  readonly sidecars: number
  readonly perProcess: number
  readonly trigger: Trigger
  /** How many failovers this crowd has, one after the other. */
  readonly failovers: number
  /** How long the settled crowd is watched. */
  readonly settledSeconds: number
  /** Where the log of one sidecar goes; null: nowhere. */
  readonly logFile: string | null
  /** Where the CPU profile of one process goes; null: nowhere. */
  readonly profileFile: string | null
}

/** Of the Sentinel that has most of it. */
export interface SentinelLoad {
  readonly commandsPerSecond: number
  /** Share of a core. */
  readonly cpu: number
  readonly connections: number
}

export interface Round {
  readonly trigger: Trigger
  /** Which failover of this crowd it was; the first is 1. */
  readonly nth: number
  readonly sidecars: number
  readonly processes: number
  readonly settled: SentinelLoad & {
    /** Of the master, share of a core, and new connections a second there. */
    readonly masterCpu: number
    readonly masterConnections: number
    readonly masterDials: number
    /** CPU of all sidecars and their clients, share of a core for each sidecar. */
    readonly sidecarCpu: number
    readonly sidecarBytes: number
  }
  readonly failover: {
    /** From the kill or the command to the first +switch-master, ms. */
    readonly switchMs: number
    /** The same to the majority. */
    readonly majorityMs: number
    /** The most commands at any Sentinel in any second. */
    readonly peakCommands: number
    readonly firstReplyMs: number
    readonly medianMs: number
    readonly p99Ms: number
    readonly lastMs: number
    /** Connections to the new master from the trigger until 5 s after the majority. */
    readonly dials: number
    readonly overflows: number
    readonly drops: number
    readonly tilts: number
    readonly errors: number
    readonly lostClients: number
    /** CPU of one sidecar and its client from the trigger until 5 s after the majority, ms. */
    readonly sidecarCpuMs: number
    /** The same from shortly before the majority (burst.ts) to the last reply; and of all servers, for each sidecar. */
    readonly burstMs: number
    readonly burstServersMs: number
    /** Share (0..1) of the machine that had other work meanwhile. */
    readonly others: number
    readonly warnings: Readonly<Record<string, number>>
  }
}

const SERVED_WITHIN_MS = 60_000
const CALM_MS = 3_000
const CALM_WITHIN_MS = 60_000
/** After a collection, whose end is what clients have waited for meanwhile. */
const COLLECTED_MS = 500
/** What a sidecar hears may be heard here a bit later. No reply comes in this time before the majority. */
const SLACK_MS = 200
/** The leader's own +switch-master comes about a second after the majority; what follows it counts too. */
const AFTERMATH_MS = 5_000

export async function playRounds(set: SentinelSet, options: RoundOptions): Promise<Round[]> {
  const heard = await hearSentinels(set.sentinels)
  const { checkout, sidecars, perProcess, trigger, logFile, profileFile } = options
  const rounds: Round[] = []
  let crowd: Crowd | null = null
  let load: LoadWatch | null = null
  try {
    crowd = await Crowd.start({
      checkout,
      sidecars,
      perProcess,
      sentinels: set.sentinelAddresses(),
      masterName: set.masterName,
      logFile,
      profileFile,
    })
    for (let nth = 1; nth <= options.failovers; nth++) {
      await becomeCalm(crowd)
      const master = await set.currentMaster()
      const settled = await watchSettled(set, master, crowd, options.settledSeconds)
      load = await watchLoad([...set.sentinels, ...set.nodes])
      const failover = await watchFailover(set, master, { crowd, heard, load }, trigger)
      load.stop()
      rounds.push({ trigger, nth, sidecars, processes: crowd.processes, settled, failover })
      if (nth < options.failovers) await makeWhole(set)
    }
  } finally {
    load?.stop()
    heard.stop()
    await crowd?.stop()
  }
  await makeWhole(set)
  return rounds
}

/** What was killed runs again, and all that is left of the failover is over. */
async function makeWhole(set: SentinelSet): Promise<void> {
  for (const node of set.nodes) if (!isRunning(node)) await set.restart(node)
  await set.settle()
}

/** A thousand sidecars that have just begun keep a small machine busy. Waits until all clients are served promptly. */
async function becomeCalm(crowd: Crowd): Promise<void> {
  const isCalm = async (): Promise<boolean> => {
    crowd.mark()
    await delay(CALM_MS)
    const { clients } = await crowd.report()
    return clients.every(one => one.longestGapMs < CALM_MS / 2)
  }
  await waitUntil('the crowd is calm', isCalm, { withinMs: CALM_WITHIN_MS, everyMs: 100 })
}

async function watchSettled(set: SentinelSet, master: Node, crowd: Crowd, seconds: number): Promise<Round['settled']> {
  const sidecars = (await crowd.report()).clients.length
  const before = await crowd.report()
  const load = await watchLoad([...set.sentinels, master])
  await delay(seconds * 1_000)
  await load.read()
  load.stop()
  const after = await crowd.report()
  const atMaster = load.readings.get(master) ?? []
  const rates = set.sentinels.map(node => meanLoad(load.readings.get(node) ?? []))
  const connections = set.sentinels.map(node => load.readings.get(node)?.at(-1)?.connections ?? 0)
  return {
    commandsPerSecond: Math.max(...rates.map(one => one.commands)),
    cpu: Math.max(...rates.map(one => one.cpu)),
    connections: Math.max(...connections),
    masterCpu: meanLoad(atMaster).cpu,
    masterConnections: atMaster.at(-1)?.connections ?? 0,
    masterDials: ((atMaster.at(-1)?.connectionsMade ?? 0) - (atMaster[0]?.connectionsMade ?? 0)) / seconds,
    sidecarCpu: (after.cpuSeconds - before.cpuSeconds) / seconds / sidecars,
    sidecarBytes: after.residentBytes / sidecars,
  }
}

interface Watches {
  readonly crowd: Crowd
  readonly heard: Announcements
  readonly load: LoadWatch
}

async function watchFailover(
  set: SentinelSet,
  master: Node,
  { crowd, heard, load }: Watches,
  trigger: Trigger,
): Promise<Round['failover']> {
  await crowd.collect()
  await delay(COLLECTED_MS)
  crowd.mark()
  const before = await crowd.report()
  const readOthers = await watchOthers({
    servers: [...set.nodes, ...set.sentinels],
    otherSeconds: async () => (await crowd.report()).cpuSeconds,
  })
  const dropped = droppedSoFar()
  const burst = watchBurst(crowd.pids)
  const serverBurst = watchBurst([...set.sentinels, ...set.nodes].map(node => node.pid))
  await awaitMoment(set, trigger)
  const begunAt = Date.now()
  await begin(set, master, trigger)
  const majorityAt = await waitUntil('a majority names another master', () => heard.majoritySince(begunAt), {
    withinMs: SERVED_WITHIN_MS,
    everyMs: 5,
  })
  await delay(AFTERMATH_MS)
  const report = await waitUntil('every client is served again', () => servedSince(crowd, majorityAt), {
    withinMs: SERVED_WITHIN_MS,
    everyMs: 500,
  })
  await load.read()
  burst.stop()
  serverBurst.stop()
  const { overflows, drops } = droppedSoFar()
  const switchAt = heard.first('+switch-master', begunAt)?.at ?? Number.NaN
  const [, , , host, port] = heard.first('+switch-master', begunAt)?.text.split(' ') ?? []
  const promoted = set.nodes.find(node => node.host === host && String(node.port) === port)
  const dials = promoted === undefined ? [] : (load.readings.get(promoted) ?? [])
  const ends = report.clients.map(one => (one.firstAt ?? Number.NaN) - majorityAt).sort((a, b) => a - b)
  const window = [majorityAt - BURST_BEFORE_MS, majorityAt + (ends.at(-1) ?? 0)] as const
  const each = (seconds: number): number => (seconds * 1_000) / report.clients.length
  return {
    switchMs: switchAt - begunAt,
    majorityMs: majorityAt - begunAt,
    peakCommands: Math.max(...set.sentinels.map(node => peakCommands(load.readings.get(node) ?? []))),
    firstReplyMs: ends[0] ?? Number.NaN,
    medianMs: percentile(ends, 0.5),
    p99Ms: percentile(ends, 0.99),
    lastMs: ends.at(-1) ?? Number.NaN,
    dials: (dials.at(-1)?.connectionsMade ?? 0) - (dials[0]?.connectionsMade ?? 0),
    overflows: overflows - dropped.overflows,
    drops: drops - dropped.drops,
    tilts: heard.heard.filter(one => one.at >= begunAt && one.channel === '+tilt').length,
    errors: report.errors,
    lostClients: report.lost,
    others: await readOthers(),
    sidecarCpuMs: each(report.cpuSeconds - before.cpuSeconds),
    burstMs: each(burst.secondsBetween(...window)),
    burstServersMs: each(serverBurst.secondsBetween(...window)),
    warnings: report.warnings,
  }
}

async function servedSince(crowd: Crowd, majorityAt: number): Promise<CrowdReport | undefined> {
  const report = await crowd.report(majorityAt - SLACK_MS)
  return report.clients.every(one => one.firstAt !== null) ? report : undefined
}
