// library-census.ts: which libraries the open sessions name (CLIENT SETINFO), counted when somebody asks. Pure.
import type { LibrarySnapshot } from '../../ops/snapshot.ts'

/** The part of a session that is looked at. */
export interface NamedSession {
  readonly id: number
  readonly state: { readonly libName: string; readonly libVersion: string }
}

/** A client can name anything: sessions beyond so many names are counted under `other`. */
const MAX_LIBRARIES = 100

/** The most frequent first. Sessions that name nothing are counted under ''. `isToldOfHolds`: see handoff-notices.ts. */
export function censusOf(
  sessions: Iterable<NamedSession>,
  isToldOfHolds: (session: number) => boolean,
): LibrarySnapshot[] {
  const counts = new Map<string, { library: string; version: string; sessions: number; toldOfHolds: number }>()
  for (const { id, state } of sessions) {
    const known = `${state.libName} ${state.libVersion}`
    const isNew = !counts.has(known)
    const isOther = isNew && counts.size >= MAX_LIBRARIES
    const key = isOther ? 'other ' : known
    let count = counts.get(key)
    if (count === undefined) {
      const [library, version] = isOther ? ['other', ''] : [state.libName, state.libVersion]
      count = { library, version, sessions: 0, toldOfHolds: 0 }
      counts.set(key, count)
    }
    count.sessions++
    if (isToldOfHolds(id)) count.toldOfHolds++
  }
  return [...counts.values()].sort((a, b) => b.sessions - a.sessions)
}
