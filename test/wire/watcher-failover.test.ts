import t from 'tap'
import { judgeOnce } from '../support/judge-bound.ts'
import { openWindow } from '../support/pace.ts'
import { waitUntil } from '../support/wait-until.ts'
import { aboutMaster, aboutReplica, makeWorld, Observed, place, roleQuestions, showFailover } from './watcher-world.ts'

t.test('announcement of one Sentinel — holds at once — and its abort opens again', async t => {
  const { a, sentinels, seeds } = await makeWorld(t)
  const seen = new Observed(t, { sentinels: seeds })
  await seen.untilAllHeard(`serve ${a.port}@1`)
  const [leader] = sentinels
  const show = showFailover(leader)
  show('select_slave')
  const before = performance.now()
  leader.publish('+elected-leader', aboutMaster(leader))
  const held = await seen.until('hold failover-announced')
  t.comment(`held ${(held.at - before).toFixed(2)} ms after the event`)
  show(null)
  leader.publish('-failover-abort-no-good-slave', aboutMaster(leader))
  await seen.until(`serve ${a.port}@1`)
  t.strictSame(seen.story(), [`serve ${a.port}@1`, 'hold failover-announced', `serve ${a.port}@1`])
  t.match(seen.logged('failover.aborted'), [{ cause: 'no-good-slave' }])
})

t.test('+try-failover alone — opens again in about two seconds — while its election goes on', async t => {
  const { a, sentinels, seeds } = await makeWorld(t)
  const seen = new Observed(t, { sentinels: seeds })
  await seen.untilAllHeard(`serve ${a.port}@1`)
  const [one] = sentinels
  showFailover(one)('wait_start')
  one.publish('+try-failover', aboutMaster(one))
  const readPace = openWindow()
  const held = await seen.until('hold failover-announced')
  const served = await seen.until(`serve ${a.port}@1`, 4_000)
  const ms = served.at - held.at
  t.ok(ms > 1_900, `${Math.round(ms)} ms`)
  await judgeOnce(t, 'open again', 2600, ms, readPace())
  t.strictSame(seen.story().length, 3, 'and stays open')
})

t.test('failover that only an answer shows — holds — although no event was heard', async t => {
  const { a, sentinels, seeds } = await makeWorld(t)
  const seen = new Observed(t, { sentinels: seeds })
  await seen.until(`serve ${a.port}@1`)
  const show = showFailover(sentinels[2])
  show('wait_promotion')
  await seen.until('hold failover-announced', 8_000)
  show(null)
  await seen.until(`serve ${a.port}@1`, 8_000)
})

t.test('new address of the leader alone — is not served — until a second Sentinel names it too', async t => {
  const { a, b, sentinels, seeds } = await makeWorld(t)
  const seen = new Observed(t, { sentinels: seeds })
  await seen.untilAllHeard(`serve ${a.port}@1`)
  const [leader, second] = sentinels
  const show = showFailover(leader)
  show('send_slaveof_noone')
  leader.publish('+selected-slave', aboutReplica(leader, b))
  await seen.until('hold failover-announced')
  show('reconf_slaves')
  leader.listed = place(a)
  leader.master = place(b)
  leader.configEpoch = 2
  leader.publish('+promoted-slave', aboutReplica({ ...leader, master: place(a) }, b))
  await waitUntil('the node is asked meanwhile', () => roleQuestions(b) === 1, { withinMs: 3_000 })
  const questions = (): number => leader.server.received.length
  const soon = questions() + 4
  await waitUntil('the leader was asked twice more', () => questions() >= soon, { withinMs: 10_000 })
  t.strictSame(seen.story().at(-1), 'hold failover-announced')
  const majorityAt = performance.now()
  const readPace = openWindow()
  second.switchMaster(place(b), 2)
  const served = await seen.until(`serve ${b.port}@2`)
  const ms = served.at - majorityAt
  await judgeOnce(t, 'served after the majority', 100, ms, readPace())
  // The leader goes on showing its failover for a second and then publishes its own switch: neither may hold.
  leader.listed = null
  show(null)
  leader.publish('+switch-master', `mymaster ${a.host} ${a.port} ${b.host} ${b.port}`)
  const later = questions() + 1
  await waitUntil('the leader was asked again', () => questions() >= later, { withinMs: 3_000 })
  t.strictSame(seen.story(), [`serve ${a.port}@1`, 'hold failover-announced', `serve ${b.port}@2`])
})

