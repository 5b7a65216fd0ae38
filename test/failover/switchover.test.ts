// `holdfast switchover` on real sets under load: another node becomes the master, no command fails, no write is lost;
// and whatever is killed in the middle, the set serves afterwards.
import t from 'tap'
import type { Running } from '../support/control.ts'
import { judgeClients, serves } from '../support/drilled.ts'
import { startHoldfastProcess } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { RespClient } from '../support/resp-client.ts'
import { hurry } from '../support/sentinel-pace.ts'
import { type Node, SentinelSet } from '../support/sentinel-set.ts'
import { runSwitchover, stageOf, startSwitchover, startUntil } from '../support/switchover.ts'
import { waitUntil } from '../support/wait-until.ts'
import { startWorkload } from '../support/workload.ts'

/** The lease of the pause, and a second for a busy machine. */
const SERVED_MS = 3_000
/** A promotion that comes to nothing ends after failover-timeout (10 s). */
const ABORTED_MS = 30_000

for (const flavour of ['redis', 'valkey'] as const) {
  t.test(
    `switchover — moves the master and loses nothing — ${flavour}`,
    { skip: without(`${flavour}-server`) },
    async t => {
      const set = await SentinelSet.start({ flavour })
      t.teardown(() => set.stopAll())
      const stage = await stageOf(t, set)
      const load = startWorkload({ port: stage.holdfast.port, rawClients: 4, ioredisClients: 2 })
      t.teardown(() => load.stop({ withinMs: 0 }))
      const before = await set.currentMaster()
      await hurry(set.sentinels)
      const { code, report } = await runSwitchover(t, stage)
      t.equal(code, 0, JSON.stringify(report, null, 1))
      const after = await set.currentMaster()
      t.not(after, before, 'another node is the master')
      t.match(report.outcome, { kind: 'done', to: `127.0.0.1:${after.port}`, follows: true })
      t.strictSame(
        report.outcome?.steps.map(({ name }) => name),
        ['moment', 'hold', 'catch up', 'ask', 'serve', 'resume', 'follow'],
      )
      const { waits = null, heldMs } = report.outcome ?? {}
      t.ok((waits?.commands ?? 0) > 0 && (waits?.max ?? 0) <= (heldMs ?? 0) + 1000, 'commands waited, and are counted')
      t.match(stage.holdfast.find('pause.start'), { by: 'switchover' })
      t.match(stage.holdfast.find('pause.end'), { why: 'resume' })
      t.match(String(await set.command(before, 'INFO', 'replication')), /role:slave/, 'the old master follows')
      await judgeClients(t, [load], set)
    },
  )
}

t.test('switchover — runs at one Holdfast — and another one holds by the announcement', async t => {
  const set = await SentinelSet.start()
  t.teardown(() => set.stopAll())
  const stage = await stageOf(t, set)
  const other = await startHoldfastProcess(t, { sentinels: set.sentinelAddresses() })
  await waitUntil('it serves too', () => other.find('hold.end'), { withinMs: 10_000 })
  const loads = [stage.holdfast, other].map(({ port }, i) => startWorkload({ port, prefix: `p${i}` }))
  for (const load of loads) t.teardown(() => load.stop({ withinMs: 0 }))
  await hurry(set.sentinels)
  const from = other.log.length
  const { code, report } = await runSwitchover(t, stage)
  t.equal(code, 0, JSON.stringify(report, null, 1))
  t.equal(report.plan?.otherHoldfasts, 1)
  t.equal(other.find('pause.start'), undefined, 'the other one was not paused')
  // A standstill of its process may have shut the gate before: hold.start tells the first cause alone.
  const causes = other.log.slice(from).map(({ cause }) => cause)
  t.match(causes.join(' '), /failover-announced|master-moved/, 'the other one held by the announcement')
  await judgeClients(t, loads, set)
})

