// pictures.ts: `npm run page:pictures`: the page in each of its states, in light and dark, as docs/pictures shows it.
//
// A real set, Holdfast with its port for replicas, and clients; a pause, a `holdfast switchover` and a kill -9 of the
// master; Chromium. Takes about two minutes. With a folder as argument the pictures go there.
// Never: is part of the tests, or draws anything that has not happened.
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import type { Page } from 'playwright-core'
import { startLoad } from '../../scripts/demo/load.ts'
import { read, startBrowser, view } from '../support/browser.ts'
import { controlPath, openControl, runProgram } from '../support/control.ts'
import { startHoldfastProcess } from '../support/holdfast.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

const [to] = process.argv.slice(2)
const folder = to === undefined ? fileURLToPath(new URL('../../docs/pictures/', import.meta.url)) : `${to}/`
const size = { width: 1280, height: 860 }
const narrow = { width: 420, height: 860 }
/** So much of a quiet life is in the plots before something happens, ms. */
const QUIET_MS = 45_000

const ends: (() => unknown)[] = []
const t = { teardown: (end: () => unknown): void => void ends.push(end) }

async function take(page: Page, name: string, { fullPage = false } = {}): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await page.screenshot({ path: `${folder}page-${name}-${colorScheme}.png`, animations: 'disabled', fullPage })
  }
}

async function main(): Promise<void> {
  const set = await SentinelSet.start()
  t.teardown(() => set.stopAll())
  const control = await controlPath(t)
  const sentinels = set.sentinelAddresses()
  const options = { 'admin-listen': '127.0.0.1:0', 'replica-listen': '127.0.0.1:0', 'control-socket': control }
  const holdfast = await startHoldfastProcess(t, { sentinels, masterName: set.masterName, options })
  const load = startLoad({ port: holdfast.port, clients: 20, roundsPerSecond: 20 })
  t.teardown(() => load.stop())
  const [, replicaPort = ''] = /:(\d+)$/.exec(String(holdfast.find('process.listening')?.['replicas'])) ?? []
  for (let i = 0; i < 3; i++) {
    const reader = new Redis({ port: Number(replicaPort), clientInfoTag: 'reader' })
    reader.on('error', () => {})
    t.teardown(() => reader.disconnect())
  }
  const browser = await startBrowser(t)
  const { page } = await view(browser, holdfast.admin)
  await page.setViewportSize(size)
  const says = (word: string) => async (): Promise<boolean> => (await read(page)).verdicts[0]?.word === word
  const quiet = performance.now() + QUIET_MS
  await waitUntil('some time has passed', () => performance.now() > quiet, { withinMs: 2 * QUIET_MS, everyMs: 200 })

  const operator = await openControl(t, control)
  await operator.ask('pause', { maxMs: 10_000 })
  await waitUntil('it is paused', says('Paused'), { withinMs: 10_000 })
  await operator.ask('resume')
  await waitUntil('it serves', says('Serving'), { withinMs: 10_000 })
  const first = await set.currentMaster()
  const flags = ['--sentinels', sentinels.join(','), '--master', set.masterName, '--control-socket', control]
  const { code, stdout, stderr } = await runProgram(t, ['switchover', ...flags])
  if (code !== 0) throw new Error(`the switchover ended with ${code}: ${stdout}${stderr}`)
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
  await page.setViewportSize(narrow)
  await take(page, 'narrow', { fullPage: true })
  await page.setViewportSize(size)
  await page.locator('.story.failover summary').first().click()
  await page.locator('.story.failover').first().scrollIntoViewIfNeeded()
  await page.evaluate("document.querySelector('.stories').scrollIntoView()")
  await take(page, 'failover')
  await page.locator('.story.failover summary').first().click()
  await page.locator('.story.pause summary').first().click()
  await take(page, 'switchover')
  await page.locator('.story.pause summary').first().click()
  await page.evaluate('scrollTo(0, 0)')
  await holdfast.stop()
  const isGone = async (): Promise<boolean> => (await read(page)).connection.startsWith('no connection')
  await waitUntil('it says that there is no connection', isGone, { withinMs: 15_000 })
  await take(page, 'no-connection')
}

if (to === undefined) rmSync(folder, { recursive: true, force: true })
try {
  await main()
} finally {
  for (const end of ends.reverse()) await end()
}
process.exit(0)
