// The page in a real browser, with nothing failing over: a restart of the program, several masters, the keyboard, light and
// dark, a place that is taken.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readStatus } from '../support/admin.ts'
import { axeFindings, read, readStory, skip, startBrowser, view } from '../support/browser.ts'
import { controlPath, openControl, runProgram } from '../support/control.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { startHoldfast, startHoldfastProcess, startReplica, startSingle } from '../support/holdfast.ts'
import { openFeed, type PageFeed } from '../support/page-feed.ts'
import { RespClient } from '../support/resp-client.ts'
import { anyFlavour, endServer, freePort, makeFolder, removeFolder, startServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

t.test('page — says since when there is no connection, and comes back — through a restart', { skip }, async t => {
  const { sentinel, holdfast: other } = await startSingle(t)
  await other.stop()
  const port = await freePort()
  const started = { sentinels: [`${sentinel.host}:${sentinel.port}`], options: { 'admin-listen': `127.0.0.1:${port}` } }
  const first = await startHoldfastProcess(t, started)
  const browser = await startBrowser(t)
  const { page, complaints } = await view(browser, `http://127.0.0.1:${port}`)
  const programOf = () => page.locator('#program').textContent()
  t.match(await programOf(), `pid ${first.pid}`)
  t.strictSame(complaints, [])

  await first.stop()
  const gone = await waitUntil(
    'it says that there is none',
    async () => {
      const { connection } = await read(page)
      return connection.startsWith('no connection since') && connection
    },
    { withinMs: 15_000 },
  )
  t.match(gone, /^no connection since \d\d:\d\d:\d\d: it does not answer\. What is shown is from then\.$/)
  t.match((await read(page)).verdicts[0]?.sentence, /^Serving/, 'what was known last stays')
  t.strictSame(await axeFindings(page), [])

  const second = await startHoldfastProcess(t, started)
  await waitUntil('it is live again', async () => (await read(page)).connection === 'live', { withinMs: 30_000 })
  await waitUntil('it shows the new one', async () => (await programOf())?.includes(`pid ${second.pid}`), {
    withinMs: 5000,
  })
  const odd = complaints.filter(text => !/\/page\/feed\b/.test(text))
  t.strictSame(odd, [], 'nothing but the stream was missed')
  await page.close()
})

t.test('page — has a verdict for each of several masters — and shows the one that is chosen', { skip }, async t => {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const node = await startServer({ flavour: anyFlavour(), kind: 'data', name: 'one', dir, config: ['save ""'] })
  t.teardown(() => endServer(node))
  const sentinel = await FakeSentinel.start(t, { masterName: 'cache', master: { host: node.host, port: node.port } })
  const config = join(dir, 'holdfast.yaml')
  writeFileSync(config, 'masters:\n  cache: { listen: 0 }\n  ghost: { listen: 0, required: false }\n')
  const holdfast = await startHoldfast(t, {
    sentinels: [`${sentinel.host}:${sentinel.port}`],
    masterName: '',
    options: { config, 'admin-listen': '127.0.0.1:0' },
  })
  const browser = await startBrowser(t)
  const { page, complaints } = await view(browser, holdfast.admin)
  const seen = await waitUntil(
    'cache is served',
    async () => {
      const all = await read(page)
      return all.verdicts[0]?.word === 'Serving' && all
    },
    { withinMs: 10_000 },
  )
  t.equal(seen.verdicts.length, 2)
  // Which of the two depends on whether the Sentinel has said yet that it knows no such master.
  t.match(seen.verdicts[1], { word: /^(Starting|Holding)$/ })
  t.match(seen.sentinels[0], 'agrees')
  await page.getByRole('button', { name: 'ghost' }).press('Enter')
  await waitUntil('it is about ghost', async () => /names no master/.test((await read(page)).sentinels[0] ?? ''), {
    withinMs: 5000,
  })
  t.equal(await page.getByRole('button', { name: 'ghost' }).getAttribute('aria-pressed'), 'true')
  t.strictSame(await axeFindings(page), [])

  const passedOn = await view(browser, holdfast.admin, '#master=ghost')
  t.match((await read(passedOn.page)).sentinels[0], 'names no master', 'its address names the master')
  t.strictSame([...complaints, ...passedOn.complaints], [])
})

t.test(
  'page — works with the keyboard alone, in light and in dark — and has a table beside each plot',
  { skip },
  async t => {
    const { holdfast } = await startSingle(t, { options: { 'admin-listen': '127.0.0.1:0' } })
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    await client.send('CLIENT', 'SETINFO', 'LIB-NAME', '<b>bold</b>')
    const browser = await startBrowser(t)
    const { page, complaints } = await view(browser, holdfast.admin)
    await waitUntil('the library is shown', async () => /<b>bold<\/b>/.test((await read(page)).sessions), {
      withinMs: 5000,
    })
    t.equal(await page.locator('#sessions b').count(), 0, 'what a client calls itself is text')

    const focused: string[] = []
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press('Tab')
      const name: string = await page.evaluate('document.activeElement.textContent.trim()')
      focused.push(name)
      if (name === '/metrics') break
    }
    t.equal(focused[0], 'Skip to the plots')
    const titles = ['Commands a second', 'Held', 'In flight', 'Wait of what was held', 'Event loop delay']
    t.strictSame(
      focused.filter(name => name.startsWith('Table')),
      titles.map(title => `Table of ${title}`),
      'in the order in which they are seen',
    )
    t.equal(focused.at(-1), '/metrics', 'and out again')

    await page.locator('#plot-commands summary').focus()
    await page.keyboard.press('Enter')
    const tables = page.locator('#plot-commands table')
    await waitUntil('its table is open', async () => (await tables.count()) === 1, { withinMs: 5000 })
    // The first row comes with the first sample.
    const hasRow = async (): Promise<boolean> =>
      /minutelowestmeanhighest\d\d:\d\d\d/.test((await tables.textContent()) ?? '')
    await waitUntil('the table has a row', hasRow, { withinMs: 30_000, everyMs: 50 })
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      t.strictSame(await axeFindings(page), [], colorScheme)
    }
    await page.setViewportSize({ width: 400, height: 900 })
    t.equal(
      await page.evaluate('document.documentElement.scrollWidth <= innerWidth'),
      true,
      'a narrow window needs no sideways way',
    )
    t.strictSame(complaints, [])
  },
)

