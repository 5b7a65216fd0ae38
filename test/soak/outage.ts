// outage.ts: `npm run outage -- [--minutes 6] [--clients 100] [--report docs/outage.md]`: no master for minutes, and
// clients that go on trying. Does the proxy grow (from four minutes on), does it burn, is everybody served afterwards?
//
//   set, proxy, load ─▶ all served ─▶ every data node killed ─▶ sampled each second ─▶ old master back ─▶ all served ─▶ page
import { writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import { type OutageLoad, startOutageLoad } from './outage-load.ts'
import { type OutageResult, outagePage } from './outage-page.ts'
import type { Look } from './proxy-child.ts'
import { ProxyProcess } from './proxy-process.ts'
import { type Sample, slopeOf } from './slope.ts'

const holdTimeout = '2s'
/** Seconds between two forced collections: with one in each, resident memory would not do what it does by itself. */
const collectEvery = 5
/** Bytes per minute that the lower ends of the slopes may have. */
const rssLimit = 0.5 * 1024 * 1024
const heapLimit = 0.1 * 1024 * 1024
const backWithinMs = 60_000
/** In the first minutes memory grows in steps and then stays. A run that is shorter than twice that judges no growth. */
const warmUpMinutes = 2

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '6' },
    clients: { type: 'string', default: '100' },
    report: { type: 'string', default: 'docs/outage.md' },
  },
})

interface Samples {
  readonly rss: Sample[]
  readonly heap: Sample[]
  readonly external: Sample[]
  /** Share of one core, in each second. */
  readonly cpu: Sample[]
  readonly descriptors: Sample[]
}

function say(text: string): void {
  process.stdout.write(`${new Date().toISOString().slice(11, 23)} ${text}\n`)
}

async function sample(proxy: ProxyProcess, load: OutageLoad, untilMs: number): Promise<Samples> {
  const samples: Samples = { rss: [], heap: [], external: [], cpu: [], descriptors: [] }
  let before = { at: performance.now(), look: await proxy.look() }
  for (let n = 1; performance.now() < untilMs; n++) {
    await pause(1000)
    if (!proxy.running) throw new Error(`the proxy has ended: ${proxy.stderr}`)
    samples.rss.push({ at: performance.now(), value: proxy.rss() })
    samples.descriptors.push({ at: performance.now(), value: proxy.descriptors() })
    const look: Look = await proxy.look()
    const at = performance.now()
    const share = (look.cpuMicros - before.look.cpuMicros) / 1000 / (at - before.at)
    samples.cpu.push({ at, value: share })
    before = { at, look }
    if (n % collectEvery === 0) {
      const { heapUsed, external } = await proxy.look('collect')
      samples.heap.push({ at, value: heapUsed })
      samples.external.push({ at, value: external })
      // What the collection costs is ours, not the proxy's.
      before = { at: performance.now(), look: await proxy.look() }
    }
    if (n % 30 === 0)
      say(`${load.failed} failed, ${(proxy.rss() / 1024 / 1024).toFixed(1)} MiB, ${load.lost.length} lost`)
  }
  return samples
}

/** Milliseconds from `since` until each client has been served. */
async function servedAgain({ clients }: OutageLoad, since: number): Promise<number[]> {
  const all = (): boolean => clients.every(({ servedAt }) => servedAt > since)
  await waitUntil('every client is served', all, { withinMs: backWithinMs, everyMs: 5 })
  return clients.map(({ servedAt }) => servedAt - since)
}

