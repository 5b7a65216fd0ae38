// instance.ts: the name by which the servers list the connections of this process, and how it is found in CLIENT LIST.
//
// Whoever looks at a master's CLIENT LIST must be able to tell what comes through a Holdfast, and through which: a
// client that does not is a writer that no Holdfast can hold. A link that many sessions share says the name in HELLO,
// which costs no command and needs no right of its own. A session's own link has the labels that the client gave it,
// and nothing else: CLIENT INFO says what it would say without a Holdfast.
import { randomBytes } from 'node:crypto'

/** Another one for each process, also on the same host. */
export const instanceName = `holdfast-${randomBytes(4).toString('hex')}`

/** The process whose link has this name in CLIENT LIST; null: it is no link that sessions share. */
export function instanceOf(name: string): string | null {
  return /^holdfast-[0-9a-f]{8}$/.test(name) ? name : null
}