t.test('page — says that an operator has paused it, and tells it afterwards — a drill as well', { skip }, async t => {
  const path = await controlPath(t)
  const { holdfast } = await startSingle(t, { options: { 'admin-listen': '127.0.0.1:0', 'control-socket': path } })
  const browser = await startBrowser(t)
  const { page, complaints } = await view(browser, holdfast.admin)
  const control = await openControl(t, path)
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  const paused = /^Holding 1 request since \d\d:\d\d:\d\d \(.*\): ctl has paused all sending to /
  const pauseOnce = async (): Promise<string> => {
    await control.ask('pause', { maxMs: 20_000 })
    const answered = client.send('SET', 'k', 'v')
    await waitUntil('it says so', async () => paused.test((await read(page)).verdicts[0]?.sentence ?? ''), {
      withinMs: 10_000,
    })
    t.equal((await read(page)).verdicts[0]?.word, 'Paused')
    await control.ask('resume')
    t.equal(await answered, 'OK')
    await waitUntil('it serves', async () => (await read(page)).verdicts[0]?.word === 'Serving', { withinMs: 10_000 })
    return waitUntil(
      'the pause is a story with its end',
      async () => {
        const [first = ''] = (await read(page)).stories
        return / 1 request sent$/.test(first) && first
      },
      { withinMs: 10_000 },
    )
  }
  let told = await pauseOnce()
  // A machine that stands still just then has a hold of its own, which the request leaves.
  for (let more = 5; more > 0 && told.includes(' Hold '); more--) told = await pauseOnce()
  t.match(told, /^\d\d:\d\d:\d\d Pause [\d.]+:\d+ paused [\d.]+ m?s /)
  await page.locator('.story summary').first().click()
  const { steps, counts } = await readStory(page)
  t.strictSame(
    steps.map(([, name]) => name),
    ['paused', 'empty', 'resumed', 'drained'],
  )
  t.match(steps[0]?.[2], 'ctl pauses all sending, for 20 s at most')
  t.match(steps[2]?.[2], 'The pause is over: it was ended; 1 request held')
  t.match(counts, { 'asked for by': 'ctl', 'requests sent out of it': '1', 'waited in vain': '0' })
  t.strictSame(await axeFindings(page), [], 'with an open story')

  const { code } = await runProgram(t, ['drill', '--hold', '1s', '--control-socket', path])
  t.equal(code, 0)
  await waitUntil(
    'the drill is told',
    // A second is told as `999 ms`, too; and a busy machine may have a hold of its own behind it.
    async () => (await read(page)).stories.some(one => / Drill .* paused [\d.]+ m?s/.test(one)),
    {
      withinMs: 10_000,
    },
  )
  t.equal(await page.locator('.story[open]').count(), 1, 'what was open stays open')
  t.strictSame(complaints, [])
})

