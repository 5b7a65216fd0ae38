// command-list.ts: asks a confirmed master for its COMMAND list, once, on a connection of its own.
// Where the node gives no list (no rights, an error, no answer in time), its commands stay unknown.
import { type Missing, missingOf } from '../ops/missing-rights.ts'
import type { Login } from '../transport/password.ts'
import type { ServerRoute } from '../transport/server-route.ts'
import { closeClient, createClient, reasonOf } from './ioredis-client.ts'

const TIMEOUT_MS = 2000

/** Flags by lower-case name, a subcommand's as `container|name`; undefined without a list. Never rejects. */
export async function fetchCommandFlags(
  route: ServerRoute,
  { username, password }: Login,
  onMissing: (missing: Missing) => void,
): Promise<Map<string, Set<string>> | undefined> {
  const client = createClient(
    {
      route,
      protocol: 2,
      username,
      password: password.current,
      name: 'holdfast-watcher',
      connectTimeoutMs: TIMEOUT_MS,
      commandTimeoutMs: TIMEOUT_MS,
    },
    () => {},
  )
  try {
    await client.connect()
    return readCommandFlags(await client.call('COMMAND'))
  } catch (error) {
    const missing = missingOf('command', reasonOf(error))
    if (missing) onMissing(missing)
    return undefined
  } finally {
    await closeClient(client)
  }
}

/**
 * COMMAND's reply is a list of [name, arity, [flag, ...], ...]; since Redis 7.0 the tenth of a container's values is
 * such a list of its subcommands, whose names are whole (`config|get`). Pure.
 */
export function readCommandFlags(reply: unknown): Map<string, Set<string>> {
  const flags = new Map<string, Set<string>>()
  const rows: unknown[] = Array.isArray(reply) ? reply : []
  for (const row of rows) {
    addFlags(flags, row)
    const subcommands: unknown = Array.isArray(row) ? row[9] : undefined
    if (Array.isArray(subcommands)) for (const subcommand of subcommands) addFlags(flags, subcommand)
  }
  return flags
}

function addFlags(flags: Map<string, Set<string>>, row: unknown): void {
  if (!Array.isArray(row)) return
  const [name, , words]: unknown[] = row
  if (typeof name === 'string' && Array.isArray(words)) flags.set(name.toLowerCase(), new Set(words.map(String)))
}
