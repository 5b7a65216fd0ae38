// Limits of the machine and several of our own at once, each with a failover: clients see a delay and no error, as
// without them.
import t from 'tap'
import { makeControlGroup } from '../support/control-group.ts'
import { startHoldfastProcess } from '../support/holdfast.ts'
import { container } from '../support/memory-limit.ts'
import { MB, watchResident } from '../support/resident.ts'
import { RespClient } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { besidesReplyLost } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'
import { startWorkload, type Workload } from '../support/workload.ts'
import { command } from '../wire/bytes.ts'
import { endOfTrial } from './acceptance-trial.ts'

const countOk = ({ ledger }: Workload): number => ledger.operations.filter(one => one.outcome.kind === 'ok').length

/** Answers when the load has had `more` replies from now on. */
async function goesOn(workload: Workload, more: number): Promise<void> {
  const wanted = countOk(workload) + more
  await waitUntil('the load goes on', () => countOk(workload) >= wanted, { withinMs: 30_000 })
}

t.test('a tenth of a CPU, and the memory of a container — suffice for a failover — without an error', async t => {
  const group = makeControlGroup(t, { cpuMillis: 100, memoryMiB: container.limitMiB })
  if (group === null) {
    t.pass('served through a failover', { skip: 'control groups cannot be written here' })
    return
  }
  const set = await SentinelSet.start({ failoverTimeoutMs: 5000, replicas: 1 })
  t.teardown(() => set.stopAll())
  const options = { 'max-held-bytes': `${container.heldMb}mb`, 'log-level': 'info' }
  const sentinels = set.sentinelAddresses()
  const holdfast = await startHoldfastProcess(t, { sentinels, options, launcher: group.launcher })
  const workload = startWorkload({ port: holdfast.port, rawClients: 5, ioredisClients: 5, roundsPerSecond: 5 })
  t.teardown(() => workload.stop({ withinMs: 0 }))
  await goesOn(workload, 150)
  const old = await set.currentMaster()
  await set.kill(old)
  await set.waitForNewMaster(old, { withinMs: 30_000 })
  await goesOn(workload, 150)
  const report = await endOfTrial(set, workload)
  t.comment(`stopped for its share ${group.throttled()} times; longest pause ${Math.round(report.longestPause.ms)} ms`)
  t.ok(group.throttled() > 0, 'the share was used up now and then')
  t.strictSame([besidesReplyLost(report.errors).others, report.connectionErrors, report.reordered], [{}, [], []])
  await holdfast.stop()
})

t.test(
  'sessions, held bytes and unread replies at their limits together — through a failover — cost a delay',
  async t => {
    const set = await SentinelSet.start({ failoverTimeoutMs: 5000, replicas: 1 })
    t.teardown(() => set.stopAll())
    const options = {
      'max-sessions': '20',
      'max-held-bytes': '8mb',
      'max-session-held-bytes': '1mb',
      'max-unread-bytes': '1mb',
      'log-level': 'info',
    }
    const holdfast = await startHoldfastProcess(t, { sentinels: set.sentinelAddresses(), options })
    await waitUntil('it serves', () => holdfast.find('hold.end'), { withinMs: 20_000 })
    const open = async (): Promise<RespClient> => {
      const client = await RespClient.connect(holdfast.port)
      t.teardown(() => client.close())
      return client
    }
    const reader = await open()
    const writers = [await open(), await open(), await open(), await open()]
    const large = Buffer.alloc(MB / 2, 'x')
    t.equal(await reader.send('SET', 'large', large), 'OK')
    t.ok(Number(await reader.send('WAIT', '1', '5000')) >= 1)
    const workload = startWorkload({ port: holdfast.port, rawClients: 15, roundsPerSecond: 10 })
    t.teardown(() => workload.stop({ withinMs: 0 }))
    await goesOn(workload, 300)
    t.match(await (await open()).send('PING'), { message: 'ERR max number of clients reached' }, 'no more sessions')

    const watched = watchResident(holdfast.pid)
    const reply = `$${large.length}\r\n${large}\r\n`.length
    let read = 0
    reader.socket.removeAllListeners('data')
    reader.socket.on('data', (chunk: Buffer) => {
      read += chunk.length
    })
    reader.socket.pause()
    reader.socket.write(Buffer.concat(new Array(64).fill(command('GET', 'large'))))
    const old = await set.currentMaster()
    const from = holdfast.log.length
    await set.kill(old)
    await waitUntil('commands are held', () => holdfast.find('hold.start', from), { withinMs: 20_000 })
    const value = 'v'.repeat(64 * 1024)
    const written = writers.map((client, n) =>
      client.pipeline(Array.from({ length: 100 }, (_, i) => ['SET', `writer-${n}-${i}`, value])),
    )
    await set.waitForNewMaster(old, { withinMs: 30_000 })
    t.strictSame(await Promise.all(written), new Array(4).fill(new Array(100).fill('OK')), '25 MB, all written')
    await goesOn(workload, 300)
    reader.socket.resume()
    await waitUntil('the slow reader has all', () => read === 64 * reply, { withinMs: 30_000 })
    const most = watched.stop()
    t.comment(`RSS ${Math.round(most / MB)} MB at most`)
    t.ok(most < container.limitMiB * 1024 * 1024, 'less than the container of the manifests has')
    const report = await endOfTrial(set, workload)
    t.strictSame([besidesReplyLost(report.errors).others, report.connectionErrors, report.reordered], [{}, [], []])
    const again = async (): Promise<boolean> => (await (await open()).send('PING')) === 'PONG'
    await waitUntil('others come in again', again, { withinMs: 10_000, everyMs: 100 })
    await holdfast.stop()
  },
)
