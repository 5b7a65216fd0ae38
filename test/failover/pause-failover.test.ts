// A pause through a real failover, and --dry-run through a crash.
import t from 'tap'
import { controlPath, openControl } from '../support/control.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { RespClient, RespError } from '../support/resp-client.ts'
import { DOWN_AFTER_MS, PATIENT_MS, SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import { readBack, startWorkload } from '../support/workload.ts'

const skip = without('redis-server')

t.test(
  'pause — a planned failover beneath it — nothing is sent to the new master before the resume',
  { skip },
  async t => {
    const set = await SentinelSet.start()
    t.teardown(() => set.stopAll())
    const path = await controlPath(t)
    const options = { 'control-socket': path }
    const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options })
    await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 20_000 })
    const workload = startWorkload({ port: holdfast.port, rawClients: 4 })
    t.teardown(() => workload.stop({ withinMs: 0 }))
    await waitUntil('the load is on', () => workload.ledger.operations.length > 50, { withinMs: 20_000 })
    const control = await openControl(t, path)
    const old = await set.currentMaster()
    await control.ask('pause', { maxMs: 55_000 })
    await waitUntil('commands wait', () => holdfast.counters.waiting > 0, { withinMs: 5000 })
    const { drained } = holdfast.counters
    const from = holdfast.log.length
    await set.failover()
    const { node: now } = await set.waitForNewMaster(old, { withinMs: 30_000 })
    await waitUntil('it is confirmed', () => holdfast.find('hold.drain', from), { withinMs: 30_000 })
    const isLinked = async (): Promise<boolean> => {
      const { links } = (await control.ask('status')) as { links?: { readonly shared: number } }
      return links !== undefined && links.shared > 0
    }
    await waitUntil('a link to it is up', isLinked, { withinMs: 5000 })
    t.match(await control.ask('status'), { gate: { state: 'draining' }, pause: { state: 'paused' } })
    t.equal(holdfast.counters.drained, drained, 'what waits goes on waiting')
    const seen = workload.ledger.operations.filter(({ outcome }) => outcome.kind === 'ok').length
    await control.ask('resume')
    const okNow = () => workload.ledger.operations.filter(({ outcome }) => outcome.kind === 'ok').length
    await waitUntil('clients have replies again', () => okNow() > seen + 20, { withinMs: 20_000 })
    await workload.stop()
    t.match(await control.ask('status'), { gate: { state: 'open' }, pause: null })
    const report = workload.ledger.report(await readBack(workload.ledger, now))
    const { lostWrites, doubled, reordered, errors, connectionLost } = report
    t.strictSame(
      { lostWrites, doubled, reordered, errors, connectionLost },
      { lostWrites: [], doubled: [], reordered: [], errors: {}, connectionLost: 0 },
    )
  },
)

/** Nothing waits then until a marker is read, so Holdfast refuses it with `once` and with replies that wait. */
const dryRun = { 'dry-run': 'on', 'retry-policy': 'always', ack: 'master', reads: 'plain' }

t.test('dry run — the master is killed — nothing is held, and it is told what would have been', { skip }, async t => {
  // No new master before the test has seen what it is like without one.
  const set = await SentinelSet.start({ downAfterMs: PATIENT_MS })
  t.teardown(() => set.stopAll())
  const path = await controlPath(t)
  const options = { ...dryRun, 'control-socket': path }
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options })
  await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 20_000 })
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  // Its link is dialled by a master that is confirmed, and a process that stood still asks for that anew.
  const isServed = async (): Promise<boolean> => (await client.send('SET', 'k', 'v')) === 'OK'
  await waitUntil('a client is served', isServed, { withinMs: 10_000 })
  const control = await openControl(t, path)
  t.match(await control.ask('status'), { dryRun: true })
  await t.rejects(control.ask('pause'), { message: /--dry-run, which holds nothing; start Holdfast without/ })
  const from = holdfast.log.length
  const old = await set.currentMaster()
  await set.kill(old)
  await waitUntil('the gate would be shut', () => holdfast.find('hold.start', from), { withinMs: 20_000 })
  t.match(holdfast.find('hold.start', from), { dryRun: true, msg: /would be held/ })
  let failed = 0
  for (let i = 0; i < 20; i++) {
    const reply = await client.send('SET', 'k', `${i}`)
    if (reply instanceof RespError) failed++
    t.equal(holdfast.find('hold.drain', from), undefined, 'it is answered while there is no master')
  }
  t.equal(failed, 20)
  t.match(await client.send('BLPOP', 'jobs', '600'), { message: /^TRYAGAIN/ }, 'its own time is not over')
  t.equal(holdfast.find('hold.drain', from), undefined)
  t.equal(holdfast.find('gate.tripped'), undefined)
  await set.setDownAfter(DOWN_AFTER_MS)
  await set.waitForNewMaster(old, { withinMs: 60_000 })
  const told = await waitUntil('it is told', () => holdfast.find('hold.dry_run', from), { withinMs: 30_000 })
  t.ok(Number(told['commands']) >= 20)
  t.ok(Number(told.heldMs) > 100)
  t.equal(holdfast.counters.wouldHold, told['commands'])
  t.equal(await client.send('SET', 'k', 'new'), 'OK')
})

t.test(
  'dry run — a planned failover — commands go on to the old master until the majority names another',
  { skip },
  async t => {
    const set = await SentinelSet.start()
    t.teardown(() => set.stopAll())
    const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options: dryRun })
    await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 20_000 })
    const workload = startWorkload({ port: holdfast.port, rawClients: 4 })
    t.teardown(() => workload.stop({ withinMs: 0 }))
    await waitUntil('the load is on', () => workload.ledger.operations.length > 50, { withinMs: 20_000 })
    const from = holdfast.log.length
    const old = await set.currentMaster()
    const { held } = holdfast.counters
    await set.failover()
    await waitUntil('the gate would be shut', () => holdfast.find('hold.start', from), { withinMs: 20_000 })
    await set.waitForNewMaster(old, { withinMs: 60_000 })
    const told = await waitUntil('it is told', () => holdfast.find('hold.dry_run', from), { withinMs: 30_000 })
    await workload.stop()
    t.ok(Number(told['commands']) > 0)
    t.ok(holdfast.counters.held - held < Number(told['commands']), 'most were not held')
  },
)
