// server.ts: one connection to a node or Sentinel that stays open through the switchover: while clients wait, no
// question waits for a connection.
import type { Target } from '../check/ask.ts'
import { closeClient, createClient, reasonOf } from '../sentinel/ioredis-client.ts'

/** For each question: clients wait meanwhile. */
const ANSWER_MS = 1_000

export interface Server {
  /** @throws Error: what the server says, or that it does not answer. */
  ask(name: string, ...rest: readonly string[]): Promise<unknown>
  close(): Promise<void>
}

/** @throws Error */
export async function openServer({ route, username, password, helloSignsIn = false }: Target): Promise<Server> {
  let last: string | null = null
  const limits = { connectTimeoutMs: ANSWER_MS, commandTimeoutMs: ANSWER_MS }
  // A connection that asks nothing is not silent.
  const silenceTimeoutMs = 60_000
  const client = createClient(
    { route, protocol: helloSignsIn ? 3 : 2, username, password, name: 'holdfast-check', ...limits, silenceTimeoutMs },
    error => {
      last = reasonOf(error)
    },
  )
  try {
    await client.connect()
  } catch (error) {
    await closeClient(client)
    throw new Error(last ?? reasonOf(error))
  }
  return {
    ask: (name, ...rest) => client.call(name, ...rest),
    close: () => closeClient(client),
  }
}
