import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { FaultyLink } from '../support/faulty-link.ts'
import type { Report } from '../support/ledger.ts'
import { ask } from '../support/resp-client.ts'
import {
  anyFlavour,
  endServer,
  freePort,
  makeFolder,
  type Node,
  removeFolder,
  startServer,
} from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'
import { readBack, startWorkload, type Workload } from '../support/workload.ts'

async function arrange(t: { teardown(fn: () => unknown): void }): Promise<{ node: Node; link: FaultyLink }> {
  const dir = await makeFolder()
  const port = await freePort()
  const node = await startServer({ flavour: anyFlavour(), kind: 'data', name: 'one', dir, port, config: ['save ""'] })
  const link = await FaultyLink.start(null, { port })
  t.teardown(async () => {
    await link.close()
    await endServer(node)
    await removeFolder(dir)
  })
  return { node, link }
}

/** Answers when `n` more operations than now have succeeded. */
async function progress({ ledger }: Workload, n: number): Promise<void> {
  const ok = () => ledger.operations.filter(({ outcome }) => outcome.kind === 'ok').length
  const before = ok()
  await waitUntil(`${n} more operations`, () => ok() >= before + n, { withinMs: 15_000 })
}

function faults({ lostWrites, doubled, reordered, connectionErrors }: Report): number[] {
  return [lostWrites.length, doubled.length, reordered.length, connectionErrors.length]
}

const clients = { rawClients: 3, ioredisClients: 2, roundsPerSecond: 100 }

t.test('workload — leaves a clean ledger — against a healthy server', async t => {
  const { node, link } = await arrange(t)
  const workload = startWorkload({ port: link.port, ...clients })
  await progress(workload, 600)
  await workload.stop()
  const report = workload.ledger.report(await readBack(workload.ledger, node))
  t.strictSame(faults(report), [0, 0, 0, 0])
  t.equal(report.ok, report.operations)
  t.strictSame(new Set(workload.ledger.operations.map(({ client }) => client)).size, 5, 'all clients took part')
})

t.test('workload — keeps its rate — as an upper bound', async t => {
  const { link } = await arrange(t)
  const workload = startWorkload({ port: link.port, rawClients: 1, roundsPerSecond: 40 })
  const started = performance.now()
  await progress(workload, 60)
  const seconds = (performance.now() - started) / 1000
  await workload.stop()
  t.ok(seconds > 0.45, `20 rounds at 40 a second took ${seconds} s`)
})

t.test('workload — shows every lost connection and goes on — when the link is cut', async t => {
  const { node, link } = await arrange(t)
  const workload = startWorkload({ port: link.port, ...clients })
  await progress(workload, 100)
  // Stalled replies first: so each client is sure to have a round open when the connection goes.
  link.stall('down')
  const open = await everyClientWaits(workload)
  link.reset()
  link.resume()
  await progress(workload, 100)
  await workload.stop()
  const report = workload.ledger.report(await readBack(workload.ledger, node))
  t.equal(new Set(report.connectionErrors.map(({ client }) => client)).size, 5, 'each client saw it')
  t.equal(report.connectionLost, open, 'every operation that was open')
  t.strictSame(faults(report).slice(0, 3), [0, 0, 0], 'what ran without a reply is neither lost nor doubled')
})

/**
 * Behind a stall: answers the number of open operations once each client has one. What had passed before the stall lies
 * in the clients' sockets and is read within a turn; of a round in several segments, some replies may have.
 */
async function everyClientWaits({ ledger }: Workload): Promise<number> {
  await setImmediate()
  await setImmediate()
  const open = () => ledger.operations.filter(({ outcome }) => outcome.kind === 'pending')
  const waiting = () => new Set(open().map(({ client }) => client)).size
  await waitUntil('each client waits', () => waiting() === 5, { withinMs: 5000 })
  return open().length
}

t.test('workload — measures a pause — when nothing passes for a while', async t => {
  const { node, link } = await arrange(t)
  const workload = startWorkload({ port: link.port, ...clients })
  await progress(workload, 100)
  link.stall('both')
  const stalledAt = performance.now()
  await waitUntil('400 ms', () => performance.now() - stalledAt >= 400, { withinMs: 5000 })
  link.resume()
  await progress(workload, 100)
  await workload.stop()
  const report = workload.ledger.report(await readBack(workload.ledger, node))
  t.strictSame(faults(report), [0, 0, 0, 0])
  t.ok(report.silence.ms >= 390, `silence of ${report.silence.ms} ms`)
  t.ok(report.longestPause.ms >= report.silence.ms)
})

t.test('workload — convicts a server — that forgets and one that counts twice', async t => {
  const { node, link } = await arrange(t)
  const workload = startWorkload({ port: link.port, ...clients })
  await progress(workload, 200)
  await workload.stop()
  const [key] = workload.ledger.keys()
  await ask(node, ['DEL', key ?? ''])
  await ask(node, ['INCR', 'counter:w:raw-1'])
  await ask(node, ['DECR', 'counter:w:ioredis-2'])
  const report = workload.ledger.report(await readBack(workload.ledger, node))
  t.strictSame(report.lostWrites.map(lost => lost.key).sort(), ['counter:w:ioredis-2', key].sort())
  t.strictSame(
    report.doubled.map(doubled => doubled.key),
    ['counter:w:raw-1'],
  )
})

t.test('workload — ends in time, leaves open what is open — when the server is silent', async t => {
  const { link } = await arrange(t)
  const workload = startWorkload({ port: link.port, ...clients })
  await progress(workload, 100)
  link.stall('both')
  const open = await everyClientWaits(workload)
  await workload.stop({ withinMs: 100 })
  const report = workload.ledger.report(new Map())
  t.strictSame([report.pending, report.connectionLost, report.connectionErrors.length], [open, 0, 0])
})
