// Express with express-session and connect-redis, unmodified: who is signed in stays so through a failover, and every
// request made meanwhile is answered, only later.
import t from 'tap'
import { failOver, replicated } from '../support/apps/fail-over.ts'
import { Browser, startSessionApp, type Visit } from '../support/apps/session-app.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { SentinelSet } from '../support/sentinel-set.ts'

const faults = { planned: 'SENTINEL FAILOVER', kill: 'kill -9 of the master' } as const

for (const fault of ['planned', 'kill'] as const)
  t.test(`login sessions — are kept, no request fails — through ${faults[fault]}`, async t => {
    const set = await SentinelSet.start({ failoverTimeoutMs: 5000 })
    t.teardown(() => set.stopAll())
    const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses() })
    const app = await startSessionApp(holdfast.port)
    t.teardown(() => app.close())
    const browsers = await Promise.all(['ann', 'bob', 'cid', 'dee', 'eve'].map(user => Browser.signIn(app.url, user)))
    t.teardown(() => Promise.all(browsers.map(browser => browser.stop())))
    // A sign-in that no replica has is lost with a killed master: that is Redis, not the proxy.
    await replicated(holdfast.port, 2)
    for (const browser of browsers) browser.start()
    await Promise.all(browsers.map(browser => browser.advance(20)))

    const { from, to, heldMs } = await failOver(set, holdfast, fault)
    await Promise.all(browsers.map(browser => browser.advance(20)))
    const newcomer = await Browser.signIn(app.url, 'fay')
    newcomer.start()
    await newcomer.advance(5)
    await Promise.all([...browsers, newcomer].map(browser => browser.stop()))

    const around = ({ startedAt, endedAt }: Visit): boolean => fault === 'kill' && endedAt >= from && startedAt <= to
    const visits = [...browsers, newcomer].flatMap(browser =>
      browser.visits.map(visit => ({ ...visit, signedIn: browser.user })),
    )
    const longest = Math.max(...visits.map(({ startedAt, endedAt }) => endedAt - startedAt))
    const steps = visits.filter(({ step }) => step !== 1)
    t.comment(
      `held for ${heldMs} ms; ${visits.length} requests, the longest took ${longest.toFixed(0)} ms; ` +
        `view counters off around the kill: ${steps.filter(around).length}`,
    )
    t.strictSame(
      visits.filter(({ status }) => status !== 200),
      [],
      'requests that failed or were signed out',
    )
    t.strictSame(
      visits.filter(({ user, signedIn }) => user !== signedIn),
      [],
      'answers for somebody else',
    )
    t.strictSame(
      steps.filter(visit => !around(visit)),
      [],
      'view counters that went back or skipped',
    )
    t.ok(longest >= heldMs / 2, 'requests waited through the hold')
    t.strictSame(app.troubles, [], 'error, end and reconnecting events of the store')
    await app.close()
    await holdfast.stop()
  })