async function run(minutes: number, clients: number): Promise<OutageResult> {
  const startedAt = new Date()
  const set = await SentinelSet.start({ replicas: 1 })
  let proxy: ProxyProcess | null = null
  let load: OutageLoad | null = null
  try {
    const flags = ['--sentinels', set.sentinelAddresses().join(','), '--hold-timeout', holdTimeout]
    const running = await ProxyProcess.start(flags)
    proxy = running
    await waitUntil('the proxy serves', () => running.events.get('hold.end'), { withinMs: 20_000 })
    load = await startOutageLoad(running.port, clients)
    await servedAgain(load, 0)
    const [master] = set.nodes
    if (!master) throw new Error('no node')
    const version =
      /^(?:redis|valkey)_version:\S+/m.exec(String(await set.command(master, 'INFO', 'server')))?.[0] ?? ''
    const before = await running.look('collect')
    say('all are served; every data node is killed')
    await Promise.all(set.nodes.map(node => set.kill(node)))
    const samples = await sample(running, load, performance.now() + minutes * 60_000)
    const after = await running.look('collect')
    const { failed, served } = load
    const times = [...load.times].sort((a, b) => a - b)
    const back = performance.now()
    await set.restart(master)
    const returned = await servedAgain(load, back)
    say('all are served again')
    const errors = new Map(load.errors)
    await load.stop()
    const stopped = await running.stop()
    if (stopped.code !== 0 || stopped.look === null) throw new Error(`the proxy ended with ${stopped.code}`)
    const result: OutageResult = {
      minutes,
      isSteady: minutes >= 2 * warmUpMinutes,
      clients,
      holdTimeout,
      startedAt,
      versions: `${version.replace('_version:', ' ')}, node ${process.version}`,
      failed,
      served,
      errors,
      times,
      returned: returned.sort((a, b) => a - b),
      lost: load.lost,
      before,
      after,
      end: stopped.look,
      rss: trend(samples.rss),
      heap: trend(samples.heap),
      external: trend(samples.external),
      cpu: trend(samples.cpu),
      descriptors: trend(samples.descriptors),
      events: running.events,
      wrong: [],
    }
    return { ...result, wrong: wrongWith(result, running.errors) }
  } finally {
    await load?.stop()
    await proxy?.stop()
    await set.stopAll()
  }
}

/** The first third is warm-up. */
function trend(samples: readonly Sample[]): OutageResult['rss'] {
  const later = samples.slice(Math.floor(samples.length / 3))
  const sizes = samples.map(({ value }) => value)
  const sorted = later.map(({ value }) => value).sort((a, b) => a - b)
  return {
    slope: slopeOf(later),
    first: sizes[0] ?? 0,
    last: sizes.at(-1) ?? 0,
    peak: sizes.reduce((a, b) => Math.max(a, b), 0),
    median: sorted[Math.floor(sorted.length / 2)] ?? 0,
  }
}

function wrongWith(result: OutageResult, errorLines: readonly string[]): string[] {
  const { lost, errors, rss, heap, end, isSteady } = result
  const wrong: string[] = []
  const demand = (ok: boolean, what: string): void => void (ok || wrong.push(what))
  const strange = [...errors.keys()].filter(
    text => !/^(?:TRYAGAIN holdfast|EXECABORT|ERR EXEC without MULTI)/.test(text),
  )
  const { waiting, pendingBytes, sessions } = end.counters
  demand(lost.length === 0, `${lost.length} sessions ended: ${lost.slice(0, 5).join('; ')}`)
  demand(strange.length === 0, `error replies: ${strange.join('; ')}`)
  demand(end.imbalance === null, `counters: ${end.imbalance}`)
  demand(waiting === 0 && pendingBytes === 0 && sessions === 0, `left over: ${waiting}, ${pendingBytes}, ${sessions}`)
  if (!isSteady) say(`growth is not judged: that takes ${2 * warmUpMinutes} minutes, of which the first ones warm up`)
  demand(!isSteady || rss.slope.low <= rssLimit, `resident memory grows: ${JSON.stringify(rss.slope)}`)
  demand(!isSteady || heap.slope.low <= heapLimit, `the heap grows: ${JSON.stringify(heap.slope)}`)
  const unexpected = errorLines.filter(line => !line.includes('"event":"gate.tripped"'))
  demand(unexpected.length === 0, `error lines: ${unexpected.slice(0, 5).join('; ')}`)
  return wrong
}

async function main(): Promise<void> {
  const minutes = Number(values.minutes)
  const clients = Number(values.clients)
  if (!(minutes >= 1) || !Number.isSafeInteger(clients) || clients < 1)
    throw new Error('--minutes wants a number from 1, --clients a whole number from 1')
  const result = await run(minutes, clients)
  const page = outagePage(result)
  writeFileSync(values.report, page)
  say(`report in ${values.report}\n${page}`)
  process.exitCode = result.wrong.length === 0 ? 0 : 1
}

await main()
