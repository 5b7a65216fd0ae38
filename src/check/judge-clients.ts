// judge-clients.ts: judges the client libraries that sessions name: which of them wait less long by default than a
// command may be held. Pure. Knows a library only by its name; what the application has set, nobody can see.
import { type Library, libraryOf, RELAXED_MS, shortTimeout, timeoutRemedy } from '../ops/client-libraries.ts'
import type { ClientEvidence, Evidence } from './evidence.ts'
import { type Finding, ok, warning } from './finding.ts'
import type { CheckSettings } from './settings.ts'

const subject = 'clients'

/** The sessions of the proxy that runs, and the libraries that only the nodes name: clients beside the proxy. */
export function* judgeClients(
  { clients, clientsUnseen, nodes }: Evidence,
  { holdLimitMs }: CheckSettings,
): Iterable<Finding> {
  if (clientsUnseen !== null) {
    const text = `the sessions of the proxy are left out: ${clientsUnseen}`
    yield { level: 'note', id: 'note', subject, text, remedy: null }
  }
  if (clients !== null && clients.length > 0) yield ok(subject, aboutSessions(clients))
  const told = new Set<Library>()
  for (const client of clients ?? []) {
    const library = shortOf(client.library, client.version, holdLimitMs)
    if (library === null) continue
    told.add(library)
    yield* judgeSessions(client, library, holdLimitMs)
  }
  for (const [name, version] of nodes.flatMap(({ libraries }) => libraries)) {
    const library = shortOf(name, version, holdLimitMs)
    if (library === null || told.has(library)) continue
    told.add(library)
    yield warning('clients.short_timeout', subject, shortTimeout(library, holdLimitMs), timeoutRemedy(library))
  }
}

function shortOf(name: string, version: string, limitMs: number): Library | null {
  const library = libraryOf(name, version)
  return library !== null && library.timeoutMs < limitMs ? library : null
}

/** Whoever is told of holds waits longer in one, and still not for ever. */
function* judgeSessions(client: ClientEvidence, library: Library, limitMs: number): Iterable<Finding> {
  const { sessions, toldOfHolds } = client
  const untold = sessions - toldOfHolds
  if (untold > 0) {
    const what = `${countOf(untold)} of ${nameOf(client)}: ${shortTimeout(library, limitMs)}`
    yield warning('clients.short_timeout', subject, what, timeoutRemedy(library))
  }
  if (toldOfHolds > 0 && RELAXED_MS < limitMs) {
    const what =
      `${countOf(toldOfHolds)} of ${nameOf(client)}: told of holds, so a command is given up after ` +
      `${RELAXED_MS / 1000} s, not ${library.timeoutMs / 1000} s, and one may wait ${limitMs / 1000} s here`
    yield { level: 'note', id: 'note', subject, text: what, remedy: null }
  }
}

function aboutSessions(clients: readonly ClientEvidence[]): string {
  const total = clients.reduce((sum, { sessions }) => sum + sessions, 0)
  const each = clients.map(client => {
    const told = client.toldOfHolds > 0 ? `, ${client.toldOfHolds} told of holds` : ''
    return `${nameOf(client)} (${client.sessions}${told})`
  })
  return `${countOf(total)} at the proxy: ${each.join(', ')}`
}

const countOf = (sessions: number): string => `${sessions} ${sessions === 1 ? 'session' : 'sessions'}`
const nameOf = ({ library, version }: ClientEvidence): string =>
  library === '' ? 'no name' : `${library}${version === '' ? '' : ` ${version}`}`
