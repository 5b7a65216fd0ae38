// `holdfast switchover` while something is killed behind each of its steps: the Sentinel that is asked, or the replica
// that is promoted. (switchover.test.ts kills the command.) Whatever dies, the set serves afterwards.
import t from 'tap'
import { serves } from '../support/drilled.ts'
import { judgeOnce } from '../support/judge-bound.ts'
import { openWindow } from '../support/pace.ts'
import { hurry } from '../support/sentinel-pace.ts'
import { type Node, SentinelSet } from '../support/sentinel-set.ts'
import { stageOf, startSwitchover, startUntil } from '../support/switchover.ts'

/** The lease of the pause, and a second for a busy machine. */
const SERVED_MS = 3_000
/** A promotion that comes to nothing ends after failover-timeout (10 s); a dead master is replaced after a few seconds. */
const FAILED_OVER_MS = 60_000

const steps = ['moment', 'hold', 'catch up', 'ask', 'serve', 'resume'] as const

for (const victim of ['Sentinel', 'replica'] as const) {
  t.test(`switchover — the ${victim} is killed behind a step — it serves`, async t => {
    const set = await SentinelSet.start()
    t.teardown(() => set.stopAll())
    const stage = await stageOf(t, set)
    for (const step of steps) {
      await t.test(`behind ${step}`, async t => {
        await set.settle()
        await hurry(set.sentinels)
        const running = await startUntil(set, () => startSwitchover(t, stage, []), `\n ${step} `)
        // The first finding: ` ok  replica 127.0.0.1:7001  Sentinel 127.0.0.1:26379 would promote it`
        const [, replica, sentinel] = /replica \S+:(\d+) +Sentinel \S+:(\d+) would promote/.exec(running.stdout()) ?? []
        const told = /names \S+:(\d+), which says it is the master/.exec(running.stdout())?.[1] ?? replica
        const nodes = victim === 'Sentinel' ? set.sentinels : set.nodes
        const port = Number(victim === 'Sentinel' ? sentinel : told)
        const dying = nodes.find(node => node.port === port) as Node
        t.ok(dying, 'it is known')
        const readPace = openWindow()
        const from = performance.now()
        await set.kill(dying)
        try {
          await serves(t, stage, FAILED_OVER_MS)
          const ms = Math.round(performance.now() - from)
          const pace = readPace()
          const { code, stdout } = await running.ended
          t.comment(`killed behind ${step}: served ${ms} ms later; ${stdout.split('\n').slice(-4).join(' | ')}`)
          t.ok([0, 3, 4].includes(code ?? -1), `exit code ${code}`)
          // Before SENTINEL FAILOVER nothing has changed, and the lease alone counts. Which came first behind a step, the
          // death or the next step, is a matter of milliseconds.
          // A Sentinel that has died before it promoted anybody will promote nobody: that is seen at once.
          const isOver = /has died before it promoted/.test(stdout) || !/\n ask |Not seen to its end/.test(stdout)
          if (isOver) await judgeOnce(t, 'no failover is under way: served within the lease', SERVED_MS, ms, pace)
          if (victim === 'Sentinel' && step === 'ask')
            t.ok(isOver || code === 0, 'it is not waited for what cannot come')
        } finally {
          await set.restart(dying)
        }
      })
    }
    await set.settle()
    await serves(t, stage, SERVED_MS)
  })
}
