import t from 'tap'
import type { HoldCause } from '../../src/sentinel/topology-state.ts'
import type { Watcher } from '../../src/sentinel/watcher.ts'
import type { FakeSentinel } from '../support/fake-sentinel.ts'
import { judgeBound, judgeOnce } from '../support/judge-bound.ts'
import { openWindow } from '../support/pace.ts'
import { failure } from '../support/resp-encoder.ts'
import { waitUntil } from '../support/wait-until.ts'
import { aboutMaster, intercept, makeWorld, Observed, place, roleQuestions } from './watcher-world.ts'

t.test('watcher — serves the master — that two of three name while the third lies with a higher epoch', async t => {
  const { a, b, sentinels, seeds } = await makeWorld(t)
  sentinels[1].master = place(b)
  sentinels[1].configEpoch = 99
  const seen = new Observed(t, { sentinels: seeds })
  const served = await seen.until(`serve ${a.port}@1`)
  t.match(served, { master: { host: '127.0.0.1', port: a.port, epoch: 1, runId: a.runId } })
  t.equal(roleQuestions(b), 0)
})

t.test('watcher — learns the other Sentinels — and has one connection to each when a seed is a name', async t => {
  const { a, sentinels } = await makeWorld(t)
  const seen = new Observed(t, { sentinels: [{ host: 'localhost', port: sentinels[0].port }] })
  await seen.until(`serve ${a.port}@1`)
  await waitUntil('all are reachable', () => seen.watcher.status().reachableSentinels === 3, { withinMs: 3_000 })
  // A round of reports later the one that was found twice is still one.
  const reports = (one: FakeSentinel): number =>
    one.server.received.filter(({ argv }) => argv[1] === 'SENTINELS').length
  const before = sentinels.map(reports)
  for (const one of sentinels) one.publish('+sentinel', `sentinel x 127.0.0.1 1 @ mymaster ${a.host} ${a.port}`)
  const areAsked = (): boolean => sentinels.every((one, i) => reports(one) > (before[i] ?? 0))
  await waitUntil('all have been asked for their peers again', areAsked, { withinMs: 5_000 })
  t.strictSame(
    sentinels.map(one => one.server.live().length),
    [1, 1, 1],
  )
  t.match(seen.watcher.status(), { knownSentinels: 3, majority: 2, decision: 'serve', epoch: 1 })
})

t.test('watcher — needs two of three — when its only seed is the only one that answers', async t => {
  const { sentinels, seeds } = await makeWorld(t)
  sentinels[1].server.mode = 'refusing'
  sentinels[2].server.mode = 'refusing'
  const seen = new Observed(t, { sentinels: seeds.slice(0, 1) })
  const line = await seen.untilLogged('sentinels.trouble')
  t.match(line, { level: 'warn', cause: 'no-majority', majority: 2 })
  // A standstill may have it hold what it has never served.
  t.strictSame(
    seen.story().filter(step => step.startsWith('serve')),
    [],
  )
  sentinels[1].server.mode = 'normal'
  await seen.until(`serve ${sentinels[0].master?.port}@1`)
  await seen.untilLogged('sentinels.well')
})

t.test('watcher — serves and tells of it in the status — when one Sentinel is silent', async t => {
  const { a, sentinels, seeds } = await makeWorld(t)
  sentinels[2].server.mode = 'silent'
  const seen = new Observed(t, { sentinels: seeds })
  await seen.until(`serve ${a.port}@1`)
  await waitUntil('its error shows', () => seen.watcher.status().sentinels[2]?.error, { withinMs: 4_000 })
  t.match(seen.watcher.status(), { reachableSentinels: 2, sentinels: [{ reachable: true }, {}, { reachable: false }] })
})

t.test('watcher — keeps the master — when all Sentinels go away and come back', async t => {
  const { a, sentinels, seeds } = await makeWorld(t)
  const seen = new Observed(t, { sentinels: seeds })
  await seen.until(`serve ${a.port}@1`)
  for (const { server } of sentinels) {
    server.mode = 'refusing'
    server.dropAll('reset')
  }
  t.match(await seen.untilLogged('sentinels.trouble'), { cause: 'no-sentinel' })
  seen.watcher.confirm('a link was lost')
  t.strictSame(seen.story(), [`serve ${a.port}@1`])
  for (const { server } of sentinels) server.mode = 'normal'
  await waitUntil('it is confirmed again', () => seen.decisions.length === 2, { withinMs: 4_000 })
  t.strictSame(seen.story(), [`serve ${a.port}@1`, `serve ${a.port}@1`])
})

