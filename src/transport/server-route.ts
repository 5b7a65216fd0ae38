// server-route.ts: says how to reach a server: which address to dial, and with what TLS.
//
//   announced address ──natMap──▶ address to dial
//                     └─ its name, or the option's ──▶ SNI and the names its certificate may bear
//
// New connections use changed files; open ones stay.
// Owns: the TLS material of one side (Redis or Sentinel) and the TLS sessions to resume. Never: dials, logs a secret,
// or replaces material that works by material that does not.
import { isIP, type LookupFunction, type Socket } from 'node:net'
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  type PeerCertificate,
  type SecureContext,
} from 'node:tls'
import { type Address, formatAddress } from '../address.ts'
import { createNameLookup, type NameLookup } from './name-lookup.ts'
import type { NatMap } from './nat-map.ts'
import {
  isSameMaterial,
  namesOf,
  readTlsFiles,
  type TlsFiles,
  type TlsMaterial,
  type TlsProblem,
  UnusableTls,
} from './tls-files.ts'
import type { ServerSide } from './tls-trouble.ts'

export interface ServerTls extends TlsFiles {
  /** null: the announced host. */
  readonly serverName: string | null
}

/** Where and how to dial one server now. */
export interface ServerRoute {
  readonly address: Address
  /** Resolves its name, for net.connect and tls.connect; left out: the system does. */
  readonly lookup?: LookupFunction
  /** Takes each socket that is dialled by it, before it is connected. */
  readonly follow?: (socket: Socket) => void
  /** For tls.connect, beside host and port; null: plain TCP. */
  readonly tls: ConnectionOptions | null
  /** Takes a session ticket of this connection, or null when TLS with the last one has failed. */
  readonly keep: (session: Buffer | null) => void
}

/** The limit of kept TLS sessions: a set has a few nodes, and an announced name may never come again. */
const MAX_TLS_SESSIONS = 64

const nothing = (): void => undefined

export class ServerRoutes {
  readonly side: ServerSide
  readonly files: readonly string[]
  readonly #nat: NatMap
  readonly #tls: ServerTls | null
  readonly #names: NameLookup
  #context: SecureContext | null = null
  #material: TlsMaterial | null = null
  readonly #sessions = new Map<string, Buffer>()

  /** `names` left out: it makes its own. @throws UnusableTls */
  constructor(side: ServerSide, { tls, nat, names }: { tls: ServerTls | null; nat: NatMap; names?: NameLookup }) {
    this.side = side
    this.#nat = nat
    this.#tls = tls
    this.#names = names ?? createNameLookup()
    this.files = tls === null ? [] : namesOf(tls)
    const { problems } = this.reload()
    if (problems.length > 0) throw new UnusableTls(problems)
  }

  get usesTls(): boolean {
    return this.#tls !== null
  }

  /** The address to dial for this one. */
  target(announced: Address): Address {
    return this.#nat(announced)
  }

  route(announced: Address): ServerRoute {
    const address = this.#nat(announced)
    const { lookup, follow } = this.#names
    const byName = { address, lookup, follow: (socket: Socket) => follow(address.host, socket) }
    if (this.#tls === null || this.#context === null) return { ...byName, tls: null, keep: nothing }
    const names = this.#tls.serverName === null ? [announced.host, address.host] : [this.#tls.serverName]
    const key = formatAddress(announced)
    const session = this.#sessions.get(key)
    const context = this.#context
    const serverName = names.find(name => isIP(name) === 0)
    const tls: ConnectionOptions = {
      secureContext: context,
      checkServerIdentity: (_host, certificate) => checkNames(names, certificate),
      ...(serverName !== undefined && { servername: serverName }),
      ...(session !== undefined && { session }),
    }
    return { ...byName, tls, keep: ticket => context === this.#context && this.#keep(key, ticket) }
  }

  /** Reads the files again. Where something is wrong with them, it answers that, and the material in use stays. */
  reload(): { changed: boolean; problems: TlsProblem[] } {
    if (this.#tls === null) return { changed: false, problems: [] }
    const read = readTlsFiles(this.#tls, Date.now())
    if ('problems' in read) return { changed: false, problems: read.problems }
    if (this.#material !== null && isSameMaterial(this.#material, read.material))
      return { changed: false, problems: [] }
    this.#material = read.material
    this.#context = createSecureContext(read.material)
    // A resumed session is not verified again, so none may outlive the material that made it.
    this.#sessions.clear()
    return { changed: true, problems: [] }
  }

  #keep(key: string, ticket: Buffer | null): void {
    this.#sessions.delete(key)
    if (ticket === null) return
    this.#sessions.set(key, ticket)
    const [oldest] = this.#sessions.keys()
    if (this.#sessions.size > MAX_TLS_SESSIONS && oldest !== undefined) this.#sessions.delete(oldest)
  }
}

/** The certificate must have one of the names: the announced one, or, behind a NAT map, the dialled one. */
function checkNames(names: readonly string[], certificate: PeerCertificate): Error | undefined {
  const problems = names.map(name => checkServerIdentity(name, certificate))
  return problems.includes(undefined) ? undefined : problems[0]
}
