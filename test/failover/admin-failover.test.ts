// The admin port through a failover: what each page says before, during and after, held against what is true; the story
// the log tells; and that nothing of what clients send is ever in it.
import t from 'tap'
import { ask, probes, readStatus, scrape, sumOf } from '../support/admin.ts'
import { type LogLine, startHoldfast } from '../support/holdfast.ts'
import { openWindow } from '../support/pace.ts'
import { RespClient } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { settings } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'
import { startWorkload } from '../support/workload.ts'

const well = { startup: 200, ready: 200, live: 200 }
const options = { 'admin-listen': '127.0.0.1:0' }

/** Events at info and above since `from`, in their order. */
function story(log: readonly LogLine[], from: number): LogLine[] {
  return log.slice(from).filter(line => line.level !== 'debug')
}

/** Without what a standstill of this process adds by design: a hold of its own, which says so. */
function withoutStandstills(lines: readonly LogLine[]): LogLine[] {
  let inside = false
  return lines.filter(({ event, cause }) => {
    if (event === 'hold.start' && cause === 'stood-still') inside = true
    const dropped = inside
    if (event === 'hold.end') inside = false
    return !dropped
  })
}

/**
 * One for each of five clients, as a round is one request. Under `safe` a round that was sent is more than one then: what
 * is sent again, and what has an error behind that.
 */
const isHeldOfAll = (requests: number): boolean => (settings.policy === 'safe' ? requests >= 5 : requests === 5)

function heldAddsUp(series: ReadonlyMap<string, number>): boolean {
  const ended = sumOf(series, 'holdfast_held_ended_total')
  return sumOf(series, 'holdfast_held_total') === ended + sumOf(series, 'holdfast_held_requests')
}

t.test('kill -9 of the master — is seen in every page as it is — before, during and after', async t => {
  const set = await SentinelSet.start({ failoverTimeoutMs: 5000 })
  t.teardown(() => set.stopAll())
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options })
  const { admin } = holdfast
  await waitUntil('it has started', async () => (await ask(admin, '/startup')).status === 200, { withinMs: 10_000 })
  const workload = startWorkload({ port: holdfast.port, rawClients: 5 })
  t.teardown(() => workload.stop({ withinMs: 0 }))
  await waitUntil('the load is on', () => workload.ledger.operations.length > 100, { withinMs: 10_000 })
  const old = await set.currentMaster()
  const address = `${old.host}:${old.port}`

  const before = await readStatus(admin)
  t.match(before, { master: { address }, gate: { state: 'open' }, sessions: { open: 5 }, failovers: [] })
  t.strictSame(
    before.sentinels.each.map(one => one.names),
    [address, address, address],
  )
  t.strictSame(await probes(admin), well)

  const from = holdfast.log.length
  const readPace = openWindow()
  await set.kill(old)
  const during = await waitUntil(
    'clients are held',
    async () => {
      const status = await readStatus(admin)
      // What the lost link owed waits for a moment before the master is held to be unreachable.
      return isHeldOfAll(status.held.requests) && status.gate.state === 'holding' && status
    },
    { withinMs: 2000 },
  )
  // A process that stood still holds for that reason, and goes on holding when it then finds the master gone.
  const stoodStill = readPace().stolenMs > 0 && during.gate.cause === 'stood-still'
  const cause = stoodStill ? 'stood-still' : 'master-unreachable'
  t.match(during, {
    gate: { state: 'holding', cause },
    master: { address },
    sessions: { open: 5 },
  })
  t.strictSame(await probes(admin), well, 'a failover that is hidden is none for the probes')
  const held = await scrape(admin)
  if (holdfast.find('hold.drain', from)) t.pass('what is held', { skip: 'not judged: the failover was over by then' })
  else {
    t.ok(isHeldOfAll(held.get('holdfast_held_requests') ?? 0), 'what is held')
    t.equal(held.get('holdfast_gate{state="holding"}'), 1)
    t.ok((held.get('holdfast_gate_shut_seconds') ?? 0) > 0)
  }
  t.ok(heldAddsUp(held))

  await set.waitForNewMaster(old, { withinMs: 20_000 })
  await waitUntil('the hold is over', () => holdfast.find('hold.end', from), { withinMs: 10_000 })
  await workload.stop()
  const master = await set.currentMaster()
  const after = await readStatus(admin)
  const to = `${master.host}:${master.port}`
  t.match(after, {
    master: { address: to, epoch: 1 },
    gate: { state: 'open', cause: null },
    held: { requests: 0, bytes: 0 },
    failovers: [{ cause, from: address, to }],
  })
  t.equal(after.failovers.length, 1)
  t.ok((after.failovers[0]?.drained ?? 0) >= 5, 'what was held is told')
  t.strictSame(await probes(admin), well)
  const series = await scrape(admin)
  t.ok(heldAddsUp(series))
  t.equal(series.get(`holdfast_failovers_total{cause="${cause}"}`), 1)
  t.equal(series.get('holdfast_failover_seconds_count'), 1)
  t.equal(series.get('holdfast_master_epoch'), 1)
  t.equal(series.get(`holdfast_master_info{address="${to}"}`), 1)
  t.equal(series.get('holdfast_held_wait_seconds_count'), sumOf(series, 'holdfast_held_ended_total'))

  const lines = story(holdfast.log, from)
  const events = lines.map(({ event }) => event)
  const wanted = ['hold.start', 'failover.announced', 'master.candidate', 'hold.drain', 'link.ready', 'hold.end']
  // Whoever stood still holds once more to look around, and says so.
  if (readPace().stolenMs > 0 && events.filter(event => event === 'hold.start').length > 1)
    t.pass('the story', { skip: `not judged: the machine stood still: ${events.join(', ')}` })
  else {
    t.strictSame(
      events.filter(event => wanted.includes(String(event))),
      wanted,
      `in this order: ${events.join(', ')}`,
    )
    t.ok(lines.length <= 13, `about ten lines, not ${lines.length}: ${events.join(', ')}`)
  }
  t.ok(events.includes('link.lost') && events.includes('master.doubted'))
  const end = holdfast.find('hold.end', from)
  t.match(end, { master: to, epoch: 1, cause, expired: 0 })
  if (settings.policy !== 'safe') t.equal(end?.['unknownOutcomes'], 0)
  t.ok(Number(end?.longestMs) >= Number(end?.heldMs) - 500, 'the longest wait is about the time of the hold')
  for (const node of set.sentinels) await set.kill(node)
  await waitUntil('all Sentinels are gone', async () => (await scrape(admin)).get('holdfast_sentinels_up') === 0, {
    withinMs: 10_000,
  })
  t.strictSame(await probes(admin), well, 'the last good master stays in use')
  const client = await RespClient.connect(holdfast.port)
  t.equal(await client.send('SET', 'k', 'v'), 'OK')
  t.equal((await scrape(admin)).get('holdfast_sentinels_majority'), 2)
  await client.close()
  await holdfast.stop()
})

