// TLS on all three sides, certificates wanted on all three, a real set, raw and ioredis clients: what a failover is
// without TLS, it must be with it.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Authority } from '../support/certificates.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { RespClient } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { besidesReplyLost } from '../support/settings.ts'
import { TlsScene } from '../support/tls-scene.ts'
import { waitUntil } from '../support/wait-until.ts'
import { readBack, startWorkload, type Workload } from '../support/workload.ts'

const skip = without('openssl')

/** Waits until every client has replies to commands it sent after now. */
async function allServed({ ledger }: Workload, clients: number): Promise<void> {
  const from = ledger.operations.length
  const served = (): boolean => {
    const fresh = ledger.operations.slice(from).filter(({ outcome }) => outcome.kind === 'ok')
    return new Set(fresh.map(({ client }) => client)).size === clients
  }
  await waitUntil('every client is served', served, { withinMs: 30_000, everyMs: 50 })
}

t.test('failover — is a pause and nothing else — by TLS on all sides, killed and planned', { skip }, async t => {
  const tls = await TlsScene.make(t)
  const set = await SentinelSet.start({ tls: tls.serverOptions(), failoverTimeoutMs: 5000 })
  t.teardown(() => set.stopAll())
  const holdfast = await startHoldfast(t, {
    sentinels: set.sentinelAddresses(),
    options: tls.holdfast('redis', 'sentinel', 'listen', 'mutual'),
  })
  const workload = startWorkload({
    port: holdfast.port,
    tls: tls.clientOptions(tls.client),
    rawClients: 5,
    ioredisClients: 5,
    roundsPerSecond: 20,
  })
  t.teardown(() => workload.stop({ withinMs: 0 }))
  await allServed(workload, 10)

  const first = await set.currentMaster()
  await set.kill(first)
  const { node: second } = await set.waitForNewMaster(first, { withinMs: 30_000 })
  await allServed(workload, 10)
  await set.restart(first)
  await set.settle()

  await set.failover()
  await set.waitForNewMaster(second, { withinMs: 30_000 })
  await allServed(workload, 10)
  await set.settle()

  await workload.stop()
  const report = workload.ledger.report(await readBack(workload.ledger, await set.currentMaster()))
  t.comment(`${report.operations} operations, ${report.ok} ok`)
  t.strictSame(report.connectionErrors, [], 'connection errors')
  const { others, told } = besidesReplyLost(report.errors)
  t.strictSame(others, {}, 'error replies')
  t.equal(report.ok + told, report.operations, 'every command has its reply')
  t.strictSame(report.reordered, [], 'replies out of order')
  t.equal(holdfast.counters.tlsHandshakesFailed, 0)
})

t.test(
  'a master with the certificate of another CA — gets no new link, and the log says what to do',
  { skip },
  async t => {
    const tls = await TlsScene.make(t)
    const set = await SentinelSet.start({ tls: tls.serverOptions({ auth: 'no' }), downAfterMs: 120_000, replicas: 1 })
    t.teardown(() => set.stopAll())
    const holdfast = await startHoldfast(t, {
      sentinels: set.sentinelAddresses(),
      options: tls.holdfast('redis', 'sentinel'),
      expectedErrors: ['link.tls', 'master.probe_refused'],
    })
    const [one, two] = [await RespClient.connect(holdfast.port), await RespClient.connect(holdfast.port)]
    for (const client of [one, two]) t.teardown(() => client.close())
    t.equal(await one.send('SET', 'k', 'v'), 'OK')
    const elsewhere = join(tls.dir, 'elsewhere')
    mkdirSync(elsewhere)
    const strange = new Authority(elsewhere).issue('server')
    const master = await set.currentMaster()
    const show = (files: typeof strange): Promise<unknown> =>
      set.command(master, 'CONFIG', 'SET', 'tls-cert-file', files.cert, 'tls-key-file', files.key)
    t.equal(await show(strange), 'OK')
    await Promise.all([one.send('BLPOP', 'nothing', '0.1'), two.send('BLPOP', 'nothing', '0.1')])
    const line = await waitUntil('it is told', () => holdfast.find('link.tls'), { withinMs: 20_000 })
    t.match(line, { level: 'error', cause: /certificate/, remedy: /correct --redis-tls-ca$/ })
    t.equal(await one.send('GET', 'k'), 'v', 'the link that is up goes on')
    await holdfast.stop()
  },
)
