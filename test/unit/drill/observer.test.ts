import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { observe } from '../../../src/drill/observer.ts'
import type { SessionSnapshot } from '../../../src/ops/snapshot.ts'
import type { ProxyControl } from '../../../src/switchover/proxy-hold.ts'
import { waitUntil } from '../../support/wait-until.ts'

const leaver = { id: 1, address: '10.0.0.1:1', name: 'leaver', pending: 0, submitted: 1 } as SessionSnapshot
const terms = { maxMs: 1000, emptyMs: 1000, stop: new AbortController().signal }
const slowMs = 500

/** A proxy that is paused at once, until it is told to resume. */
function pausedProxy(): ProxyControl {
  const { promise: ended, resolve } = Promise.withResolvers<string>()
  const pause = async () => ({ emptiedMs: 0, ended, resume: async () => resolve('resume') })
  return { pause } as Partial<ProxyControl> as ProxyControl
}

t.test('drill — names who closed in the hold — where the first look took long', async t => {
  let looks = 0
  let slowEndedAt = 0
  let gapMs: number | null = null
  const { proxy, accounts } = observe(pausedProxy(), async () => {
    looks++
    if (looks === 3) gapMs = performance.now() - slowEndedAt
    if (looks !== 2) return looks < 2 ? [leaver] : []
    await delay(slowMs)
    slowEndedAt = performance.now()
    return [leaver]
  })
  const pause = await proxy.pause(terms)
  await waitUntil('a look after the slow one', () => gapMs, { withinMs: 10_000 })
  t.ok(Number(gapMs) < 2 * slowMs, `${gapMs} ms after a look of ${slowMs} ms, of which it is said to cost a fifth`)
  await pause.resume()
  t.match(await accounts(), [{ name: 'leaver', did: 'closed' }])
})

t.test('drill — resumes — where the last look is not answered', async t => {
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
  let looks = 0
  const { proxy, accounts } = observe(pausedProxy(), async () => {
    looks++
    if (looks > 2) await answered
    return [leaver]
  })
  const pause = await proxy.pause(terms)
  await waitUntil('a look is not answered', () => looks > 2, { withinMs: 10_000 })
  let isResumed = false
  const resumed = pause.resume().then(() => {
    isResumed = true
  })
  await waitUntil('the proxy is resumed', () => isResumed, { withinMs: 5000 })
  answer()
  await resumed
  t.match(await accounts(), [{ name: 'leaver', did: 'quiet' }])
})
