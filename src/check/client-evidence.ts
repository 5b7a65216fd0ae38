// client-evidence.ts: asks the admin port of the running proxy which libraries its clients name. Judges nothing.
import { get } from 'node:http'
import { type Address, formatAddress, reachable } from '../address.ts'
import type { ClientEvidence, Evidence } from './evidence.ts'

/** As long as a server has in all. */
const ANSWER_LIMIT_MS = 2000
/** A page of /status is some kilobytes; what is larger is something else. */
const MAX_BYTES = 1_000_000

/** The clients of this master at the proxy that runs, or why nobody knows them. */
export async function clientEvidence(
  admin: Address,
  masterName: string,
): Promise<Pick<Evidence, 'clients' | 'clientsUnseen'>> {
  const page = await pageOf(reachable(admin))
  const clients = 'text' in page ? librariesOf(page.text, masterName) : null
  if (clients !== null) return { clients, clientsUnseen: null }
  const why = 'text' in page ? `does not tell them of the master ${masterName}` : page.why
  return { clients: null, clientsUnseen: `the admin port ${formatAddress(admin)} ${why}` }
}

/** `why`: follows the name of the port. */
type Page = { readonly text: string } | { readonly why: string }

function pageOf({ host, port }: Address): Promise<Page> {
  return new Promise(resolve => {
    const request = get({ host, port, path: '/status', agent: false }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (more: string) => {
        text += more
        if (text.length > MAX_BYTES) finish({ why: 'answers as no Holdfast does' })
      })
      const { statusCode } = response
      response.once('end', () => finish(statusCode === 200 ? { text } : { why: `answers with HTTP ${statusCode}` }))
      response.once('error', failed)
    })
    const late = { why: `has not answered within ${ANSWER_LIMIT_MS} ms` }
    const timer = setTimeout(() => finish(late), ANSWER_LIMIT_MS)
    const finish = (found: Page): void => {
      clearTimeout(timer)
      request.destroy()
      resolve(found)
    }
    const failed = ({ code, message }: NodeJS.ErrnoException): void =>
      finish({ why: `cannot be asked (${code ?? message})` })
    request.on('error', failed)
  })
}

interface StatusOfMaster {
  readonly masterName?: unknown
  readonly sessions?: { readonly libraries?: unknown }
}

/** `sessions.libraries` of the page, or of the master's part of it where there are several. */
function librariesOf(page: string, masterName: string): ClientEvidence[] | null {
  try {
    const status = JSON.parse(page) as StatusOfMaster & { readonly masters?: readonly StatusOfMaster[] }
    const sessions = (status.masters ?? [status]).find(one => one.masterName === masterName)?.sessions
    return Array.isArray(sessions?.libraries) ? sessions.libraries.flatMap(countOf) : null
  } catch {
    return null
  }
}

function countOf(entry: unknown): ClientEvidence[] {
  if (typeof entry !== 'object' || entry === null) return []
  const { library, version, sessions, toldOfHolds } = entry as Readonly<Record<string, unknown>>
  if (typeof library !== 'string' || typeof version !== 'string') return []
  return [{ library, version, sessions: Number(sessions), toldOfHolds: Number(toldOfHolds) }]
}
