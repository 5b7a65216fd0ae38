// Seeds that are Sentinels of two deployments, each with a master of that name: what the majority of the seeds means is
// served, whichever answers first.
import t from 'tap'
import { FakeRedis } from '../support/fake-redis.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { FaultyLink } from '../support/faulty-link.ts'
import { waitUntil } from '../support/wait-until.ts'
import { Observed } from './watcher-world.ts'

/** Three Sentinels that list one another. */
async function deployment(t: Parameters<typeof FakeSentinel.start>[0], master: FakeRedis) {
  const sentinels = [
    await FakeSentinel.start(t, { master }),
    await FakeSentinel.start(t, { master }),
    await FakeSentinel.start(t, { master }),
  ] as const
  for (const one of sentinels) {
    const others = sentinels.filter(other => other !== one)
    one.known = others.map(({ host, port, runId }) => ({ host, port, runId }))
  }
  return sentinels
}

/** Its list of the others has been read: what it publishes behind that has. */
async function listIsRead(watched: Observed, sentinel: FakeSentinel): Promise<void> {
  const isAsked = (): boolean =>
    sentinel.server.received.some(({ argv }) => argv.join(' ').toUpperCase() === 'SENTINEL SENTINELS MYMASTER')
  await waitUntil('it is asked for the others', isAsked, { withinMs: 10_000 })
  sentinel.publish('+tilt', '#tilt mode entered')
  await waitUntil('its list is read', () => watched.logged('sentinel.tilt').length > 0, { withinMs: 10_000 })
}

t.test('seeds of two deployments — the fewer of which answer first — lead to the master of the others', async t => {
  const [ours, strange] = [await FakeRedis.start(t), await FakeRedis.start(t)]
  const [x1, x2] = await deployment(t, ours)
  const [y1, y2, y3] = await deployment(t, strange)
  const late = [await FaultyLink.start(t, x1), await FaultyLink.start(t, x2)]
  for (const wire of late) wire.stall('both')
  const watched = new Observed(t, { sentinels: [y1, ...late], connectTimeoutMs: 20_000, answerTimeoutMs: 20_000 })
  await listIsRead(watched, y1)
  for (const wire of late) wire.resume()
  await watched.until(`serve ${ours.port}@1`, 10_000)
  t.strictSame(
    watched.story().filter(one => one.startsWith('serve')),
    [`serve ${ours.port}@1`],
  )
  t.equal(y2.server.accepted + y3.server.accepted, 0, 'those that it lists are not asked')
})

t.test('seeds of two deployments — as many of each — lead to no master, and the log says why', async t => {
  const [one, other] = [await FakeRedis.start(t), await FakeRedis.start(t)]
  const [[x1], [y1]] = [await deployment(t, one), await deployment(t, other)]
  const late = await FaultyLink.start(t, y1)
  late.stall('both')
  const watched = new Observed(t, { sentinels: [x1, late], connectTimeoutMs: 20_000, answerTimeoutMs: 20_000 })
  await listIsRead(watched, x1)
  late.resume()
  const line = await waitUntil(
    'the log says it',
    () => watched.logged('sentinels.trouble').find(({ detail }) => /two deployments/.test(String(detail))),
    { withinMs: 20_000 },
  )
  t.match(line['detail'], /give --sentinels those of one/)
  t.notMatch(watched.story().join(), /serve/)
})

t.test('seed that does not answer — while the other lists a third Sentinel — is awaited for three seconds', async t => {
  const master = await FakeRedis.start(t)
  const [x1, x2] = await deployment(t, master)
  const dead = await FaultyLink.start(t, x2)
  dead.stall('both')
  const watched = new Observed(t, { sentinels: [x1, dead] })
  await watched.until(`serve ${master.port}@1`, 20_000)
})
