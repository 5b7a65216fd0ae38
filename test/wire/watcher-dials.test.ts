// A dial of a Sentinel that leads to nothing: lost, unanswered or refused before it is subscribed, or ended by our own stop.
import t from 'tap'
import type { Fault } from '../support/fake-redis.ts'
import { failure } from '../support/resp-encoder.ts'
import { waitUntil } from '../support/wait-until.ts'
import { intercept, makeWorld, Observed } from './watcher-world.ts'

const isSubscription = ([name = '']: readonly string[]): boolean => name.toUpperCase() === 'PSUBSCRIBE'

t.test('watcher — stops without a word of trouble — while a Sentinel has not answered the subscription', async t => {
  const { sentinels, seeds } = await makeWorld(t)
  for (const { server } of sentinels) intercept(server, argv => (isSubscription(argv) ? 'hang' : undefined))
  const seen = new Observed(t, { sentinels: seeds })
  const asked = (): boolean => sentinels.every(({ server }) => server.received.some(({ argv }) => isSubscription(argv)))
  await waitUntil('all are asked', asked, { withinMs: 3_000, everyMs: 2 })
  await seen.watcher.stop()
  t.strictSame(seen.lines, [])
})

t.test('watcher — stops without a word of trouble — while a Sentinel is about to answer HELLO', async t => {
  const { sentinels, seeds } = await makeWorld(t)
  const { promise: go, resolve: answer } = Promise.withResolvers<void>()
  let asked = 0
  for (const { server } of sentinels)
    intercept(server, async ([name = '']) => {
      if (name.toUpperCase() !== 'HELLO') return undefined
      asked++
      await go
      return undefined
    })
  const seen = new Observed(t, { sentinels: seeds })
  await waitUntil('all are asked', () => asked === 3, { withinMs: 3_000, everyMs: 2 })
  const stopped = seen.watcher.stop()
  answer()
  await stopped
  t.strictSame(seen.lines, [])
})

t.test('watcher — says so in words for people — when a Sentinel leaves a question unanswered', async t => {
  const { a, sentinels, seeds } = await makeWorld(t)
  const { server } = sentinels[2]
  let isSilent = false
  intercept(server, argv => (isSilent && /^MASTER$/i.test(argv[1] ?? '') ? 'hang' : undefined))
  const seen = new Observed(t, { sentinels: seeds })
  await seen.untilAllHeard(`serve ${a.port}@1`)
  isSilent = true
  seen.watcher.confirm('all are asked')
  t.match(await seen.untilLogged('sentinel.trouble'), { level: 'warn', cause: 'no answer in time' })
})

const ways: readonly (readonly [string, Fault | string, RegExp])[] = [
  ['cuts the connection', 'cut', /closed the connection/],
  ['resets the connection', 'reset', /ECONNRESET|closed the connection/],
  ['does not answer', 'hang', /no answer in time/],
  ['answers an error', failure('ERR not now'), /ERR not now/],
]
for (const [what, answer, cause] of ways) {
  t.test(`watcher — warns and dials again — when a Sentinel ${what} instead of subscribing it`, async t => {
    const { a, sentinels, seeds } = await makeWorld(t)
    const { server } = sentinels[2]
    let isFaulty = true
    intercept(server, argv => (isFaulty && isSubscription(argv) ? answer : undefined))
    const seen = new Observed(t, { sentinels: seeds })
    await seen.until(`serve ${a.port}@1`)
    t.match(await seen.untilLogged('sentinel.trouble'), { level: 'warn', cause })
    isFaulty = false
    await seen.untilAllHeard(`serve ${a.port}@1`)
    t.strictSame(seen.logged('sentinel.broken'), [])
  })
}
