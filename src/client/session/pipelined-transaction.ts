// pipelined-transaction.ts: is a MULTI's EXEC in hand already? Then the whole can go over a shared link as one unbroken
// request, which is how clients nearly always send it.

import { type CommandSpec, Route } from '../../command/command-spec.ts'
import type { DenyList } from '../../command/deny-list.ts'
import { lookupCommand } from '../../command/lookup.ts'
import { CommandScanner, FrameKind } from '../../resp/command-scanner.ts'

/** Routes of commands that, inside a transaction, change nothing about the connection. */
const allowed = new Uint8Array(32)
for (const route of [Route.shared, Route.script, Route.evalsha, Route.scan, Route.blocking, Route.maybeBlocking])
  allowed[route] = 1

export interface WholeTransaction {
  /** The offset behind its EXEC or DISCARD. */
  readonly end: number
  /** Commands behind MULTI, the last included. */
  readonly commands: number
  /** Their indexes in the table of commands. */
  readonly indexes: readonly number[]
  /** Those that show us a script's body. */
  readonly scripts: readonly { readonly spec: CommandSpec; readonly frame: Buffer }[]
}

/**
 * Looks from just behind MULTI for the EXEC or DISCARD that ends it. null when the chunk ends first or something inside
 * needs a link of its own.
 */
export function findTransaction(chunk: Buffer, from: number, deny: DenyList): WholeTransaction | null {
  const scanner = new CommandScanner()
  const scripts: { spec: CommandSpec; frame: Buffer }[] = []
  const indexes: number[] = []
  for (let at = from; at < chunk.length; ) {
    const end = scanner.next(chunk, at)
    if (end < 0 || scanner.kind !== FrameKind.command) return null
    const spec = lookupCommand(chunk, scanner.nameStart, scanner.nameLength)
    indexes.push(spec.index)
    if (spec.route === Route.exec || spec.route === Route.discard)
      return scanner.argc === 1 ? { end, commands: indexes.length, indexes, scripts } : null
    if (allowed[spec.route] !== 1 || deny.hot[spec.index] !== 0 || !spec.known) return null
    if (spec.route === Route.script) scripts.push({ spec, frame: chunk.subarray(at, end) })
    at = end
  }
  return null
}
