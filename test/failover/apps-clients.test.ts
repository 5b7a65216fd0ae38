// ioredis 6 and 5, node-redis with RESP2 and RESP3, unmodified, with a port and a host and no other setting: each does
// all it can do through a failover. No command may be rejected, and no library may notice that anything happened.
import t from 'tap'
import { startWork } from '../support/apps/client-work.ts'
import { failOver } from '../support/apps/fail-over.ts'
import { ioredisDriver } from '../support/apps/ioredis-driver.ts'
import { judgeWork, type Verdict } from '../support/apps/judge-work.ts'
import { nodeRedisDriver } from '../support/apps/node-redis-driver.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { isUnproven, saysApplied, saysUnproven, settings } from '../support/settings.ts'

const UNPROVEN = 'UNKNOWN'

/** Under `once` a pop that blocks has no marker, and its client is told so when its link is lost. */
function unproven(error: unknown): string {
  if (!isUnproven(error)) throw error
  return UNPROVEN
}

const faults = { kill: 'kill -9 of the master', planned: 'SENTINEL FAILOVER' } as const

/** Under `safe` they notice: commands in flight may have run, and nobody knows. */
const skip = settings.policy === 'safe' && 'under safe acceptance-safe.test.ts says what clients are told'

for (const fault of ['kill', 'planned'] as const)
  t.test(`ioredis and node-redis — notice nothing — through ${faults[fault]}`, { skip }, async t => {
    const set = await SentinelSet.start({ failoverTimeoutMs: 5000 })
    t.teardown(() => set.stopAll())
    const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses() })
    const { port } = holdfast
    const drivers = await Promise.all([
      ioredisDriver(6, port),
      ioredisDriver(5, port),
      nodeRedisDriver(2, port),
      nodeRedisDriver(3, port),
    ])
    t.teardown(() => Promise.all(drivers.map(driver => driver.close())))
    const works = await Promise.all(drivers.map(startWork))
    // A wait without end, begun long before the fault and served long after it.
    const waiters = await Promise.all(drivers.map(driver => driver.reader()))
    const letters = waiters.map((waiter, n) => waiter.pop(`letter:${n}`, 0).catch(unproven))
    await Promise.all(works.map(work => work.advance(10)))

    const done = await failOver(set, holdfast, fault)
    await Promise.all(works.map(work => work.advance(20)))
    // Until the old master is demoted it would take writes, and lose them.
    if (fault === 'planned') await set.settle()
    await Promise.all(drivers.map((driver, n) => driver.push(`letter:${n}`, driver.name)))
    t.strictSame(
      await Promise.all(letters),
      await Promise.all(drivers.map(async ({ name }, n) => ((await letters[n]) === UNPROVEN ? UNPROVEN : name))),
      'a blocking pop that was waiting all the time gets its element',
    )
    await Promise.all(works.map(work => work.stop()))

    t.comment(`held for ${done.heldMs} ms, replayed ${holdfast.counters.replayed}`)
    for (const work of works) {
      const { driver } = work
      const verdict = judgeWork(work, fault === 'kill' ? done : null)
      t.comment(`${driver.name}: ${describe(verdict)}`)
      t.strictSame(driver.troubles, [], `${driver.name}: no error, close, end or reconnecting event`)
      t.strictSame(
        work.errors.filter(error => !saysUnproven(error) && !(fault === 'kill' && saysApplied(error))),
        [],
        `${driver.name}: no command is rejected`,
      )
      const unproven = work.errors.filter(saysUnproven).length
      t.strictSame(untaken(verdict.faults, unproven), [], `${driver.name}: every reply, message and element is right`)
      const kept = [...work.counters].map(async ([key]) => [key, Number(await set.command(done.master, 'GET', key))])
      t.strictSame(await Promise.all(kept), [...work.counters], `${driver.name}: the master has what it was told last`)
      t.equal(work.counters.size, 6, `${driver.name}: every kind of counter was used`)
    }
    await Promise.all(drivers.map(driver => driver.close()))
    await holdfast.stop()
  })

/**
 * With --ack replicated a pop may have its element, and its reply still waits for replicas when the failover is announced:
 * then it is unproven. So many elements need not arrive.
 */
function untaken(faults: readonly string[], unproven: number): readonly string[] {
  let left = settings.isReplicated ? unproven : 0
  return faults.filter(fault => !/^element .* did not arrive$/.test(fault) || left-- <= 0)
}

function describe({ rounds, longestMs, unheard, excused }: Verdict): string {
  return (
    `${rounds} rounds, the longest ${longestMs.toFixed(0)} ms, ${unheard} messages before the subscription was back, ` +
    `deviations around the kill: ${excused.length === 0 ? 'none' : excused.join('; ')}`
  )
}
