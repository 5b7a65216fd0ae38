// run.ts: `npm run soak -- [--minutes 30] [--seed 1] [--report docs/soak.md]`: load and faults side by side, then
// judgement.
//
//   set, proxy ─▶ load ─▶ fault, heal, rest, fault, ... until the time is over ─▶ load ends ─▶ read back ─▶ page, exit code
import { writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { FaultyLink } from '../support/faulty-link.ts'
import { Ledger, nowMs } from '../support/ledger.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import { readBack, startWorkload } from '../support/workload.ts'
import { abortedElections, Elections } from './elections.ts'
import { faults } from './faults.ts'
import { runMixedLoad } from './load.ts'
import { judgeLosses } from './losses.ts'
import type { Resident } from './mappings.ts'
import { ProxyProcess } from './proxy-process.ts'
import { type SoakResult, soakPage, type Trend } from './report.ts'
import { policyOf, schedule } from './schedule.ts'
import { type Sample, slopeOf } from './slope.ts'

const sampleMs = 1000
/** A client that waits longer than this is stuck: several failed elections and a failover take less. */
const stuckMs = 170_000
const holdTimeout = '180s'
/** The heap after a forced collection, once in so many samples. */
const heapEvery = 10
/** Bytes per minute that the lower ends of the slopes may have. */
const rssLimit = 0.5 * 1024 * 1024
const heapLimit = 0.1 * 1024 * 1024
const externalLimit = 0.5 * 1024 * 1024
/**
 * What is left out of the slopes, as a part of the soak. The heap and the buffers are measured after a collection and
 * settle with the caches. What the process keeps resident is the most it ever needed at once: V8's young generation
 * grows in steps to three times 16 MiB, each step at a hold longer or fuller than those before it, and malloc keeps
 * what it once had.
 */
const warmUp = 1 / 3
const settling = 1 / 2
/** Resident memory is judged in soaks of so many minutes; in a shorter one the steps to its most are all there is. */
const settledMinutes = 15

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    report: { type: 'string', default: 'docs/soak.md' },
    /** Prints the first faults of the seed and does nothing. */
    print: { type: 'boolean', default: false },
  },
})

/** Everything of one soak that is still changing. */
class Soak {
  readonly seed: number
  readonly minutes: number
  readonly wrong: string[] = []
  readonly faults = new Map<string, number>()
  readonly done = new Map<string, number>()
  readonly crashes: number[] = []
  readonly rss: Sample[] = []
  readonly heap: Sample[] = []
  readonly external: Sample[] = []
  /** What resident memory is made of, as often as the heap is looked at. */
  readonly resident: Resident[] = []
  readonly ledger = new Ledger()
  descriptorPeak = 0
  /** Elections that led to no new master. */
  aborted = 0
  current = 'load alone'

  constructor(seed: number, minutes: number) {
    this.seed = seed
    this.minutes = minutes
  }

  note(what: string): void {
    const line = `${what} (during: ${this.current})`
    if (this.wrong.length < 100) this.wrong.push(line)
    say(`BROKEN: ${line}`)
  }
}

