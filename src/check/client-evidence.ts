// client-evidence.ts: asks the admin port of the running proxy which libraries its clients name. Judges nothing.
import { get } from 'node:http'
import { type Address, reachable } from '../address.ts'
import type { ClientEvidence } from './evidence.ts'

const ANSWER_LIMIT_MS = 1000
/** A page of /status is some kilobytes; what is larger is something else. */
const MAX_BYTES = 1_000_000

/**
 * The clients of this master. Null where nothing answers there as a Holdfast does; then the proxy does not run, or runs
 * elsewhere.
 */
export async function clientEvidence(admin: Address, masterName: string): Promise<ClientEvidence[] | null> {
  const page = await pageOf(reachable(admin))
  return page === null ? null : librariesOf(page, masterName)
}

function pageOf({ host, port }: Address): Promise<string | null> {
  return new Promise(resolve => {
    const request = get({ host, port, path: '/status', agent: false }, response => {
      let page = ''
      response.setEncoding('utf8').on('data', (text: string) => {
        page += text
        if (page.length > MAX_BYTES) finish(null)
      })
      response.once('end', () => finish(response.statusCode === 200 ? page : null))
      response.once('error', () => finish(null))
    })
    const timer = setTimeout(() => finish(null), ANSWER_LIMIT_MS)
    const finish = (found: string | null): void => {
      clearTimeout(timer)
      request.destroy()
      resolve(found)
    }
    request.on('error', () => finish(null))
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
    const { sessions } = status.masters?.find(one => one.masterName === masterName) ?? status
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
