// A failover by TLS (and once without) under every kind of address: IPv6, a name that the Sentinels announce, and
// behind a translation.
import t, { type Test } from 'tap'
import { FaultyLink } from '../support/faulty-link.ts'
import { type InProcess, startHoldfast } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { RespClient } from '../support/resp-client.ts'
import { SentinelSet, type SentinelSetOptions } from '../support/sentinel-set.ts'
import { TlsScene } from '../support/tls-scene.ts'

interface Scene {
  readonly set: SentinelSet
  readonly tls: TlsScene
}

async function startSet(t: Test, options: SentinelSetOptions = {}, names?: string): Promise<Scene> {
  const tls = await TlsScene.make(t)
  const files = names === undefined ? tls.server : tls.authority.issue('named', { names })
  const set = await SentinelSet.start({ tls: tls.serverOptions({ files }), failoverTimeoutMs: 5000, ...options })
  t.teardown(() => set.stopAll())
  return { set, tls }
}

/** A value written before a planned failover is read after it, on one session. */
async function failsOver(t: Test, set: SentinelSet, holdfast: InProcess): Promise<void> {
  const client = await RespClient.connect(holdfast.port, holdfast.host)
  t.teardown(() => client.close())
  t.equal(await client.send('SET', 'k', 'v'), 'OK')
  const old = await set.currentMaster()
  await set.failover()
  await set.waitForNewMaster(old, { withinMs: 30_000 })
  t.equal(await client.send('APPEND', 'k', 'w'), 2)
  t.equal(await client.send('GET', 'k'), 'vw')
}

for (const [host, names, flavour] of [
  ['::1', 'IP:::1', 'redis'],
  ['localhost', 'DNS:localhost', 'valkey'],
] as const) {
  const skip = without(`${flavour}-server`, 'openssl')
  t.test(`${flavour} at ${host} — is verified by that name alone — through a failover`, { skip }, async t => {
    const { set, tls } = await startSet(t, { host, flavour }, names)
    const options = tls.holdfast('redis', 'sentinel')
    const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options })
    await failsOver(t, set, holdfast)
  })
}

t.test('servers at ::1 without TLS — are reached by IPv6 — through a failover', async t => {
  const set = await SentinelSet.start({ host: '::1', failoverTimeoutMs: 5000 })
  t.teardown(() => set.stopAll())
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses() })
  await failsOver(t, set, holdfast)
})

const withoutOpenssl = without('openssl')
t.test(
  'servers behind a NAT — are reached at the mapped addresses alone — through a failover',
  { skip: withoutOpenssl },
  async t => {
    const { set, tls } = await startSet(t)
    const links = await Promise.all([...set.nodes, ...set.sentinels].map(node => FaultyLink.start(t, node)))
    const rules = [...set.nodes, ...set.sentinels].map(
      (node, i) => `${node.host}:${node.port}=localhost:${links[i]?.port ?? 0}`,
    )
    const seeds = links.slice(set.nodes.length, set.nodes.length + 1)
    const holdfast = await startHoldfast(t, {
      sentinels: seeds.map(link => `127.0.0.1:${link.port}`),
      options: { ...tls.holdfast('redis', 'sentinel'), 'nat-map': rules.join(',') },
    })
    await failsOver(t, set, holdfast)
    const [first] = set.nodes
    const reached = links.map(link => link.accepted > 0)
    t.strictSame(reached.slice(set.nodes.length), [true, true, true], 'every Sentinel')
    const master = await set.currentMaster()
    t.not(master, first)
    t.ok(links[set.nodes.indexOf(master)]?.accepted, 'the new master')
    const ups = holdfast.log.filter(({ event }) => event === 'sentinel.up').length
    t.ok(ups <= 4, `a seed and its announced address are one Sentinel (${ups} connections)`)
  },
)
