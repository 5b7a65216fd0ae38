// server-load.ts: what the crowd costs a server: its commands, CPU and connections, five times a second.
//
// Owns: one connection to each server. Its own question is taken off the server's count.
import { RespClient } from '../../test/support/resp-client.ts'
import type { Node } from '../../test/support/sentinel-set.ts'
import { infoOf } from '../../test/support/set-health.ts'
import { processCpu } from '../measure.ts'

const EVERY_MS = 200

/** Counters of one server at one moment; subtract two of them. */
export interface Reading {
  readonly at: number
  readonly commands: number
  readonly cpuSeconds: number
  readonly connections: number
  readonly connectionsMade: number
}

export interface LoadWatch {
  readonly readings: ReadonlyMap<Node, readonly Reading[]>
  /** One more reading of each, now. */
  read(): Promise<void>
  stop(): void
}

/** Reads all `servers` at once and then until `stop()`. A server that does not answer is left out for that time. */
export async function watchLoad(servers: readonly Node[]): Promise<LoadWatch> {
  const readings = new Map<Node, Reading[]>(servers.map(node => [node, []]))
  const clients = new Map<Node, { client: RespClient; asked: number }>()
  const readOne = async (node: Node): Promise<void> => {
    const known = clients.get(node)
    const one = known?.client.isOpen ? known : { client: await RespClient.connect(node.port, node.host), asked: 0 }
    clients.set(node, one)
    const cpuSeconds = processCpu(node.pid).seconds
    const at = performance.now()
    const info = infoOf(await one.client.send('INFO'))
    const count = (name: string): number => Number(info.get(name) ?? 0)
    readings.get(node)?.push({
      at,
      commands: count('total_commands_processed') - one.asked++,
      cpuSeconds,
      connections: count('connected_clients'),
      connectionsMade: count('total_connections_received'),
    })
  }
  const read = async (): Promise<void> => {
    await Promise.all(servers.map(node => readOne(node).catch(() => undefined)))
  }
  let isOver = false
  let timer: NodeJS.Timeout | undefined
  const loop = (): void => {
    void read().then(() => {
      if (!isOver) timer = setTimeout(loop, EVERY_MS)
    })
  }
  await read()
  timer = setTimeout(loop, EVERY_MS)
  return {
    readings,
    read,
    stop: () => {
      isOver = true
      clearTimeout(timer)
      for (const { client } of clients.values()) client.reset()
    },
  }
}

/** Commands a second and the share of a core, over all readings. */
export function meanLoad(readings: readonly Reading[]): { commands: number; cpu: number } {
  const [first, last] = [readings[0], readings.at(-1)]
  if (!first || !last || last.at === first.at) return { commands: Number.NaN, cpu: Number.NaN }
  const seconds = (last.at - first.at) / 1_000
  return {
    commands: (last.commands - first.commands) / seconds,
    cpu: (last.cpuSeconds - first.cpuSeconds) / seconds,
  }
}

/** The most commands in any second, by readings that lie at least a second apart. */
export function peakCommands(readings: readonly Reading[]): number {
  let peak = 0
  for (const [i, from] of readings.entries()) {
    const to = readings.slice(i + 1).find(one => one.at - from.at >= 1_000)
    if (to === undefined) break
    peak = Math.max(peak, ((to.commands - from.commands) / (to.at - from.at)) * 1_000)
  }
  return peak
}
