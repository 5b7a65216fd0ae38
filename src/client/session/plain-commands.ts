// plain-commands.ts: which commands go straight to the session's link, without dispatch: those the table knows, whose
// route is `shared` or `evalsha`, and which --deny-commands does not name. One byte by the command's index, for the hot
// loop of the reader.
//
// Before a client has signed in, and inside MULTI, none does; that the reader knows. Never: knows sessions.
import { commandSpecs } from '../../command/catalog.ts'
import { Route } from '../../command/command-spec.ts'
import type { DenyList } from '../../command/deny-list.ts'
import { Marking, markings } from '../../command/marking.ts'
import { writes } from '../state/wait-answers.ts'

/**
 * One request, one reply, nothing left behind or refused: passed on without a look. And whether it may write. The bits
 * above are those of `Marking`.
 */
export const Plain = {
  no: 0,
  yes: 1,
  writes: 2,
  marking: Marking.writes | Marking.apart | Marking.shows | Marking.master,
} as const

/** No command is passed on without a look: the session has not signed in. */
export const nothingPlain = new Uint8Array(commandSpecs.length)

const tables = new WeakMap<DenyList, Uint8Array>()

/** `Plain` bits by the command's index; one table for all sessions with this list. */
export function plainCommands(deny: DenyList): Uint8Array {
  let table = tables.get(deny)
  if (table === undefined) {
    table = Uint8Array.from(commandSpecs, ({ known, route, index }) => {
      const isPlain = known && (route === Route.shared || route === Route.evalsha) && deny.hot[index] === 0
      return isPlain ? Plain.yes | (writes[index] === 1 ? Plain.writes : 0) | (markings[index] as number) : Plain.no
    })
    tables.set(deny, table)
  }
  return table
}