t.test('switchover — interrupted — leaves a set that serves', async t => {
  const set = await SentinelSet.start()
  t.teardown(() => set.stopAll())
  const stage = await stageOf(t, set)
  const load = startWorkload({ port: stage.holdfast.port })
  t.teardown(() => load.stop({ withinMs: 0 }))
  const ready = async (): Promise<void> => {
    await set.settle()
    await hurry(set.sentinels)
  }
  const started = (step: string): Promise<Running> =>
    startUntil(set, () => startSwitchover(t, stage, []), `\n ${step} `)

  for (const step of ['moment', 'hold', 'catch up', 'ask', 'serve', 'resume']) {
    await t.test(`the command is killed behind the step ${step} — it serves within the lease`, async t => {
      await ready()
      const running = await started(step)
      running.child.kill('SIGKILL')
      await serves(t, stage, step === 'ask' ? ABORTED_MS : SERVED_MS)
      await running.ended
    })
  }

  await t.test('the command is frozen while commands are held — it serves when the lease is over', async t => {
    await ready()
    const running = await started('hold')
    running.child.kill('SIGSTOP')
    // By the time that the signal arrives the failover may have been asked for.
    await serves(t, stage, running.stdout().includes('\n ask ') ? ABORTED_MS : SERVED_MS)
    running.child.kill('SIGKILL')
    await running.ended
  })

  await t.test('somebody stops it while commands are held — it resumes and says so', async t => {
    await ready()
    const running = await started('hold')
    running.child.kill('SIGINT')
    const { code, stdout } = await running.ended
    // By the time that the signal arrives the failover may have been asked for.
    t.ok(code === 3 || code === 4, `exit code ${code}`)
    t.match(stdout, /somebody stopped it/)
    await serves(t, stage, ABORTED_MS)
  })

  await t.test('it waits for the old master to follow — it says so', async t => {
    await ready()
    const from = (await set.currentMaster()).port
    const text = `waits until the Sentinels have made a replica of 127.0.0.1:${from}`
    const running = await startUntil(set, () => startSwitchover(t, stage, []), text)
    t.match(running.stdout(), /\n resume /, 'commands are sent again')
    await running.ended
  })

  await t.test('somebody writes past Holdfast while commands are held — it aborts and names whom', async t => {
    // On a busy machine the writer may get no processor while commands are held. Then nobody writes, and the master moves.
    for (let i = 0; i < 5; i++) {
      await ready()
      const master = await set.currentMaster()
      const other = await RespClient.connect(master.port)
      t.teardown(() => other.close())
      await other.send('CLIENT', 'SETNAME', 'nightly-job')
      let over = false
      const write = async (): Promise<void> => {
        while (!over) await other.send('INCR', 'past-holdfast')
      }
      // A master that steps down ends its connections.
      const written = write().catch(() => {})
      const { code, report } = await runSwitchover(t, stage, ['--force', 'writers.other'])
      over = true
      await written
      if (code === 0) continue
      t.equal(code, 3, JSON.stringify(report, null, 1))
      t.match(report.outcome, { kind: 'aborted', why: /somebody writes while Holdfast holds \(incr\): .*nightly-job/ })
      t.equal(await set.currentMaster(), master)
      await serves(t, stage, SERVED_MS)
      return
    }
    t.fail('the writer never wrote while commands were held')
  })

  await t.test('the replica that is promoted is killed — it serves', async t => {
    await ready()
    const old = await set.currentMaster()
    const running = await started('ask')
    const port = Number(/is accepted by 127\.0\.0\.1:(\d+)/.exec(running.stdout())?.[1])
    const asked = set.sentinels.find(node => node.port === port) as Node
    const chosen = async (): Promise<Node | undefined> => {
      const replicas = (await set.command(asked, 'SENTINEL', 'REPLICAS', set.masterName)) as string[][]
      const fields = replicas.find(one => one[one.indexOf('flags') + 1]?.split(',').includes('promoted')) ?? []
      return set.nodes.find(node => node !== old && String(node.port) === fields[fields.indexOf('port') + 1])
    }
    const victim = await waitUntil('the Sentinel has chosen', chosen, { withinMs: 5000, everyMs: 1 })
    await set.kill(victim)
    await serves(t, stage, 60_000)
    await running.ended
    await set.restart(victim)
  })

  await ready()
  await judgeClients(t, [load], set)
})