t.test('page — shows replicas and what each is good for — only where there is a port for them', { skip }, async t => {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const { node, sentinel, holdfast } = await startSingle(t, {
    options: { 'admin-listen': '127.0.0.1:0', 'replica-listen': '127.0.0.1:0' },
  })
  const replica = await startReplica(t, node, { dir })
  sentinel.replicas = [{ host: replica.host, port: replica.port }]
  const browser = await startBrowser(t)
  const { page, complaints } = await view(browser, holdfast.admin)
  const row = await waitUntil(
    'the replica is good',
    async () => {
      const [first = ''] = (await read(page)).replicas ?? []
      return / good /.test(first) && first
    },
    { withinMs: 30_000 },
  )
  t.match(row, new RegExp(`^${replica.host}:${replica.port} good \\d+\\.\\d s 0$`))
  t.strictSame(await axeFindings(page), [])
  // A slow machine has moments at which nobody knows how far behind it is.
  const isGood = async (): Promise<boolean> =>
    (await readStatus(holdfast.admin)).replicas?.nodes[0]?.condition === 'good'
  await waitUntil('/status says so, too', isGood, { withinMs: 30_000, everyMs: 50 })

  const { holdfast: other } = await startSingle(t, { options: { 'admin-listen': '127.0.0.1:0' } })
  const plain = await view(browser, other.admin)
  t.equal((await read(plain.page)).replicas, null)
  t.equal(await plain.page.getByText('Replicas that are read from').isVisible(), false)
  t.strictSame([...complaints, ...plain.complaints], [])
})

t.test('page — says that all places are taken — and takes one when it is free', { skip }, async t => {
  const { holdfast } = await startSingle(t, { options: { 'admin-listen': '127.0.0.1:0' } })
  const feeds: PageFeed[] = []
  for (let i = 0; i < 64; i++) feeds.push(await openFeed(t, holdfast.admin))
  const browser = await startBrowser(t)
  const page = await browser.newPage()
  await page.goto(`${holdfast.admin}/`)
  const connection = async () => (await page.locator('#connection').textContent()) ?? ''
  await waitUntil('it says why', async () => (await connection()).includes('as many pages are open as there may be'), {
    withinMs: 10_000,
  })
  feeds[0]?.close()
  await waitUntil('it is live', async () => (await connection()) === 'live', { withinMs: 20_000 })
  t.equal((await readStatus(holdfast.admin)).gate.state, 'open')
})
