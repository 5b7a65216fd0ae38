// freezes.ts: how often a crash would leave APPLIED: the master is stopped at a moment of the load (SIGSTOP), and goes on
// after a look at what a replica has that no client was told. No failover follows: hundreds fit into a minute.
import { startHoldfast } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { type Node, SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import { setApart } from './apart.ts'
import { pause } from './faults.ts'
import { type Load, lastOk, readFinal, startLoad } from './load.ts'
import type { RunOptions } from './rounds.ts'
import { countUnanswered } from './unanswered.ts'

export interface Freezes {
  freezes: number
  /** Of these some had an effect without its reply. */
  withApplied: number
  applied: number
  /** Of the load, a second. */
  operations: number
}

/** A load's lists are read as a whole: it ends after so many. */
const OF_ONE_LOAD = 8
/** Nothing has moved for so long: what was under way has arrived. */
const STILL_MS = 8

/** No Sentinel takes the master for dead. */
const NEVER_MS = 600_000

export async function runFreezes(count: number, options: RunOptions): Promise<Freezes> {
  const { flavour, policy, ack, reads, clients, ioThreads, isApart } = options
  const ends: (() => unknown)[] = []
  const scope = { teardown: (end: () => unknown) => void ends.unshift(end) }
  try {
    const set = await SentinelSet.start({ flavour, downAfterMs: NEVER_MS, dataConfig: [`io-threads ${ioThreads}`] })
    scope.teardown(() => set.stopAll())
    const holdfast = await startHoldfast(scope, {
      sentinels: set.sentinelAddresses(),
      options: { 'retry-policy': policy, ...(ack === null ? {} : { ack }), ...(reads === null ? {} : { reads }) },
    })
    await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 20_000 })
    const master = await set.currentMaster()
    if (isApart) await setApart(set, master)
    const replicas = await Promise.all(
      set.nodes.filter(node => node !== master).map(({ port, host }) => RespClient.connect(port, host)),
    )
    const total = { freezes: 0, withApplied: 0, applied: 0, operations: 0 }
    let loadMs = 0
    let operations = 0
    for (let n = 1; total.freezes < count; n++) {
      const load = await startLoad(holdfast.port, clients, `freeze${n}`)
      await served(load)
      for (let i = 0; i < OF_ONE_LOAD && total.freezes < count; i++) {
        const [from, before] = [performance.now(), load.history.operations.length]
        await pause(50 + Math.random() * 50)
        // As in the proof's kills: it is the answer of a Sentinel that it comes behind.
        await set.currentMaster()
        const applied = await frozen(master, async () => {
          loadMs += performance.now() - from
          operations += load.history.operations.length - before
          return look(load, `freeze${n}`, replicas)
        })
        total.freezes++
        total.applied += applied
        if (applied > 0) total.withApplied++
        await served(load)
      }
      await load.stop()
    }
    total.operations = Math.round((1000 * operations) / loadMs)
    await Promise.all(replicas.map(replica => replica.close()))
    await holdfast.stop()
    return total
  } finally {
    for (const end of ends) await Promise.resolve(end()).catch?.(() => undefined)
  }
}

/** Runs `work` while the node stands still. */
async function frozen<T>({ pid }: Node, work: () => Promise<T>): Promise<T> {
  process.kill(pid, 'SIGSTOP')
  try {
    return await work()
  } finally {
    process.kill(pid, 'SIGCONT')
  }
}

async function served(load: Load): Promise<void> {
  const from = performance.now()
  await waitUntil('clients have replies again', () => lastOk(load) > from, { withinMs: 20_000 })
}

/** What the replica that would be promoted has, and nobody was told. */
async function look(load: Load, prefix: string, replicas: readonly RespClient[]): Promise<number> {
  let seen = ''
  let since = performance.now()
  let offsets: number[] = []
  const isStill = async (): Promise<boolean> => {
    const infos = await Promise.all(replicas.map(replica => replica.send('INFO', 'replication')))
    offsets = infos.map(info => Number(/slave_repl_offset:(\d+)/.exec(String(info))?.[1] ?? 0))
    const now = `${offsets.join()} ${lastOk(load)}`
    if (now !== seen) since = performance.now()
    seen = now
    return performance.now() - since > STILL_MS
  }
  await waitUntil('all that was under way has arrived', isStill, { withinMs: 10_000, everyMs: 2 })
  const most = replicas[offsets.indexOf(Math.max(...offsets))]
  if (most === undefined) throw new Error('there is no replica')
  const final = await readFinal(load.history, prefix, (...command) => most.send(...command))
  return countUnanswered(load.history.operations, final, `${prefix}:taken`)
}
