// The page in a real browser while a real master dies and while it is moved: what it says is what is true, by /status and
// by the ledger of the clients.
import t from 'tap'
import { readStatus } from '../support/admin.ts'
import { axeFindings, read, readStory, skip, startBrowser, view } from '../support/browser.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import { readBack, startWorkload } from '../support/workload.ts'

const clients = 5

t.test(
  'page — tells a kill -9 and a planned failover as they are — and shows both to who comes later',
  { skip },
  async t => {
    const set = await SentinelSet.start()
    t.teardown(() => set.stopAll())
    const holdfast = await startHoldfast(t, {
      sentinels: set.sentinelAddresses(),
      options: { 'admin-listen': '127.0.0.1:0' },
    })
    const { admin } = holdfast
    await waitUntil('it serves', () => holdfast.find('hold.end'), { withinMs: 15_000 })
    const workload = startWorkload({ port: holdfast.port, rawClients: clients })
    t.teardown(() => workload.stop({ withinMs: 0 }))
    const browser = await startBrowser(t)
    const { page, complaints } = await view(browser, admin)
    const addressOf = ({ host, port }: { host: string; port: number }) => `${host}:${port}`
    const first = await set.currentMaster()

    const isCalm = async (address: string) => {
      const seen = await read(page)
      const serving = new RegExp(`^Serving ${address} since \\d\\d:\\d\\d:\\d\\d; 3 of 3 Sentinels agree\\.$`)
      return (
        serving.test(seen.verdicts[0]?.sentence ?? '') && Number(seen.values['commands']?.replace(',', '')) > 0 && seen
      )
    }
    const before = await waitUntil('it serves and counts', () => isCalm(addressOf(first)), { withinMs: 15_000 })
    t.equal(before.verdicts[0]?.word, 'Serving')
    t.match(before.verdicts[0]?.detail, /^No failover since the start\./)
    for (const row of before.sentinels) t.match(row, new RegExp(`agrees ${addressOf(first)}`))
    t.match(before.sessions, new RegExp(`^${clients} open of at most`))
    t.strictSame(await axeFindings(page), [])

    // The master dies.
    await set.kill(first)
    const held = await waitUntil(
      'it says that all is held',
      async () => {
        const seen = await read(page)
        return seen.values['held'] === String(clients) && /^Holding/.test(seen.verdicts[0]?.sentence ?? '') && seen
      },
      { withinMs: 10_000 },
    )
    const pending = new Set(
      workload.ledger.operations.filter(one => one.outcome.kind === 'pending').map(one => one.client),
    )
    t.equal(pending.size, clients, 'the ledger: each client waits')
    t.equal(held.verdicts[0]?.word, 'Holding')
    t.match(held.verdicts[0]?.sentence, new RegExp(`^Holding ${clients} requests since \\d\\d:\\d\\d:\\d\\d \\(`))
    t.match(held.verdicts[0]?.detail, /^Waiting for /)
    t.match(held.told[0], /^Holding\. Holding requests since/, 'who listens hears it, without a number that changes')
    t.strictSame(await axeFindings(page), [])

    const { node: second } = await set.waitForNewMaster(first, { withinMs: 30_000 })
    const after = await waitUntil('it serves the new master', () => isCalm(addressOf(second)), { withinMs: 20_000 })
    t.match(after.verdicts[0]?.detail, /Last failover at \d\d:\d\d:\d\d: commands were held for/)
    const killed = (await readStatus(admin)).failovers[0]
    t.match(
      after.stories[0],
      new RegExp(`Failover ${addressOf(first)} to ${addressOf(second)} held .* ${killed?.drained} requests`),
    )
    await page.locator('.story summary').first().click()
    const story = await readStory(page)
    const names = story.steps.map(([, name]) => name)
    for (const name of ['lost', 'held', 'majority', 'confirmed', 'drained']) t.ok(names.includes(name), name)
    t.strictSame(
      names.filter(name => ['held', 'majority', 'confirmed', 'drained'].includes(name ?? '')),
      ['held', 'majority', 'confirmed', 'drained'],
      'in the order in which it happened',
    )
    t.equal(story.counts['requests sent out of it'], String(killed?.drained))
    t.ok(Number(story.counts['requests sent out of it']) >= clients)
    t.equal(story.counts['waited in vain'], '0')
    t.strictSame(await axeFindings(page), [], 'with an open story')

    // A planned failover, once the killed node is back.
    await set.restart(first)
    await set.settle()
    await set.failover()
    const { node: third } = await set.waitForNewMaster(second, { withinMs: 60_000 })
    await waitUntil('it serves the third', () => isCalm(addressOf(third)), { withinMs: 20_000 })
    await workload.stop()
    const report = workload.ledger.report(await readBack(workload.ledger, third))
    t.strictSame(
      [report.errors, report.connectionErrors, report.pending],
      [{}, [], 0],
      'the ledger: nobody saw an error',
    )

    const late = await view(browser, admin)
    const seen = await read(late.page)
    // Whoever stood still has held for that as well.
    const failovers = seen.stories.filter(story => /Failover/.test(story))
    const latest = `Failover ${addressOf(second)} to ${addressOf(third)}`
    t.match(failovers[0], new RegExp(latest), 'a page opened after the fact')
    t.match(failovers[1], new RegExp(`Failover ${addressOf(first)} to ${addressOf(second)}`))
    const place = seen.stories.findIndex(story => story.includes(latest))
    await late.page.locator('.story summary').nth(place).click()
    const planned = await readStory(late.page, place)
    t.equal(planned.counts['cause'], 'failover-announced')
    t.ok(
      planned.steps.some(([, name]) => name === 'chosen'),
      'which replica was chosen',
    )
    const longest = Math.max(...(await readStatus(admin)).failovers.map(one => one.heldMs))
    t.ok(report.longestPause.ms >= longest, 'no client waited less than the page says that commands were held')

    t.strictSame([...complaints, ...late.complaints], [], 'no error in the console')
  },
)