t.test('watcher — hears events again — after the connection to a Sentinel was cut', async t => {
  const { a, sentinels, seeds } = await makeWorld(t)
  const seen = new Observed(t, { sentinels: seeds })
  await seen.untilAllHeard(`serve ${a.port}@1`)
  const [first] = sentinels
  first.server.dropAll()
  await seen.untilLogged('sentinel.lost')
  await waitUntil('it is up again', () => seen.watcher.status().reachableSentinels === 3, { withinMs: 3_000 })
  t.equal(first.subscriberCount(), 1)
  first.publish('+try-failover', aboutMaster(first))
  await waitUntil('the gate was closed', () => seen.story().includes('hold failover-announced'), { withinMs: 1_000 })
})

t.test('confirm — asks everybody once and serves — however many calls come in one moment', async t => {
  const { a, seeds } = await makeWorld(t)
  const seen = new Observed(t, { sentinels: seeds })
  await seen.untilAllHeard(`serve ${a.port}@1`)
  const before = roleQuestions(a)
  for (let i = 0; i < 100; i++) seen.watcher.confirm(`link ${i} was lost`)
  await waitUntil('it is confirmed', () => seen.decisions.length === 2, { withinMs: 1_000 })
  t.equal(roleQuestions(a) - before, 1)
  t.strictSame(seen.story(), [`serve ${a.port}@1`, `serve ${a.port}@1`])
})

t.test('confirm — dials the node anew — when the kept connection was cut unnoticed', async t => {
  const { a, seeds } = await makeWorld(t)
  const seen = new Observed(t, { sentinels: seeds })
  await seen.until(`serve ${a.port}@1`)
  let cuts = 1
  intercept(a, argv => (argv[0] === 'ROLE' && cuts-- > 0 ? 'reset' : undefined))
  seen.watcher.confirm('a link was lost')
  await waitUntil('it is confirmed', () => seen.decisions.length === 2, { withinMs: 1_000 })
  t.strictSame(seen.story(), [`serve ${a.port}@1`, `serve ${a.port}@1`])
})

t.test('node that says replica — is held and asked again — until it says master', async t => {
  const { a, seeds } = await makeWorld(t)
  const seen = new Observed(t, { sentinels: seeds })
  await seen.until(`serve ${a.port}@1`)
  a.role = 'slave'
  seen.watcher.confirm('READONLY')
  await seen.until('hold not-master')
  a.role = 'master'
  await seen.until(`serve ${a.port}@1`)
})

t.test('node that is gone — is held — and served within half a second when it is back', async t => {
  const { a, seeds } = await makeWorld(t)
  const seen = new Observed(t, { sentinels: seeds })
  await seen.until(`serve ${a.port}@1`)
  a.mode = 'refusing'
  a.dropAll('reset')
  seen.watcher.confirm('a link was lost')
  const held = await seen.until('hold master-unreachable')
  t.match(held, { detail: new RegExp(`^127.0.0.1:${a.port}: `) })
  a.mode = 'normal'
  const back = performance.now()
  const readPace = openWindow()
  const served = await seen.until(`serve ${a.port}@1`)
  await judgeOnce(t, 'served once it is back', 600, served.at - back, readPace())
})

t.test('node that is gone — is asked again in time — when that fell due while its hold was worked on', async t => {
  const { a, seeds } = await makeWorld(t)
  // A data plane with much to hold, or a log that is slow to write. The next question is due 25 to 50 ms after the answer.
  const onHold = (cause: HoldCause): void => {
    if (cause !== 'master-unreachable') return
    a.mode = 'normal'
    const from = performance.now()
    while (performance.now() - from < 60);
  }
  const seen = new Observed(t, { sentinels: seeds, onHold })
  await seen.untilAllHeard(`serve ${a.port}@1`)
  await judgeBound(t, 'served after the hold', 500, async () => {
    a.mode = 'refusing'
    a.dropAll('reset')
    seen.watcher.confirm('a link was lost')
    const held = await seen.until('hold master-unreachable')
    const served = await seen.until(`serve ${a.port}@1`)
    return served.at - held.at
  })
})

t.test('node that is frozen — is held — although its connection stays open', async t => {
  const { a, seeds } = await makeWorld(t)
  const seen = new Observed(t, { sentinels: seeds })
  await seen.until(`serve ${a.port}@1`)
  a.mode = 'silent'
  seen.watcher.confirm('silence')
  t.match(await seen.until('hold master-unreachable'), { detail: /no answer/ })
  a.mode = 'normal'
  await seen.until(`serve ${a.port}@1`)
})