t.test('failover — is told in the log — a moment after clients have the new master, with true times', async t => {
  const { a, b, sentinels, seeds } = await makeWorld(t)
  const written: string[][] = []
  const seen: Observed = new Observed(t, {
    sentinels: seeds,
    keepsLines: true,
    // The step that serves is over then, and no timer has run.
    onServe: () => void setImmediate(() => written.push(seen.lines.map(({ event }) => event))),
  })
  await seen.untilAllHeard(`serve ${a.port}@1`)
  await seen.untilLogged('master.confirmed')
  const [leader, second] = sentinels
  leader.switchMaster(place(b), 2)
  second.switchMaster(place(b), 2)
  await seen.until(`serve ${b.port}@2`)
  const servedBy = Date.now()
  const isTold = (): boolean | undefined => seen.logged('master.confirmed').length > 1 || undefined
  await waitUntil('it is told', isTold, { withinMs: 3_000 })
  const story = seen.lines.filter(
    ({ event, address }) => event.startsWith('master.') && address === `${b.host}:${b.port}`,
  )
  t.strictSame(
    story.map(({ event }) => event),
    ['master.candidate', 'master.confirmed'],
    'in order',
  )
  const confirmedAt = Date.parse(String(story[1]?.['time']))
  t.ok(confirmedAt <= servedBy, 'at the time at which it was')
  t.equal(written.at(-1)?.filter(event => event === 'master.confirmed').length, 1, 'the first master alone was told')
})

t.test(
  'stale Sentinel — moves nothing — when it returns with the old address and announces its old failover',
  async t => {
    const { a, b, sentinels, seeds } = await makeWorld(t)
    const seen = new Observed(t, { sentinels: seeds })
    await seen.untilAllHeard(`serve ${a.port}@1`)
    const [one, two, stale] = sentinels
    stale.server.mode = 'refusing'
    stale.server.dropAll()
    one.switchMaster(place(b), 2)
    two.switchMaster(place(b), 2)
    await seen.until(`serve ${b.port}@2`)
    const reachable = (): number => seen.watcher.status().reachableSentinels
    await waitUntil('its loss is noticed', () => reachable() === 2, { withinMs: 3_000 })
    stale.server.mode = 'normal'
    await waitUntil('it is back', () => reachable() === 3, { withinMs: 3_000 })
    const before = seen.story()
    stale.publish('+try-failover', aboutMaster(stale))
    stale.publish('+selected-slave', aboutReplica(stale, b))
    stale.publish('+switch-master', `mymaster ${b.host} ${b.port} ${a.host} ${a.port}`)
    seen.watcher.confirm('now')
    await waitUntil('it is confirmed', () => seen.decisions.length === before.length + 1, { withinMs: 1_000 })
    t.strictSame(seen.story(), [...before, `serve ${b.port}@2`])
  },
)

t.test('majority that names another master unannounced — holds before it serves — the new one', async t => {
  const { a, b, sentinels, seeds } = await makeWorld(t)
  const seen = new Observed(t, { sentinels: seeds })
  await seen.until(`serve ${a.port}@1`)
  b.role = 'slave'
  for (const one of sentinels.slice(1)) one.switchMaster(place(b), 2)
  await seen.until('hold not-master')
  b.role = 'master'
  await seen.until(`serve ${b.port}@2`)
  t.equal(seen.story()[1], 'hold master-moved')
})

t.test('+reset-master — changes nothing — while the Sentinels name the same master', async t => {
  const { a, sentinels, seeds } = await makeWorld(t)
  const seen = new Observed(t, { sentinels: seeds.slice(0, 1) })
  await seen.until(`serve ${a.port}@1`)
  await waitUntil('all are reachable', () => seen.watcher.status().reachableSentinels === 3, { withinMs: 3_000 })
  const known = sentinels.map(one => one.known)
  for (const one of sentinels) {
    one.known = []
    one.publish('+reset-master', aboutMaster(one))
  }
  seen.watcher.confirm('reset')
  await waitUntil('it is confirmed', () => seen.decisions.length === 2, { withinMs: 1_000 })
  const peers = (): number => sentinels[0].server.received.filter(({ argv }) => argv[1] === 'SENTINELS').length
  const asked = peers() + 1
  await waitUntil('they were asked for their peers', () => peers() >= asked, { withinMs: 4_000 })
  t.match(seen.watcher.status(), { knownSentinels: 3, majority: 2, reachableSentinels: 3 })
  for (const [i, one] of sentinels.entries()) one.known = known[i] ?? []
  t.strictSame(seen.story(), [`serve ${a.port}@1`, `serve ${a.port}@1`])
})

t.test('doubt and tilt — are told — and hold nothing', async t => {
  const { a, sentinels, seeds } = await makeWorld(t)
  const seen = new Observed(t, { sentinels: seeds })
  await seen.untilAllHeard(`serve ${a.port}@1`)
  const [one] = sentinels
  one.publish('+odown', `${aboutMaster(one)} #quorum 2/2`)
  one.publish('+tilt', '#tilt mode entered')
  await seen.untilLogged('sentinel.tilt')
  one.publish('-tilt', '#tilt mode exited')
  await seen.untilLogged('sentinel.tilt_over')
  t.match(
    seen.logged('sentinel.tilt_over')[0]?.['msg'],
    /was in TILT mode/,
    'one that nobody told the begin of is told whole',
  )
  t.equal(seen.logged('master.doubted').length, 1)
  t.strictSame(seen.story(), [`serve ${a.port}@1`])
})