function say(text: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 23)} ${text}\n`)
}

/** Looks at what can be seen while it runs, once a second. */
async function watch(soak: Soak, proxy: ProxyProcess, signal: AbortSignal): Promise<void> {
  let errors = 0
  let lines = 0
  for (let n = 0; !signal.aborted; n++) {
    if (!proxy.running) return soak.note(`the proxy has ended: ${proxy.stderr}`)
    soak.rss.push({ at: performance.now(), value: proxy.rss() })
    soak.descriptorPeak = Math.max(soak.descriptorPeak, proxy.descriptors())
    for (const { client, message } of soak.ledger.connectionErrors.slice(errors))
      soak.note(`connection error of ${client}: ${message}`)
    errors = soak.ledger.connectionErrors.length
    if (n % heapEvery === heapEvery - 1) await sampleHeap(soak, proxy)
    for (const line of proxy.errors.slice(lines)) soak.note(`error line: ${line}`)
    lines = proxy.errors.length
    if (n % 60 === 59) progress(soak)
    await pause(sampleMs)
  }
}

/** The heap and what it holds outside of itself, after a forced collection. */
async function sampleHeap({ heap, external, resident }: Soak, proxy: ProxyProcess): Promise<void> {
  resident.push(proxy.resident())
  const look = await proxy.look('collect')
  heap.push({ at: performance.now(), value: look.heapUsed })
  external.push({ at: performance.now(), value: look.external })
}

function progress({ ledger, rss, faults, wrong }: Soak): void {
  const total = [...faults.values()].reduce((a, b) => a + b, 0)
  const memory = ((rss.at(-1)?.value ?? 0) / 1024 / 1024).toFixed(1)
  say(`${ledger.operations.length} operations, ${total} faults, ${memory} MiB, ${wrong.length} broken`)
}

async function inflictFaults(soak: Soak, world: Parameters<(typeof faults)['kill']>[0], until: number): Promise<void> {
  const elections = new Elections(world.set)
  for (const fault of schedule(soak.seed)) {
    soak.current = `rest before ${fault.n} ${fault.kind}`
    await pause(fault.restMs)
    if (performance.now() >= until || !world.proxy.running) return
    soak.current = `${fault.n} ${fault.kind} ${fault.ms} ms`
    say(soak.current)
    try {
      await faults[fault.kind](world, fault)
    } catch (error) {
      soak.note(`the deployment did not heal: ${error instanceof Error ? error.message : String(error)}`)
      for (const line of elections.news()) say(line)
      return
    }
    const lines = elections.news()
    const aborted = abortedElections(lines)
    if (aborted > 0) for (const line of lines) say(line)
    soak.aborted += aborted
    soak.faults.set(fault.kind, (soak.faults.get(fault.kind) ?? 0) + 1)
  }
}

async function runSoak(soak: Soak): Promise<SoakResult> {
  const { seed, ledger } = soak
  const startedAt = new Date()
  const set = await SentinelSet.start()
  const sentinelLinks = await Promise.all(set.sentinels.map(node => FaultyLink.start(null, node)))
  const majority = set.watchMajority()
  let proxy: ProxyProcess | null = null
  try {
    const sentinels = sentinelLinks.map(link => `${link.host}:${link.port}`).join(',')
    const running = await ProxyProcess.start([
      '--sentinels',
      sentinels,
      '--retry-policy',
      policyOf(seed),
      '--hold-timeout',
      holdTimeout,
    ])
    proxy = running
    await waitUntil('the proxy serves', () => running.events.get('hold.end'), { withinMs: 20_000 })
    const idle = running.descriptors()
    const stop = new AbortController()
    const world = { port: running.port, ledger, done: soak.done, signal: stop.signal }
    const steady = startWorkload({ port: running.port, rawClients: 4, ioredisClients: 2, roundsPerSecond: 8, ledger })
    const mixed = runMixedLoad({ ...world, wrong: what => soak.note(what) })
    const watching = watch(soak, running, stop.signal)
    await inflictFaults(soak, { set, proxy: running, sentinelLinks, crashes: soak.crashes }, soakEnd(soak))
    soak.current = 'the end'
    await steady.stop({ withinMs: stuckMs })
    stop.abort()
    await Promise.all([mixed, watching])
    const moves = majority.history.filter(({ address }) => address !== '').length - 1
    const master = await set.currentMaster()
    const actual = await readBack(ledger, master)
    const after = await descriptorsAfter(running, idle)
    const version = await set.command(master, 'INFO', 'server')
    const server = /^(?:redis|valkey)_version:\S+/m.exec(String(version))?.[0] ?? ''
    const stopped = await running.stop()
    proxy = null
    if (stopped.code !== 0 || stopped.look === null) throw new Error(`the proxy ended with ${stopped.code}`)
    const planned = ['kill', 'term', 'freeze-long', 'failover', 'sentinel-and-master-kill']
    const expected = planned.reduce((sum, kind) => sum + (soak.faults.get(kind) ?? 0), 0)
    const result: SoakResult = {
      seed,
      policy: policyOf(seed),
      minutes: (Date.now() - startedAt.getTime()) / 60_000,
      startedAt,
      versions: `${server.replace('_version:', ' ')}, node ${process.version}`,
      faults: soak.faults,
      unplanned: Math.max(0, moves - expected),
      done: soak.done,
      report: ledger.report(actual),
      losses: judgeLosses(ledger, actual, soak.crashes),
      look: stopped.look,
      abortedElections: soak.aborted,
      rss: trendOf(soak.rss, settling),
      resident: soak.resident,
      heap: trendOf(soak.heap, warmUp),
      external: trendOf(soak.external, warmUp),
      judgesResident: soak.minutes >= settledMinutes,
      descriptors: { idle, peak: soak.descriptorPeak, after },
      holds: running.holds,
      wrong: soak.wrong,
    }
    judge(soak, result)
    return result
  } finally {
    majority.stop()
    await proxy?.stop()
    await Promise.all(sentinelLinks.map(link => link.close()))
    await set.stopAll()
  }
}

function soakEnd({ minutes }: Soak): number {
  return performance.now() + minutes * 60_000
}

/** Idle links are kept for ten seconds; then there are as many descriptors as before the load. */
async function descriptorsAfter(proxy: ProxyProcess, idle: number): Promise<number> {
  const back = (): boolean => proxy.descriptors() <= idle + 3
  await waitUntil('the descriptors are closed', back, { withinMs: 45_000, everyMs: 200 }).catch(() => undefined)
  return proxy.descriptors()
}

function trendOf(samples: readonly Sample[], without: number): Trend {
  const sizes = samples.map(({ value }) => value)
  return {
    slope: slopeOf(samples.slice(Math.floor(samples.length * without))),
    first: sizes[0] ?? 0,
    last: sizes.at(-1) ?? 0,
    peak: sizes.reduce((a, b) => Math.max(a, b), 0),
  }
}

function judge(soak: Soak, result: SoakResult): void {
  const { report, losses, look, rss, heap, external, descriptors, policy, judgesResident } = result
  const demand = (ok: boolean, what: string): void => {
    if (!ok) soak.note(what)
  }
  const { waiting, pendingBytes, sessions } = look.counters
  const strange = Object.keys(report.errors).filter(text => policy !== 'safe' || !text.startsWith('UNKNOWN holdfast'))
  demand(report.reordered.length === 0, `reordered: ${JSON.stringify(report.reordered.slice(0, 5))}`)
  demand(policy !== 'safe' || report.doubled.length === 0, `doubled: ${JSON.stringify(report.doubled.slice(0, 5))}`)
  demand(losses.unexplained.length === 0, `lost: ${lostWhen(losses.unexplained)}`)
  demand(report.pending === 0, `${report.pending} operations have no reply`)
  demand(strange.length === 0, `error replies: ${strange.join('; ')}`)
  demand(
    report.longestPause.ms < stuckMs,
    `${report.longestPause.client} waited ${Math.round(report.longestPause.ms)} ms`,
  )
  demand(look.imbalance === null, `counters: ${look.imbalance}`)
  demand(waiting === 0 && pendingBytes === 0 && sessions === 0, `left over: ${JSON.stringify(look.counters)}`)
  demand(!judgesResident || rss.slope.low <= rssLimit, `resident memory grows: ${JSON.stringify(rss.slope)}`)
  demand(heap.slope.low <= heapLimit, `the heap grows: ${JSON.stringify(heap.slope)}`)
  demand(external.slope.low <= externalLimit, `buffers outside the heap grow: ${JSON.stringify(external.slope)}`)
  demand(
    descriptors.after <= descriptors.idle + 3,
    `descriptors: ${descriptors.idle} before, ${descriptors.after} after`,
  )
}

function lostWhen(losses: readonly { what: string; at: number }[]): string {
  const shown = losses.slice(0, 8).map(({ what, at }) => `${what} at ${new Date(at).toISOString().slice(11, 23)}`)
  return `${losses.length}: ${shown.join('; ')}`
}

async function main(): Promise<void> {
  const seed = Number(values.seed)
  const minutes = Number(values.minutes)
  if (!Number.isSafeInteger(seed) || !(minutes > 0))
    throw new Error('--seed wants a whole number, --minutes a positive one')
  if (values.print) {
    for (const { n, kind, pick, ms, restMs } of schedule(seed)) {
      if (n > 45) return
      say(`${n} ${kind} pick ${pick.toFixed(2)} for ${ms} ms after ${restMs} ms`)
    }
  }
  say(`seed ${seed}, policy ${policyOf(seed)}, ${minutes} minutes`)
  const soak = new Soak(seed, minutes)
  const begun = nowMs()
  const result = await runSoak(soak)
  const page = soakPage(result)
  writeFileSync(values.report, page)
  say(`${Math.round((nowMs() - begun) / 1000)} s; report in ${values.report}\n${page}`)
  process.exitCode = result.wrong.length === 0 ? 0 : 1
}

await main()
