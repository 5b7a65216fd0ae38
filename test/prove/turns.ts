// turns.ts: what one client of a load does in one turn, and how that gets into the history.
import type { RespClient, Value } from '../support/resp-client.ts'
import { end, type History, type Kind, lose, type Operation } from './history.ts'

/** One client's next pipeline: what it sends, and which replies are of which operation. */
export interface Burst {
  readonly commands: readonly (readonly string[])[]
  /** By the place of the reply. */
  readonly operations: ReadonlyMap<number, Operation>
}

export interface Turn {
  readonly history: History
  readonly client: string
  readonly n: number
  /** Of all keys of the round. */
  readonly prefix: string
  readonly registers: Registers
}

/** How many operations on registers there were in this round. */
export interface Registers {
  used: number
}

export function burst(...parts: readonly (readonly [command: readonly string[], operation?: Operation])[]): Burst {
  const operations = new Map<number, Operation>()
  for (const [i, [, operation]] of parts.entries()) if (operation !== undefined) operations.set(i, operation)
  return { commands: parts.map(([command]) => command), operations }
}

export function op({ history, client }: Turn, kind: Kind, key: string, element?: string): Operation {
  return history.begin(client, kind, key, element)
}

/** What the clients of a load do: each does one of these, again and again. */
export interface Work {
  /** Once, before all others. */
  readonly prepare?: (client: RespClient, prefix: string) => Promise<void>
  readonly pipelines: readonly ((turn: Turn) => Burst)[]
  /** What waits for replies in between. */
  readonly slowly: readonly ((client: RespClient, turn: Turn) => Promise<void>)[]
}

/** A lost race is the truth about keys whose link was lost, too: nothing of it ran. */
export function noteRace(operation: Operation, exec: Value): void {
  if (exec === null) operation.told = 'not-run'
}

export async function settle(reply: Promise<Value>, operation: Operation | undefined): Promise<Value> {
  try {
    const value = await reply
    if (operation !== undefined) end(operation, value)
    return value
  } catch (error) {
    if (operation !== undefined) lose(operation, String(error))
    throw error
  }
}