t.test('node that loads — is held — until it has loaded', async t => {
  const { a, seeds } = await makeWorld(t)
  let loading = true
  intercept(a, argv => (loading && argv[0] === 'PING' ? failure('LOADING Redis is loading the dataset') : undefined))
  const seen = new Observed(t, { sentinels: seeds })
  await seen.until('hold master-loading')
  loading = false
  await seen.until(`serve ${a.port}@1`)
})

const full = failure('ERR max number of clients reached')
t.test('node that takes no more clients — is held as unreachable — and says why', async t => {
  const { a, seeds } = await makeWorld(t)
  let crowded = true
  intercept(a, argv => (crowded && argv[0] === 'ROLE' ? { send: full, fault: 'cut' } : undefined))
  const seen = new Observed(t, { sentinels: seeds })
  t.match(await seen.until('hold master-unreachable'), { detail: /max number of clients/ })
  crowded = false
  await seen.until(`serve ${a.port}@1`)
})

t.test('stop — leaves no connection and decides nothing more — in the middle of everything', async t => {
  const { a, b, sentinels, seeds } = await makeWorld(t)
  const seen = new Observed(t, { sentinels: seeds })
  await seen.until(`serve ${a.port}@1`)
  sentinels[2].server.mode = 'silent'
  a.mode = 'silent'
  seen.watcher.confirm('x')
  for (const one of sentinels) one.switchMaster(place(b), 2)
  await seen.watcher.stop()
  const { length } = seen.decisions
  const open = (): number => [a, b, ...sentinels.map(one => one.server)].reduce((n, one) => n + one.live().length, 0)
  await waitUntil('all connections are closed', () => open() === 0, { withinMs: 1_000 })
  seen.watcher.confirm('y')
  await seen.watcher.stop()
  t.equal(seen.decisions.length, length)
})

t.test('stop — ends — before anything was ever reached', async t => {
  const { seeds, sentinels } = await makeWorld(t)
  for (const { server } of sentinels) server.mode = 'refusing'
  const seen = new Observed(t, { sentinels: [...seeds, { host: 'no-such-host.invalid', port: 26379 }] })
  await seen.watcher.stop()
  t.strictSame(seen.story(), [])
  const other = new Observed(t, { sentinels: seeds })
  await other.untilLogged('sentinel.trouble')
  await other.watcher.stop()
  t.strictSame(other.story(), [])
})

t.test('watcher — after a standstill — serves by nothing that was asked for before it', async t => {
  const { a, seeds } = await makeWorld(t)
  let hasStoodStill = false
  const beforeDecision = (watcher: Watcher): void => {
    if (!hasStoodStill) return
    hasStoodStill = false
    watcher.standStill()
  }
  const seen = new Observed(t, { sentinels: seeds, beforeDecision })
  await seen.untilAllHeard(`serve ${a.port}@1`)
  let release: (() => void) | null = null
  intercept(a, ([name]) => {
    if (name?.toUpperCase() !== 'ROLE' || release !== null) return undefined
    return new Promise(resolve => {
      release = () => resolve(undefined)
    })
  })
  seen.watcher.confirm('a link is silent')
  const answer = await waitUntil('the node is asked', () => release, { withinMs: 3_000 })
  const served = seen.story().length
  const asked = roleQuestions(a)
  // The answer is what is read first after it.
  hasStoodStill = true
  answer()
  await waitUntil('it is served', () => seen.story().length > served, { withinMs: 3_000 })
  t.ok(roleQuestions(a) > asked, 'the node was asked again')
  t.strictSame(seen.story().slice(served), [`serve ${a.port}@1`])
})

t.test('watcher — after a standstill while another master is served — asks all the same', async t => {
  const { a, b, sentinels, seeds } = await makeWorld(t)
  let stands = 0
  const onServe = (watcher: Watcher): void => {
    if (seen.story().at(-1) === `serve ${b.port}@2` && stands++ === 0) watcher.standStill()
  }
  const seen = new Observed(t, { sentinels: seeds, onServe })
  await seen.untilAllHeard(`serve ${a.port}@1`)
  for (const one of sentinels) {
    one.master = place(b)
    one.configEpoch = 2
  }
  seen.watcher.confirm('a link was lost')
  const twice = (): boolean => seen.story().filter(one => one === `serve ${b.port}@2`).length === 2
  await waitUntil('the master is confirmed again, which ends the hold', twice, { withinMs: 3_000 })
})
