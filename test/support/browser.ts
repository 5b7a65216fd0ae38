// browser.ts: a real Chromium that looks at the page of the admin port, and what a person would read there.
//
// Owns: the browser, until the test's teardown. Never: brings a browser; the distribution's is used (scripts/setup.mjs).
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, chromium, type Page } from 'playwright-core'
import { pathOf } from './needs.ts'
import { waitUntil } from './wait-until.ts'

/** Chromium by any of its names; undefined where there is none. */
export const program = ['chromium', 'chromium-browser', 'google-chrome'].map(pathOf).find(path => path !== undefined)

/** Tap's `skip` for every test that needs it. */
export const skip = program === undefined && 'not installed: chromium'

interface Teardown {
  teardown(act: () => unknown): void
}

export async function startBrowser(t: Teardown): Promise<Browser> {
  if (program === undefined) throw new Error('chromium is not installed; run: npm run setup -- --with browser')
  // Root has no sandbox in Chromium; a shared memory of 64 MB, as containers have it, is too little for it.
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const args = [...asRoot, '--disable-dev-shm-usage']
  const browser = await chromium.launch({ executablePath: program, args, handleSIGINT: false })
  t.teardown(() => browser.close())
  return browser
}

export interface Viewed {
  readonly page: Page
  /** Errors of the console, exceptions, and requests that failed, in their order. */
  readonly complaints: readonly string[]
}

/** Opens the page in a window of its own, and answers when it is live. `admin` is the port's URL. */
export async function view(browser: Browser, admin: string, hash = ''): Promise<Viewed> {
  const page = await browser.newPage({ viewport: { width: 1440, height: 1000 } })
  const complaints: string[] = []
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning')
      complaints.push(`console: ${message.text()} ${message.location().url}`)
  })
  page.on('pageerror', error => complaints.push(`exception: ${error.message}`))
  page.on('requestfailed', request => complaints.push(`failed: ${request.url()} ${request.failure()?.errorText}`))
  await page.addInitScript(`{${reader}}`)
  await page.goto(`${admin}/${hash}`)
  await waitUntil('the page is live', async () => (await read(page)).connection === 'live', { withinMs: 10_000 })
  return { page, complaints }
}

export interface Read {
  readonly connection: string
  /** Of each master. */
  readonly verdicts: readonly { readonly word: string; readonly sentence: string; readonly detail: string }[]
  /** What a screen reader was told last, of each master. */
  readonly told: readonly string[]
  /** The value beside the title of each plot. */
  readonly values: Readonly<Record<string, string>>
  readonly sentinels: readonly string[]
  readonly sessions: string
  readonly stories: readonly string[]
  /** null: there is no such table. */
  readonly replicas: readonly string[] | null
}

const reader = readFileSync(new URL('page-reader.js', import.meta.url), 'utf8')

/** What the page says now. */
export function read(page: Page): Promise<Read> {
  return page.evaluate('pageReader.read()')
}

/** The steps and the counts of an open story. */
export function readStory(page: Page, index = 0): Promise<{ steps: string[][]; counts: Record<string, string> }> {
  return page.evaluate(`pageReader.story(${index})`)
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds wrong, one line each; [] is what there should be. */
export async function axeFindings(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  return page.evaluate('pageReader.findings()')
}
