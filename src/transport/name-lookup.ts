// name-lookup.ts: resolves host names for every dial, one look-up at a time per name, the last answer as a fallback.
//
//   dial ──▶ lookup(name) ──▶ joins the one under way, or begins one ──▶ addresses, remembered
//                        └── it fails, or takes long: the last good addresses, while they are known to be right
//
// Node resolves names in a pool of four threads. While the name server does not answer, each dial would take one of
// them for seconds, and the read of a password file would wait. A name that cannot be resolved keeps its last address:
// the node is probably still there, while a connection to it stands and for ten minutes after. An older address may be a
// stranger's by now. Every dial asks anew all the same, to find a change of address.
// Owns: what names resolved to. Never: dials, or decides whether the right node answers (role and run id decide that).
import { lookup as systemLookup } from 'node:dns/promises'
import { isIP, type LookupFunction, type Socket } from 'node:net'

export interface Resolved {
  readonly address: string
  readonly family: number
}

export interface NameLookupOptions {
  /** Left out: the resolver of the system. */
  readonly resolve?: (name: string) => Promise<readonly Resolved[]>
  /** Called when a dial uses the last good addresses of a name, with the cause. */
  readonly onStale?: (name: string, cause: string, addresses: readonly string[]) => void
  /** Milliseconds of a monotonic clock; left out: performance.now. */
  readonly clock?: () => number
}

/** After this a dial uses the last good address, if there is one. */
const SLOW_MS = 500
/** So long a last good address is used. "No such name" wins after this, even while a connection stands. */
const GOOD_MS = 600_000
/** It remembers this many names; the oldest is forgotten. */
const MAX_NAMES = 256

interface Good {
  readonly addresses: readonly Resolved[]
  readonly answeredAt: number
  /** When the answer came, or when the last connection by it ended. */
  readonly provenAt: number
}

export interface NameLookup {
  /** For the option `lookup` of net.connect and tls.connect. */
  readonly lookup: LookupFunction
  /** A connection is being made by this name: while it stands, the name's last address holds. */
  follow(name: string, socket: Socket): void
}

/** One per process. */
export function createNameLookup({
  resolve = resolveBySystem,
  onStale = () => {},
  clock = () => performance.now(),
}: NameLookupOptions = {}): NameLookup {
  const underWay = new Map<string, Promise<readonly Resolved[]>>()
  const good = new Map<string, Good>()
  /** How many connections stand, by name and address. */
  const standing = new Map<string, number>()

  const begin = (name: string): Promise<readonly Resolved[]> => {
    const running = resolve(name).then(addresses => {
      const now = clock()
      good.delete(name)
      good.set(name, { addresses, answeredAt: now, provenAt: now })
      const [oldest] = good.keys()
      if (good.size > MAX_NAMES && oldest !== undefined) good.delete(oldest)
      return addresses
    })
    underWay.set(name, running)
    const end = (): void => void underWay.delete(name)
    running.then(end, end)
    return running
  }

  const isProven = (name: string, { addresses, provenAt }: Good): boolean =>
    clock() - provenAt <= GOOD_MS || addresses.some(({ address }) => standing.has(`${name} ${address}`))

  const lastOf = (name: string): Good | undefined => {
    const last = good.get(name)
    return last !== undefined && isProven(name, last) ? last : undefined
  }

  const follow = (name: string, socket: Socket): void => {
    if (isIP(name) !== 0) return
    socket.once('connect', () => {
      const address = socket.remoteAddress ?? ''
      const key = `${name} ${address}`
      standing.set(key, (standing.get(key) ?? 0) + 1)
      socket.once('close', () => {
        const left = (standing.get(key) ?? 1) - 1
        if (left > 0) standing.set(key, left)
        else standing.delete(key)
        const last = good.get(name)
        if (last?.addresses.some(one => one.address === address)) good.set(name, { ...last, provenAt: clock() })
      })
    })
  }

  const lookup: LookupFunction = (name, options, callback) => {
    let isOver = false
    /** The first way to end counts. */
    const end = (answer: () => void): void => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      answer()
    }
    const useLast = ({ addresses }: Good, cause: string): void => {
      const used = addresses.map(({ address }) => address)
      end(() => {
        onStale(name, cause, used)
        reply(name, addresses, options, callback)
      })
    }
    const timer = setTimeout(() => {
      const last = lastOf(name)
      if (last) useLast(last, `no answer for ${SLOW_MS} ms`)
    }, SLOW_MS)
    const answer = (addresses: readonly Resolved[]): void => end(() => reply(name, addresses, options, callback))
    ;(underWay.get(name) ?? begin(name)).then(answer, (error: NodeJS.ErrnoException) => {
      const last = lastOf(name)
      const isGone = error.code === 'ENOTFOUND' && last !== undefined && clock() - last.answeredAt > GOOD_MS
      if (last === undefined || isGone) end(() => callback(error, '', 0))
      else useLast(last, error.code ?? error.message)
    })
  }
  return { lookup, follow }
}

function resolveBySystem(name: string): Promise<readonly Resolved[]> {
  return systemLookup(name, { all: true })
}

function reply(
  name: string,
  addresses: readonly Resolved[],
  options: Parameters<LookupFunction>[1],
  callback: Parameters<LookupFunction>[2],
): void {
  const family = options.family === 'IPv4' ? 4 : options.family === 'IPv6' ? 6 : (options.family ?? 0)
  const fitting = addresses.filter(one => family === 0 || one.family === family)
  const [first] = fitting
  if (first === undefined) {
    const error: NodeJS.ErrnoException = new Error(`getaddrinfo ENOTFOUND ${name}`)
    error.code = 'ENOTFOUND'
    callback(error, '', 0)
  } else if (options.all) callback(null, [...fitting])
  else callback(null, first.address, first.family)
}
