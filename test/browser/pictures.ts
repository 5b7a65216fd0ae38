// pictures.ts: `npm run page:pictures`: the page in each of its states, in light and dark, as docs/pictures shows it.
//
// A real set, Holdfast and clients; a kill -9 and a planned failover of its master; Chromium. Takes about two minutes.
// Never: is part of the tests, or draws anything that has not happened.
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { startHoldfast } from '../../scripts/demo/holdfast.ts'
import { startLoad } from '../../scripts/demo/load.ts'
import { read, startBrowser, view } from '../support/browser.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

const folder = fileURLToPath(new URL('../../docs/pictures/', import.meta.url))
const size = { width: 1280, height: 860 }
/** So much of a quiet life is in the plots before something happens, ms. */
const QUIET_MS = 45_000

const ends: (() => unknown)[] = []
const t = { teardown: (end: () => unknown): void => void ends.push(end) }

async function take(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await page.screenshot({ path: `${folder}page-${name}-${colorScheme}.png` })
  }
}

async function main(): Promise<void> {
  const set = await SentinelSet.start()
  t.teardown(() => set.stopAll())
  const options = { sentinels: set.sentinelAddresses(), masterName: set.masterName, logFile: null, onLine: () => {} }
  const holdfast = await startHoldfast(options)
  t.teardown(() => holdfast.stop())
  const load = startLoad({ port: holdfast.port, clients: 20, roundsPerSecond: 20 })
  t.teardown(() => load.stop())
  const browser = await startBrowser(t)
  const { page } = await view(browser, holdfast.page.replace(/\/$/, ''))
  await page.setViewportSize(size)
  const says = (word: string) => async (): Promise<boolean> => (await read(page)).verdicts[0]?.word === word
  const quiet = performance.now() + QUIET_MS
  await waitUntil('some time has passed', () => performance.now() > quiet, { withinMs: 2 * QUIET_MS, everyMs: 200 })

  const first = await set.currentMaster()
  await set.failover()
  const { node: second } = await set.waitForNewMaster(first, { withinMs: 60_000 })
  await set.settle()
  await set.kill(second)
  await waitUntil('it holds', says('Holding'), { withinMs: 10_000 })
  const shown = async (): Promise<boolean> => Number((await read(page)).values['held']) > 0
  await waitUntil('it shows what is held', shown, { withinMs: 5000 })
  await take(page, 'holding')
  await set.waitForNewMaster(second, { withinMs: 60_000 })
  await waitUntil('it serves', says('Serving'), { withinMs: 20_000 })
  await set.restart(second)
  await set.settle()
  await waitUntil('all agree', async () => (await read(page)).sentinels.every(row => / agrees /.test(row)), {
    withinMs: 20_000,
  })
  await take(page, 'serving')
  await page.locator('.story.failover summary').first().click()
  await page.locator('.story.failover').first().scrollIntoViewIfNeeded()
  await page.evaluate("document.querySelector('.stories').scrollIntoView()")
  await take(page, 'failover')
  await page.evaluate('scrollTo(0, 0)')
  await page.locator('.story.failover summary').first().click()
  await holdfast.stop()
  const isGone = async (): Promise<boolean> => (await read(page)).connection.startsWith('no connection')
  await waitUntil('it says that there is no connection', isGone, { withinMs: 15_000 })
  await take(page, 'no-connection')
}

rmSync(folder, { recursive: true, force: true })
try {
  await main()
} finally {
  for (const end of ends.reverse()) await end()
}
process.exit(0)
