// run.ts: `npm run page:cost`: what the page costs the proxy, how soon a browser shows it, and whether that is little.
//
// The promise is one hundredth of the throughput with one page open. The event loop is the proxy's bottleneck, so CPU that
// a page takes in a second is what commands lack at most: 10 ms are 1 %. That is what is judged (cost.ts); throughput is
// shown beside it, and its spread on a shared machine is wider than the promise.
// Memory: resident bytes of the proxy before the first visit and a while after. First paint: a fresh Chromium profile
// each time.
// Owns: the servers and browsers that it starts. Never: is part of the tests: the figures are of one machine.
import { startBrowser } from '../../test/support/browser.ts'
import { startSingleProcess } from '../../test/support/holdfast.ts'
import { waitUntil } from '../../test/support/wait-until.ts'
import { memory } from '../measure.ts'
import { median } from '../statistics.ts'
import { costAtRest, costUnderLoad, type Figure, throughputWithPage, type Watched } from './cost.ts'
import { watched as watchedBy } from './viewers.ts'

const PAINTS = 10
const MB = 1024 * 1024
const RATE = 4_000
/** What is promised. */
const most = { cpuMs: 10, memoryMb: 5, paintMs: 500 }

const ends: (() => unknown)[] = []
const t = { teardown: (end: () => unknown): void => void ends.push(end) }
const verdicts: string[] = []

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Whether a promise is kept; the exit code is 1 where one is not. */
function judge(what: string, figure: number, unit: string, bound: number): void {
  const isKept = figure <= bound
  if (!isKept) process.exitCode = 1
  verdicts.push(`${isKept ? 'kept  ' : 'BROKEN'}  ${what}: ${figure.toFixed(1)} ${unit}, at most ${bound} ${unit}`)
}

const told = ({ median: middle, low, high }: Figure, digits = 1): string =>
  `${middle.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`

const ofCore = ({ median: ms }: Figure): string => `${(ms / 10).toFixed(2)} % of a core`

async function memoryOf(watched: Watched, pid: number): Promise<void> {
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
  const more = ((await watched(1, resident)) - before) / MB
  print(`memory: ${(before / MB).toFixed(1)} MB before the first visit, ${more.toFixed(1)} MB more with a page`)
  judge('memory of the first page', more, 'MB', most.memoryMb)
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
    const isTold = "document.querySelector('.verdict .sentence')?.textContent && performance.now()"
    lives.push(Number(await waitUntil('the verdict is there', () => page.evaluate(isTold), { withinMs: 10_000 })))
    const first = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
    paints.push(Number(await waitUntil('something is painted', () => page.evaluate(first), { withinMs: 10_000 })))
    await context.close()
  }
  await browser.close()
  print(
    `first paint: median ${Math.round(median(paints))} ms, slowest ${Math.round(Math.max(...paints))} ms of ${PAINTS}`,
  )
  print(`the verdict is there: median ${Math.round(median(lives))} ms, slowest ${Math.round(Math.max(...lives))} ms`)
  judge('first paint, median', median(paints), 'ms', most.paintMs)
}

async function cpu(watched: Watched, proxy: { readonly pid: number; readonly port: number }): Promise<void> {
  print('CPU of the process in ms a second, medians with the bounds of 95 in 100:')
  for (const [who, pages, rounds] of [
    ['one page', 1, 9],
    ['64 pages, one of them stuck', 64, 4],
  ] as const) {
    const { alone, more } = await costAtRest(proxy.pid, watched, { rounds, pages })
    print(`   at rest: ${told(alone)}; ${who}: ${told(more)} more, which is ${ofCore(more)}`)
    if (pages === 1) judge('one page at rest, upper bound', more.high, 'ms a second', most.cpuMs)
  }
  const under = await costUnderLoad(proxy, watched, { rounds: 9, ratePerSecond: RATE })
  print(
    `   at ${RATE} commands a second: ${told(under.alone)}; one page: ${told(under.more)} more, which is ${ofCore(under.more)}`,
  )
  print(`   of a command: ${told(under.perCommand)} µs`)
  judge(`one page at ${RATE} commands a second, median`, under.more.median, 'ms a second', most.cpuMs)
}

async function throughput(watched: Watched, port: number): Promise<void> {
  for (const [name, pipeline, requests] of [
    ['c50p1 GET', 1, 30_000],
    ['c50p16 GET', 16, 200_000],
  ] as const) {
    const { alone, ratio } = await throughputWithPage(port, watched, { rounds: 7, requests, pipeline })
    const percent = (value: number): string => `${value >= 1 ? '+' : ''}${((value - 1) * 100).toFixed(1)} %`
    const bounds = `${percent(ratio.low)} to ${percent(ratio.high)}`
    print(
      `${name}: ${Math.round(alone).toLocaleString('en-US')} commands a second; one page: ${percent(ratio.median)} (${bounds})`,
    )
  }
}

try {
  const { holdfast } = await startSingleProcess(t, { options: { 'admin-listen': '127.0.0.1:0', 'log-level': 'info' } })
  const watched: Watched = (pages, act) => watchedBy(t, holdfast.admin, pages, act)
  await memoryOf(watched, holdfast.pid)
  await paint(holdfast.admin)
  await cpu(watched, holdfast)
  await throughput(watched, holdfast.port)
  print('')
  for (const line of verdicts) print(line)
} finally {
  for (const end of ends.reverse()) await end()
}
