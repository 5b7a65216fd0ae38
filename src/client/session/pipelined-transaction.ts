// pipelined-transaction.ts: is a MULTI's EXEC in hand already? Then the whole can go over a shared link as one unbroken
// request, which is how clients nearly always send it.

import { type CommandSpec, Route } from '../../command/command-spec.ts'
import type { DenyList } from '../../command/deny-list.ts'
import { lookupCommand } from '../../command/lookup.ts'
import { createUnit, type RequestOwner } from '../../relay/request.ts'
import { CommandScanner, FrameKind } from '../../resp/command-scanner.ts'
import { commandArgs } from '../../resp/decode.ts'
import { rememberScript } from '../commands/script-bodies.ts'
import type { SessionContext } from '../state/session-context.ts'
import { writes } from '../state/wait-answers.ts'

/** Routes of commands that, inside a transaction, change nothing about the connection. */
const allowed = new Uint8Array(32)
for (const route of [Route.shared, Route.script, Route.evalsha, Route.scan, Route.blocking, Route.maybeBlocking])
  allowed[route] = 1

export interface WholeTransaction {
  /** The offset behind its EXEC or DISCARD. */
  readonly end: number
  /** The indexes of its commands in the table of commands, MULTI first. */
  readonly indexes: readonly number[]
  /** Those that show us a script's body. */
  readonly scripts: readonly { readonly spec: CommandSpec; readonly frame: Buffer }[]
}

/**
 * Looks from just behind `multi` for the EXEC or DISCARD that ends it. null when the chunk ends first or something
 * inside needs a link of its own.
 */
export function findTransaction(
  chunk: Buffer,
  from: number,
  multi: CommandSpec,
  deny: DenyList,
): WholeTransaction | null {
  const scanner = new CommandScanner()
  const scripts: { spec: CommandSpec; frame: Buffer }[] = []
  const indexes = [multi.index]
  for (let at = from; at < chunk.length; ) {
    const end = scanner.next(chunk, at)
    if (end < 0 || scanner.kind !== FrameKind.command) return null
    const spec = lookupCommand(chunk, scanner.nameStart, scanner.nameLength)
    indexes.push(spec.index)
    if (spec.route === Route.exec || spec.route === Route.discard)
      return scanner.argc === 1 ? { end, indexes, scripts } : null
    if (allowed[spec.route] !== 1 || deny.hot[spec.index] !== 0 || !spec.known) return null
    if (spec.route === Route.script) scripts.push({ spec, frame: chunk.subarray(at, end) })
    at = end
  }
  return null
}

/** Sends it as one request, on the shared link. `bytes`: all of it. */
export function submitTransaction(
  session: SessionContext & RequestOwner,
  { indexes, scripts }: WholeTransaction,
  bytes: Buffer,
): void {
  const { lanes, counters } = session.host
  for (const { spec, frame } of scripts) rememberScript(lanes.scripts, spec, commandArgs(frame))
  for (const index of indexes) (counters.detail.calls[index] as number)++
  if (indexes.some(index => writes[index] === 1)) session.waits.wrote(session.place)
  session.submit(createUnit(session, bytes, indexes.length, indexes.length, null))
}
