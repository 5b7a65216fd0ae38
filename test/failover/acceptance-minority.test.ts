// One Sentinel of three lies: it names another real, writable server under a far higher epoch. Nobody may ever go
// there.
import t from 'tap'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { ask } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { anyFlavour, endServer, freePort, startServer } from '../support/servers.ts'
import { besidesReplyLost } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'
import { describeReport, endOfTrial, everyClientServed, startClients } from './acceptance-trial.ts'

t.test(
  'a master that one Sentinel of three names — is never connected to — before, during and after a failover',
  async t => {
    const set = await SentinelSet.start({ sentinels: 2, quorum: 2, failoverTimeoutMs: 5000 })
    t.teardown(() => set.stopAll())
    const port = await freePort()
    const config = ['save ""']
    const wrong = await startServer({ flavour: anyFlavour(), kind: 'data', name: 'wrong', dir: set.dir, port, config })
    t.teardown(() => endServer(wrong))
    const liar = await FakeSentinel.start(t, { master: { host: '127.0.0.1', port }, configEpoch: 1000 })
    liar.known = await Promise.all(
      set.sentinels.map(async node => ({
        host: node.host,
        port: node.port,
        runId: String(await set.command(node, 'SENTINEL', 'MYID')),
      })),
    )
    /** Connections anybody has made to the wrong server, this question's own included. */
    const arrived = async (): Promise<number> => {
      const stats = String(await ask(wrong, ['INFO', 'stats']))
      return Number(/^total_connections_received:(\d+)/m.exec(stats)?.[1])
    }
    const before = await arrived()

    const sentinels = [`${liar.host}:${liar.port}`, ...set.sentinelAddresses()]
    const holdfast = await startHoldfast(t, { sentinels })
    const workload = startClients(holdfast.port)
    t.teardown(() => workload.stop({ withinMs: 0 }))
    await everyClientServed(workload)
    await waitUntil('the liar is heard', () => liar.subscriberCount() > 0, { withinMs: 5000 })
    const old = await set.currentMaster()
    t.ok(liar.publish('+switch-master', `mymaster ${old.host} ${old.port} 127.0.0.1 ${port}`) > 0)
    await everyClientServed(workload)
    await set.kill(old)
    liar.switchMaster({ host: '127.0.0.1', port }, 1001)
    await set.waitForNewMaster(old, { withinMs: 20_000 })
    liar.switchMaster({ host: '127.0.0.1', port }, 1002)
    await everyClientServed(workload)

    t.equal(await arrived(), before + 1, 'connections to the wrong server: none but the two that count')
    t.equal(await ask(wrong, ['DBSIZE']), 0)
    const report = await endOfTrial(set, workload)
    t.comment(describeReport(report, holdfast))
    // The master was killed: under `once` and `safe` clients are told of replies that were lost with it.
    const { others } = besidesReplyLost(report.errors)
    t.strictSame([report.connectionErrors, others, report.reordered], [[], {}, []])
    await holdfast.stop()
  },
)
