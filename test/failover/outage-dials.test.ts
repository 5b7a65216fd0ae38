// No master for a long time and a hundred clients that go on trying: how often the proxy dials. One probe at a time
// looks for the master, with a growing pause; the number of clients does not matter.
import t, { type Test } from 'tap'
import { startOutageLoad } from '../soak/outage-load.ts'
import { type DeadPort, startDeadPort } from '../support/dead-port.ts'
import { startHoldfast, startSingle } from '../support/holdfast.ts'
import { openWindow, slowness } from '../support/pace.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { endServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

const clients = 100
/**
 * The first dials come close together, so that a short failover is short: until the probe has given up on an address
 * that is silent (--connect-timeout and --answer-timeout, 3 s), and one second more.
 */
const beginMs = 4000
const watchMs = 7000
const perSecond = 12

// So short a hold time is soon over for replies that wait for a replica, too.
const options = { options: { 'hold-timeout': '500ms' }, expectedErrors: ['gate.tripped', 'ack.tripped'] }

/** What `ports` see from four seconds after now on, for seven. In a window that is not calm the beginning lasts longer. */
async function judgeDials(t: Test, what: string, ports: readonly DeadPort[]): Promise<void> {
  const read = openWindow()
  const from = performance.now() + beginMs * slowness()
  const over = (): boolean => performance.now() >= from + watchMs
  await waitUntil('the time is over', over, { withinMs: beginMs * slowness() + watchMs + 5000 })
  for (const port of ports) {
    const dials = port.dials.filter(at => at >= from).length
    const peak = port.peakPerSecond(from)
    const begin = port.dials.length - dials
    t.comment(
      `${what}: ${begin} dials in the first ${beginMs} ms, then ${(dials / (watchMs / 1000)).toFixed(1)} a second, at most ${peak}`,
    )
    t.ok(dials > 0, 'it goes on looking')
    const { calm, stolenMs, slowness: slow } = read()
    const why = `not judged: the machine stood still for ${Math.round(stolenMs)} ms and was ${slow.toFixed(1)} times slower`
    if (peak > perSecond && !calm) t.pass(`at most ${perSecond} in any second: ${peak}`, { skip: why })
    else t.ok(peak <= perSecond, `at most ${perSecond} in any second: ${peak}`)
  }
}

async function startLoad(t: Test, port: number): Promise<Awaited<ReturnType<typeof startOutageLoad>>> {
  const load = await startOutageLoad(port, clients)
  t.teardown(() => load.stop())
  await waitUntil('all are served', () => load.clients.every(({ servedAt }) => servedAt > 0), { withinMs: 20_000 })
  return load
}

for (const way of ['closes', 'silent'] as const)
  t.test(`the address of the dead master — is dialled a few times a second — when it accepts and ${way}`, async t => {
    const { holdfast, node } = await startSingle(t, options)
    const load = await startLoad(t, holdfast.port)
    await endServer(node)
    const dead = await startDeadPort(t, node.port, way)
    await judgeDials(t, way, [dead])
    t.ok(load.failed > clients, `clients go on trying: ${load.failed} errors`)
    t.strictSame(load.lost, [], 'no session ends')
    await load.stop()
  })

t.test(
  'the replica that was about to be promoted — is dialled a few times a second — when it has died as well',
  async t => {
    const { holdfast, node, sentinel } = await startSingle(t, options)
    const load = await startLoad(t, holdfast.port)
    const replica = await SentinelSet.start({ replicas: 0, sentinels: 1 })
    t.teardown(() => replica.stopAll())
    const [chosen] = replica.nodes
    if (!chosen) throw new Error('no node')
    await Promise.all([endServer(node), replica.kill(chosen)])
    const dead = await startDeadPort(t, chosen.port, 'closes')
    const master = `${sentinel.masterName} ${node.host} ${node.port}`
    sentinel.publish('+try-failover', `master ${master}`)
    sentinel.publish('+elected-leader', `master ${master}`)
    const place = `${chosen.host}:${chosen.port} ${chosen.host} ${chosen.port}`
    sentinel.publish('+selected-slave', `slave ${place} @ ${master}`)
    await judgeDials(t, 'the chosen replica', [dead])
    await load.stop()
  },
)

t.test('dead Sentinels — are dialled a few times a second each — when the master is dead too', async t => {
  const set = await SentinelSet.start({ replicas: 0 })
  t.teardown(() => set.stopAll())
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), ...options })
  const load = await startLoad(t, holdfast.port)
  await Promise.all([...set.sentinels, ...set.nodes].map(node => set.kill(node)))
  const dead = await Promise.all(
    set.sentinels.map(({ port }, i) => startDeadPort(t, port, i === 0 ? 'silent' : 'closes')),
  )
  await judgeDials(t, 'a Sentinel', dead)
  t.strictSame(load.lost, [], 'no session ends')
  await load.stop()
  await holdfast.stop()
})
