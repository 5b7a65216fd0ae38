// servers.ts: the servers of one switchover: the master, whoever may be promoted, and the Sentinel that is asked.
//
// Owns: one connection to each, from `open` to `close`. Never: decides anything.
import { type Address, formatAddress } from '../address.ts'
import { saysTilt } from '../check/sentinel-evidence.ts'
import type { Plan } from './plan.ts'
import { readReplication } from './replication.ts'
import { openServer, type Server } from './server.ts'
import type { NodeSight, Replication } from './sight.ts'
import { noAnswer, Trouble } from './trouble.ts'

export class Servers {
  readonly #open = new Map<NodeSight | 'sentinel', { readonly server: Server; readonly address: Address }>()

  /** @throws Trouble where one does not answer. */
  async open({ master, candidates, sentinel }: Plan): Promise<void> {
    const targets = [...[master, ...candidates].map(node => [node, node] as const), ['sentinel', sentinel] as const]
    await Promise.all(
      targets.map(async ([key, { address, target }]) => {
        const server = await openServer(target).catch((error: Error) => {
          throw noAnswer(address, error)
        })
        this.#open.set(key, { server, address })
      }),
    )
  }

  /** @throws Error: what the server says (a ReplyError); Trouble that says which one does not answer. */
  async ask(key: NodeSight | 'sentinel', name: string, ...rest: string[]): Promise<unknown> {
    const open = this.#open.get(key)
    if (open === undefined) throw new Trouble('a server was not asked for a connection', 'this is a bug')
    try {
      return await open.server.ask(name, ...rest)
    } catch (error) {
      throw error instanceof Error && error.name === 'ReplyError' ? error : noAnswer(open.address, error)
    }
  }

  /** @throws Error */
  async replicationOf(node: NodeSight): Promise<Replication> {
    const state = readReplication(String(await this.ask(node, 'INFO', 'replication')))
    if (state === null)
      throw new Trouble(`${formatAddress(node.address)} does not say how far it is`, 'run holdfast check')
    return state
  }

  /** As it may be since the check: a wait for the moment lasts up to a minute. False where our user may not ask. */
  async isSentinelInTilt(): Promise<boolean> {
    const info = await this.ask('sentinel', 'INFO', 'sentinel').catch(error => {
      if (error instanceof Trouble) throw error
      return ''
    })
    return saysTilt(info)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map(({ server }) => server.close()))
    this.#open.clear()
  }
}

/** Over a connection of its own: a demotion ends those that were open. Null: no answer. */
export async function askForReplication(node: NodeSight): Promise<Replication | null> {
  const server = await openServer(node.target).catch(() => null)
  if (server === null) return null
  const info = await server.ask('INFO', 'replication').catch(() => '')
  await server.close()
  return readReplication(String(info))
}
