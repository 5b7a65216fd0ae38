// faults.ts: what each kind of fault does to the deployment, and how it is healed. One entry per kind.
//
// Each action answers when the deployment is whole again. What may be lost because of it is noted in `crashes`, with
// the time at which it struck: Redis replicates asynchronously, so only a crash explains an acknowledged write that is
// gone.
import { setTimeout as pause } from 'node:timers/promises'
import type { FaultyLink } from '../support/faulty-link.ts'
import { nowMs } from '../support/ledger.ts'
import type { Node, SentinelSet } from '../support/sentinel-set.ts'
import type { ProxyProcess } from './proxy-process.ts'
import type { FaultKind, PlannedFault } from './schedule.ts'

export interface FaultWorld {
  readonly set: SentinelSet
  readonly proxy: ProxyProcess
  /** The proxy's way to each Sentinel it was told of. */
  readonly sentinelLinks: readonly FaultyLink[]
  /** When a master was killed or stopped, milliseconds since the epoch. */
  readonly crashes: number[]
}

type Action = (world: FaultWorld, fault: PlannedFault) => Promise<void>

/**
 * Longer than a Sentinel's TILT and several elections that come to nothing, each of which costs 20 s: see elections.ts.
 */
const electMs = 150_000
/** As long as the set may take to demote an old master and to see all of itself. */
const settleMs = 90_000

export const faults: Readonly<Record<FaultKind, Action>> = {
  kill: async (world, { pick, ms }) => {
    const { set } = world
    const master = await set.currentMaster()
    await crash(world, () => set.kill(master))
    await set.waitForNewMaster(master, { withinMs: electMs })
    // Back at once, it says for seconds that it is a master; nobody may write to it.
    if (pick < 0.5) await pause(ms)
    await set.restart(master)
    await set.settle({ withinMs: settleMs, pace: 'usual' })
  },
  term: async ({ set }) => {
    const master = await set.currentMaster()
    await set.term(master)
    await set.waitForNewMaster(master, { withinMs: electMs })
    await set.restart(master)
    await set.settle({ withinMs: settleMs, pace: 'usual' })
  },
  'freeze-long': async (world, { ms }) => {
    const { set } = world
    const master = await set.currentMaster()
    await crash(world, () => set.stop(master))
    await set.waitForNewMaster(master, { withinMs: electMs })
    await pause(ms)
    await set.resume(master)
    await set.settle({ withinMs: settleMs, pace: 'usual' })
  },
  'freeze-short': async ({ set }, { ms }) => {
    const master = await set.currentMaster()
    await set.stop(master)
    await pause(ms)
    await set.resume(master)
    await set.settle({ withinMs: settleMs, pace: 'usual' })
  },
  failover: async ({ set }) => {
    const master = await set.currentMaster()
    await set.failover({ withinMs: electMs })
    await set.waitForNewMaster(master, { withinMs: electMs })
    await set.settle({ withinMs: settleMs, pace: 'usual' })
  },
  'replica-kill': async ({ set }, { pick, ms }) => {
    const master = await set.currentMaster()
    const replica = choose(
      set.nodes.filter(node => node !== master),
      pick,
    )
    await set.kill(replica)
    await pause(ms)
    await set.restart(replica)
    await set.settle({ withinMs: settleMs, pace: 'usual' })
  },
  'sentinel-kill': async ({ set }, { pick, ms }) => {
    const sentinel = choose(set.sentinels, pick)
    await set.kill(sentinel)
    await pause(2 * ms)
    await set.restart(sentinel)
    await set.settle({ withinMs: settleMs, pace: 'usual' })
  },
  'sentinel-freeze': async ({ set }, { pick, ms }) => {
    const sentinel = choose(set.sentinels, pick)
    await set.stop(sentinel)
    await pause(4 * ms)
    await set.resume(sentinel)
    await set.settle({ withinMs: settleMs, pace: 'usual' })
  },
  'sentinel-and-master-kill': async (world, { pick }) => {
    const { set } = world
    const sentinel = choose(set.sentinels, pick)
    const master = await set.currentMaster()
    await set.kill(sentinel)
    await crash(world, () => set.kill(master))
    await set.waitForNewMaster(master, { withinMs: electMs })
    await set.restart(master)
    await set.restart(sentinel)
    await set.settle({ withinMs: settleMs, pace: 'usual' })
  },
  'sentinel-links-reset': async ({ sentinelLinks }) => {
    for (const link of sentinelLinks) link.reset()
  },
  'sentinel-links-stall': async ({ sentinelLinks }, { ms }) => {
    for (const link of sentinelLinks) link.stall('both')
    await pause(4 * ms)
    for (const link of sentinelLinks) link.resume()
  },
  'links-cut': async ({ set }) => {
    await set.command(await set.currentMaster(), 'CLIENT', 'KILL', 'TYPE', 'normal')
  },
  'pause-all': async ({ set }, { ms }) => {
    await set.command(await set.currentMaster(), 'CLIENT', 'PAUSE', String(ms), 'ALL')
    await pause(ms)
  },
  'pause-writes': async ({ set }, { ms }) => {
    await set.command(await set.currentMaster(), 'CLIENT', 'PAUSE', String(ms), 'WRITE')
    await pause(ms)
  },
  'proxy-freeze': async ({ proxy }, { ms }) => {
    proxy.signal('SIGSTOP')
    await pause(2 * ms)
    proxy.signal('SIGCONT')
  },
}

async function crash({ crashes }: FaultWorld, strike: () => Promise<void>): Promise<void> {
  crashes.push(nowMs())
  await strike()
}

function choose(nodes: readonly Node[], pick: number): Node {
  const node = nodes[Math.min(nodes.length - 1, Math.floor(pick * nodes.length))]
  if (node === undefined) throw new Error('nothing to choose from')
  return node
}
