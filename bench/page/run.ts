// run.ts: `npm run page:cost`: what the page costs the proxy, and how soon a browser shows it.
//
// Throughput: rounds of redis-benchmark with nobody looking, with one page, and with 64 of which one reads nothing, in
// turn; the figure is the median of the ratios within a round, so that a drift of the machine falls out. Memory: resident
// bytes of the proxy before the first visit and a while after. First paint: a fresh Chromium profile each time.
// Owns: the servers and browsers that it starts. Never: is part of the tests: the figures are of one machine.
import { startBrowser } from '../../test/support/browser.ts'
import { startSingleProcess } from '../../test/support/holdfast.ts'
import { openFeed, type PageFeed } from '../../test/support/page-feed.ts'
import { waitUntil } from '../../test/support/wait-until.ts'
import { runClosedLoop } from '../load/redis-benchmark.ts'
import { memory, processCpu } from '../measure.ts'

const ROUNDS = 10
const PAINTS = 10
const MB = 1024 * 1024
const loads = {
  'c50p1 GET': { clients: 50, pipeline: 1, argv: ['GET', 'k:__rand_int__'], valueBytes: null, requests: 60_000 },
  'c50p16 GET': { clients: 50, pipeline: 16, argv: ['GET', 'k:__rand_int__'], valueBytes: null, requests: 400_000 },
} as const
const watchers = { nobody: 0, 'one page': 1, '64 pages, one of them stuck': 64 } as const
type Who = keyof typeof watchers

const ends: (() => unknown)[] = []
const t = { teardown: (end: () => unknown): void => void ends.push(end) }

/**
 * So many pages look while `act` runs; with 64 one of them reads nothing. Each time as many seconds pass before, as a machine
 * that has rested is faster.
 */
async function watched<T>(admin: string, pages: number, act: () => Promise<T>): Promise<T> {
  const feeds: PageFeed[] = []
  for (let i = 0; i < Math.max(1, pages); i++) feeds.push(await openFeed(t, admin))
  if (pages > 1) feeds[0]?.pause()
  const lively = feeds.at(-1)
  await waitUntil('the page is told', () => (lively?.events.length ?? 0) > 2, { withinMs: 5000 })
  if (pages === 0) lively?.close()
  try {
    return await act()
  } finally {
    for (const feed of feeds) feed.close()
  }
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN
const percent = (ratio: number): string => `${ratio >= 1 ? '+' : ''}${((ratio - 1) * 100).toFixed(1)} %`

async function throughput(admin: string, port: number, pid: number): Promise<void> {
  for (const [name, load] of Object.entries(loads)) {
    const run = async (): Promise<{ ops: number; cpu: number }> => {
      const before = processCpu(pid).seconds
      const startedAt = performance.now()
      await runClosedLoop({ ...load, port, keys: 10_000, resp: 2 })
      const seconds = (performance.now() - startedAt) / 1000
      return { ops: load.requests / seconds, cpu: ((processCpu(pid).seconds - before) / load.requests) * 1e6 }
    }
    await run()
    const rounds: Record<Who, { ops: number; cpu: number }>[] = []
    for (let i = 0; i < ROUNDS; i++) {
      const order = Object.entries(watchers) as [Who, number][]
      const one: Partial<Record<Who, { ops: number; cpu: number }>> = {}
      for (const [who, pages] of i % 2 === 0 ? order : order.reverse()) one[who] = await watched(admin, pages, run)
      rounds.push(one as Record<Who, { ops: number; cpu: number }>)
    }
    const base = median(rounds.map(one => one.nobody.ops))
    print(`${name}: ${Math.round(base).toLocaleString('en-US')} commands a second with nobody looking`)
    for (const who of Object.keys(watchers).slice(1) as Who[]) {
      const ops = median(rounds.map(one => one[who].ops / one.nobody.ops))
      const cpu = median(rounds.map(one => one[who].cpu / one.nobody.cpu))
      print(`   ${who}: throughput ${percent(ops)}, CPU of a command ${percent(cpu)}`)
    }
  }
}

async function memoryOf(admin: string, pid: number): Promise<void> {
  const resident = async (): Promise<number> => {
    const samples: number[] = []
    const until = performance.now() + 4000
    await waitUntil(
      'some seconds have passed',
      () => {
        samples.push(memory(pid).residentBytes)
        return performance.now() > until
      },
      { withinMs: 60_000, everyMs: 200 },
    )
    return median(samples)
  }
  const before = await resident()
  const during = await watched(admin, 1, resident)
  print(
    `memory: ${(before / MB).toFixed(1)} MB before the first visit, ${((during - before) / MB).toFixed(1)} MB more with a page`,
  )
}

async function paint(admin: string): Promise<void> {
  const browser = await startBrowser(t)
  const paints: number[] = []
  const lives: number[] = []
  for (let i = 0; i < PAINTS; i++) {
    const context = await browser.newContext()
    const page = await context.newPage()
    await page.goto(`${admin}/`)
    // Asked from outside: the page's policy lets no text be run in it.
    const told = "document.querySelector('.verdict .sentence')?.textContent && performance.now()"
    lives.push(Number(await waitUntil('the verdict is there', () => page.evaluate(told), { withinMs: 10_000 })))
    const first = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    paints.push(Number(await waitUntil('something is painted', () => page.evaluate(first), { withinMs: 10_000 })))
    await context.close()
  }
  print(
    `first paint: median ${Math.round(median(paints))} ms, slowest ${Math.round(Math.max(...paints))} ms of ${PAINTS}`,
  )
  print(`the verdict is there: median ${Math.round(median(lives))} ms, slowest ${Math.round(Math.max(...lives))} ms`)
}

/** CPU of the proxy in seconds without a command: what the messages of each second cost. */
async function atRest(admin: string, pid: number): Promise<void> {
  for (const [who, pages] of Object.entries(watchers)) {
    const used = await watched(admin, pages, async () => {
      const before = processCpu(pid).seconds
      const startedAt = performance.now()
      await waitUntil('ten seconds have passed', () => performance.now() - startedAt > 10_000, {
        withinMs: 120_000,
        everyMs: 200,
      })
      return (processCpu(pid).seconds - before) / ((performance.now() - startedAt) / 1000)
    })
    print(`at rest, ${who}: ${(used * 100).toFixed(2)} % of a core`)
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

try {
  const { holdfast } = await startSingleProcess(t, { options: { 'admin-listen': '127.0.0.1:0', 'log-level': 'info' } })
  await memoryOf(holdfast.admin, holdfast.pid)
  await atRest(holdfast.admin, holdfast.pid)
  await paint(holdfast.admin)
  await throughput(holdfast.admin, holdfast.port, holdfast.pid)
} finally {
  for (const end of ends.reverse()) await end()
}
