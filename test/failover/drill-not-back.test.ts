// `holdfast drill` whose way back does not come within its minute: the replicas have the same replica-priority, and the
// run ids speak for another node. It waits for the whole minute, asks for nothing, holds nothing, and says who is master.
import t, { type Test } from 'tap'
import { serves } from '../support/drilled.ts'
import { RespClient } from '../support/resp-client.ts'
import { hurry } from '../support/sentinel-pace.ts'
import { type Node, SentinelSet } from '../support/sentinel-set.ts'
import { setPriority, stageOf, startDrill } from '../support/switchover.ts'
import { waitUntil } from '../support/wait-until.ts'

/** Between a resume and the answer of a new client, on a busy machine. */
const SERVED_MS = 3_000
/** WANTED_WAIT_MS of src/switchover/moment-wait.ts. */
const MINUTE_MS = 60_000

/** The node with the highest run id is the master: each of the others would be chosen before it. */
async function startSet(t: Test): Promise<{ set: SentinelSet; first: Node }> {
  // A master that sends its replicas no PING, so that they are equally far while nobody writes.
  const set = await SentinelSet.start({ dataConfig: ['repl-ping-replica-period 3600'] })
  t.teardown(() => set.stopAll())
  await hurry(set.sentinels)
  const runIds = new Map<Node, string>()
  for (const node of set.nodes) {
    const info = String(await set.command(node, 'INFO', 'server'))
    runIds.set(node, /run_id:(\w+)/.exec(info)?.[1] ?? '')
  }
  const [first] = [...set.nodes].sort((a, b) => ((runIds.get(a) ?? '') < (runIds.get(b) ?? '') ? 1 : -1))
  if (first === undefined) throw new Error('a set of three')
  const before = await set.currentMaster()
  if (before !== first) {
    await setPriority(set, first, '10')
    await set.failover()
    await set.waitForNewMaster(before, { withinMs: 30_000 })
    await set.settle()
    await hurry(set.sentinels)
    await set.command(first, 'CONFIG', 'SET', 'replica-priority', '100')
  }
  return { set, first }
}

t.test('drill — the Sentinel would choose another for a minute — stays there, exit code 5, and serves', async t => {
  const { set, first } = await startSet(t)
  t.equal(await set.currentMaster(), first)
  // A marker that is kept alive is a write, each minute: one replica is ahead of the other for a moment.
  const stage = await stageOf(t, set, { options: { 'retry-policy': 'always', ack: 'master', reads: 'plain' } })
  const dry = await startDrill(t, stage, ['--dry-run']).ended
  t.match(dry, { code: 0, stdout: /the Sentinel would choose another, while nobody writes; the drill waits up to a/ })

  const reader = await RespClient.connect(stage.holdfast.port)
  t.teardown(() => reader.close())
  const from = stage.holdfast.log.length
  const running = startDrill(t, stage, ['--json'])
  const end = await waitUntil('it is there', () => stage.holdfast.find('pause.end', from), { withinMs: 60_000 })
  const there = await set.currentMaster()
  t.not(there, first)
  // Sentinels say hello to each other over the master, and that counts as data: who is ahead would be left to chance.
  const follows = async (): Promise<boolean> =>
    /role:slave[\s\S]*master_link_status:up/.test(String(await set.command(first, 'INFO', 'replication')))
  await waitUntil('the first master follows', follows, { withinMs: 60_000 })
  for (const sentinel of set.sentinels) await set.command(sentinel, 'SENTINEL', 'DEBUG', 'PUBLISH-PERIOD', '600000')
  // Whoever only reads is served all the time.
  let reads = 0
  let wrong = 0
  let isOver = false
  const reading = (async () => {
    while (!isOver) {
      if ((await reader.send('GET', 'nothing')) !== null) wrong++
      reads++
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  })()
  const { code, stdout, stderr } = await running.ended
  isOver = true
  await reading
  t.equal(code, 5, `${stdout}\n${stderr}`)
  t.ok(Date.now() - Number(end['time']) >= MINUTE_MS, 'it has waited for the whole minute')
  const report = JSON.parse(stdout)
  const [other] = set.nodes.filter(node => node !== first && node !== there)
  t.match(report.end, {
    kind: 'not-back',
    master: `127.0.0.1:${there.port}`,
    why: `the Sentinel would choose 127.0.0.1:${other?.port}, and not 127.0.0.1:${first.port}`,
    remedy: /^CONFIG SET replica-priority to a higher number on the others/,
  })
  t.match(report.legs, [
    { name: 'there', outcome: { kind: 'done', to: `127.0.0.1:${there.port}` } },
    { name: 'back', outcome: { kind: 'aborted', heldMs: null } },
  ])
  t.equal(await set.currentMaster(), there, 'the Sentinels were asked for nothing')
  t.equal(stage.holdfast.log.slice(from).filter(({ event }) => event === 'pause.start').length, 1, 'nothing was held')
  t.ok(reads > 100)
  t.equal(wrong, 0, 'every read has its reply')
  await serves(t, stage, SERVED_MS)
})
