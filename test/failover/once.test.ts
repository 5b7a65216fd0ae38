// --retry-policy once through real crashes of the master under load: what the servers hold is what clients were told.
// `npm run prove` does the same as often as one likes, and has the control arm.
import t from 'tap'
import { judgeLoad, lastOk, startLoad } from '../prove/load.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { findServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

for (const flavour of ['redis', 'valkey'] as const) {
  const skip = findServer(flavour) === undefined && `${flavour}-server is not installed`
  t.test(
    `once — runs each write once — when the master is killed and links are cut (${flavour})`,
    { skip },
    async t => {
      const set = await SentinelSet.start({ flavour })
      t.teardown(() => set.stopAll())
      const options = { 'retry-policy': 'once' }
      const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options })
      await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 20_000 })
      for (const [round, fault] of ['kill', 'cut', 'planned', 'kill'].entries()) {
        const name = `${fault}${round}`
        const load = await startLoad(holdfast.port, 12, name)
        await waitUntil('clients have replies', () => load.history.operations.length > 300, { withinMs: 20_000 })
        const master = await set.currentMaster()
        if (fault === 'cut') await set.command(master, 'CLIENT', 'KILL', 'TYPE', 'normal')
        else if (fault === 'kill') await set.kill(master)
        else await set.failover()
        if (fault !== 'cut') await set.waitForNewMaster(master, { withinMs: 60_000 })
        const since = performance.now()
        await waitUntil('clients have replies again', () => lastOk(load) > since, { withinMs: 60_000 })
        await load.stop()
        const now = await set.currentMaster()
        const ask = (...command: string[]) => set.command(now, ...command)
        const verdict = await judgeLoad(load.history, name, { mayLose: fault === 'kill' }, ask)
        const { doubled, wrong, order, unknown, lost, applied, operations } = verdict
        t.strictSame({ doubled, wrong, order, unknown }, { doubled: [], wrong: [], order: [], unknown: 0 }, name)
        if (fault !== 'kill') t.equal(lost, 0, 'nothing acknowledged is lost without a crash')
        t.comment(`${name}: ${operations} operations, applied ${applied}, lost ${lost}`)
        if (fault === 'kill') await set.restart(master)
        await set.settle({ withinMs: 120_000 })
      }
      t.ok(holdfast.counters.blocks > 100)
      t.equal(holdfast.counters.unmarkedWrites, 0)
    },
  )
}