t.test('a planned failover — is told in about ten lines — and no key, value or password is ever logged', async t => {
  const secrets = {
    key: 'distinct-key-31',
    value: 'distinct-value-32',
    pass: 'distinct-pass-33',
    sentinel: 'distinct-34',
  }
  const set = await SentinelSet.start({
    requirePass: secrets.pass,
    sentinelPass: secrets.sentinel,
    failoverTimeoutMs: 5000,
  })
  t.teardown(() => set.stopAll())
  const holdfast = await startHoldfast(t, {
    sentinels: set.sentinelAddresses(),
    options: { ...options, 'redis-password': secrets.pass, 'sentinel-password': secrets.sentinel },
  })
  const client = await RespClient.connect(holdfast.port)
  const denied = await RespClient.connect(holdfast.port)
  const round = async (): Promise<void> => {
    await client.send('SET', secrets.key, secrets.value)
    await client.pipeline([['MULTI'], ['SET', secrets.key, secrets.value], ['EXEC']])
    await client.send('EVAL', `return '${secrets.value}'`, '1', secrets.key)
    await client.send('BLPOP', secrets.key, '0.01')
    await denied.send('AUTH', secrets.value, `${secrets.pass}-wrong`)
    await denied.send('SHUTDOWN', secrets.value)
  }
  await round()
  const subscriber = await RespClient.connect(holdfast.port)
  await subscriber.send('SUBSCRIBE', secrets.key)
  const failover = async (): Promise<LogLine[]> => {
    const from = holdfast.log.length
    const old = await set.currentMaster()
    await set.failover()
    await set.waitForNewMaster(old, { withinMs: 20_000 })
    await waitUntil('the hold is over', () => holdfast.find('hold.end', from), { withinMs: 10_000 })
    await round()
    return withoutStandstills(story(holdfast.log, from))
  }
  const isTold = (lines: readonly LogLine[]): boolean => lines.some(({ event }) => event === 'hold.start')
  let lines = await failover()
  // A standstill in the very moment of the announcement has the failover told under its own name.
  for (let again = 0; !isTold(lines) && again < 2; again++) lines = await failover()
  const events = lines.map(({ event }) => String(event))
  const wanted = ['hold.start', 'master.candidate', 'hold.drain', 'hold.end']
  t.strictSame(
    events.filter(event => wanted.includes(event)),
    wanted,
    `in this order: ${events.join(', ')}`,
  )
  t.equal(lines.find(({ event }) => event === 'hold.start')?.cause, 'failover-announced')
  t.ok(lines.length <= 14, `about ten lines, not ${lines.length}: ${events.join(', ')}`)
  const text = JSON.stringify(holdfast.log)
  for (const secret of Object.values(secrets)) t.notMatch(text, secret, secret)
  for (const one of [client, denied, subscriber]) await one.close()
  await holdfast.stop()
})
