// observe.ts: asks every data node all the time what it is and how many writes of clients it has run.
//
// Owns: one connection to each node, asked again as soon as it has answered and the interval has passed. A stopped node
// answers when it wakes up. Never: judges (judge.ts does).
import { RespClient } from '../support/resp-client.ts'
import type { Node } from '../support/sentinel-set.ts'
import { infoOf } from '../support/set-health.ts'

/** One answer of one node. Times are Date.now(). */
export interface Look {
  readonly node: string
  readonly askedAt: number
  readonly answeredAt: number
  /** Another one: the process was restarted in between. */
  readonly runId: string
  readonly role: string
  /** Calls of commands that write the loads' data, of clients and, on a replica, of its master. */
  readonly writes: number
}

export interface Observation {
  readonly looks: Look[]
  stop(): Promise<void>
}

const everyMs = 25
/**
 * Not BLPOP: a node counts its call when the wait is over, so one that times out there, and pops nothing, would look
 * like a write; one that pops needs an RPUSH on the same node, which is counted. Not EXEC: what it runs counts by itself.
 * Under `once` each link opens with an EXEC that writes markers, and a link that was being dialled when Holdfast was
 * stopped says its opening to the old master when it wakes up: no client's data is in it.
 */
const writing = /^cmdstat_(?:set|incr|rpush|xadd):calls=(\d+)/gm

/** How many commands that write the loads' data the node has run. `text`: of INFO commandstats. */
export function writesIn(text: string): number {
  return [...text.matchAll(writing)].reduce((sum, match) => sum + Number(match[1]), 0)
}

/** Looks at all nodes until it is stopped. */
export function observeNodes(nodes: readonly Node[]): Observation {
  const looks: Look[] = []
  const clients = new Set<RespClient>()
  let stopped = false
  const loops = nodes.map(async node => {
    let client: RespClient | null = null as RespClient | null
    while (!stopped) {
      try {
        if (client === null || !client.isOpen) client = await dial(node, clients)
        looks.push(await look(client, node))
      } catch {
        // It is down, or has ended our connection: asked again.
      }
      await new Promise(resolve => setTimeout(resolve, everyMs))
    }
  })
  return {
    looks,
    stop: async () => {
      stopped = true
      for (const client of clients) client.reset()
      await Promise.all(loops)
    },
  }
}

async function dial(node: Node, clients: Set<RespClient>): Promise<RespClient> {
  const client = await RespClient.connect(node.port, node.host, { connectTimeoutMs: 500 })
  clients.add(client)
  return client
}

async function look(client: RespClient, node: Node): Promise<Look> {
  const askedAt = Date.now()
  const text = String(await client.send('INFO', 'server', 'replication', 'commandstats'))
  const info = infoOf(text)
  return {
    node: `${node.host}:${node.port}`,
    askedAt,
    answeredAt: Date.now(),
    runId: info.get('run_id') ?? '',
    role: info.get('role') ?? '',
    writes: writesIn(text),
  }
}
