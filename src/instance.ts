// instance.ts: the name by which the servers list the connections of this process, and how it is found in CLIENT LIST.
//
// Whoever looks at a master's CLIENT LIST must be able to tell what comes through a Holdfast, and through which: a
// client that does not is a writer that no Holdfast can hold. A link says its name in HELLO, which needs no right of its
// own. A session that names itself or its library takes that name away, so the library's name carries it behind, in
// the form of CLIENT SETINFO's documentation for a library within a library: `ioredis(holdfast-1f2e3d4c)`.
import { randomBytes } from 'node:crypto'

/** Another one for each process, also on the same host. */
export const instanceName = `holdfast-${randomBytes(4).toString('hex')}`

/** LIB-NAME of a link of a session that names its library `library`; '' names none. */
export function libraryThrough(library: string): string {
  return library === '' ? instanceName : `${library}(${instanceName})`
}

/** The process whose link has these two labels in CLIENT LIST; null: it comes through no Holdfast. */
export function instanceOf(name: string, library: string): string | null {
  const mark = /^holdfast-[0-9a-f]{8}$/.exec(name) ?? /(?<=^|\()holdfast-[0-9a-f]{8}(?=\)?$)/.exec(library)
  return mark?.[0] ?? null
}
