// others.ts: how much of this machine had other work while something was measured.
import { availableParallelism } from 'node:os'
import { isRunning, type Node } from '../../test/support/servers.ts'
import { machine, processCpu } from '../measure.ts'

/** What is ours on this machine: servers, and CPU seconds of whatever else so far. */
export interface Ours {
  readonly servers: readonly Node[]
  readonly otherSeconds: () => Promise<number>
}

/** Calls for the share (0..1) of the machine that neither this process nor `ours` has used since. */
export async function watchOthers(ours: Ours): Promise<() => Promise<number>> {
  const before = await read(ours)
  return async () => {
    const after = await read(ours)
    let busy = after.busy - before.busy - (after.own - before.own)
    // A server that was killed has counted until then, and counts no more: what it used is small.
    for (const [node, seconds] of after.servers) busy -= seconds - (before.servers.get(node) ?? 0)
    return Math.max(0, busy / (((after.at - before.at) / 1_000) * availableParallelism()))
  }
}

interface Reading {
  readonly at: number
  readonly busy: number
  readonly own: number
  readonly servers: ReadonlyMap<Node, number>
}

async function read({ servers, otherSeconds }: Ours): Promise<Reading> {
  const { user, system } = process.cpuUsage()
  const own = (user + system) / 1e6 + (await otherSeconds())
  const running = servers.filter(isRunning)
  return {
    at: performance.now(),
    busy: machine().machineBusy,
    own,
    servers: new Map(running.map(node => [node, processCpu(node.pid).seconds])),
  }
}
