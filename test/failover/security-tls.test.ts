// TLS on all three sides, certificates wanted on all three, a real set, raw and ioredis clients: what a failover is
// without TLS, it must be with it.
import t from 'tap'
import { startHoldfast } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
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
