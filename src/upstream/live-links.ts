// live-links.ts: every link to the nodes of one master that is up or on its way: which of a server's clients are ours. A link
// enters when it is made and leaves when it is closed; nothing else makes or ends an entry. Ids and addresses mean
// somebody at one node alone.
//
// A server lists a link for as long as it has not read its end, so the last ones that have ended are ours as well.
import { type Address, sameAddress } from '../address.ts'
import { Pausing } from './pauses.ts'

/** What has to be known of a link to find it among a server's clients. */
export interface LiveLink {
  /** The node at its other end. */
  readonly master: Address
  readonly handshake: { readonly clientId: number; readonly bytes: Buffer }
  /** performance.now() when its opening had been answered; Infinity before. */
  readonly readyAt: number
  /** Its own end, as the server names it where nothing between the two changes addresses; '' while it has none. */
  readonly localAddress: string
}

/** One that brings replies. */
export interface ReadableLink extends LiveLink {
  /** Reads no more in the midst of a large reply, until resume(Pausing.room). */
  pauseLarge(): void
  resume(why: Pausing): void
}

/** So many that have ended are remembered: what a server shows of them (MONITOR, CLIENT LIST) may come later. */
const ENDED = 16

export class LiveLinks {
  readonly #links = new Set<ReadableLink>()
  readonly #ended: LiveLink[] = []

  add(link: ReadableLink): void {
    this.#links.add(link)
  }

  /** It has ended; its socket may still be there. */
  delete(link: ReadableLink): void {
    this.#links.delete(link)
    const { master, handshake, readyAt, localAddress } = link
    if (localAddress === '') return
    this.#ended.push({ master, handshake, readyAt, localAddress })
    if (this.#ended.length > ENDED) this.#ended.shift()
  }

  /**
   * The link at this address, if it is there or ended not long ago, and its opening was not over at `since`
   * (performance.now()).
   */
  openingSince(address: string, since: number): LiveLink | undefined {
    const isMeant = (link: LiveLink): boolean => link.readyAt >= since && link.localAddress === address
    return this.#links.values().find(isMeant) ?? this.#ended.findLast(isMeant)
  }

  /** Reads no more from links that are in the midst of a large reply. */
  pauseLarge(): void {
    for (const link of this.#links) link.pauseLarge()
  }

  /** Reads on from all of these. */
  resumeLarge(): void {
    for (const link of this.#links) link.resume(Pausing.room)
  }

  /** The client ids that this node has told. */
  ids(node: Address): string[] {
    const there = [...this.#links].filter(({ master }) => sameAddress(master, node))
    return there.flatMap(({ handshake: { clientId } }) => (clientId === 0 ? [] : [String(clientId)]))
  }

  /** Which of this node's clients are ours, by what they are like now. */
  snapshot(node: Address): OwnLinks {
    const ids = new Set<string>()
    const addresses = new Set<string>()
    for (const link of this.#links) {
      if (!sameAddress(link.master, node)) continue
      // The id is certain. Before HELLO has answered, and after NOAUTH, a link is known by its address.
      if (link.handshake.clientId !== 0) ids.add(String(link.handshake.clientId))
      else if (link.localAddress !== '') addresses.add(link.localAddress)
    }
    const ended = this.#ended.filter(link => sameAddress(link.master, node))
    // A node that was started again counts its ids anew: either alone may be a stranger's by now.
    const hasEnded = (id: string, address: string): boolean =>
      ended.some(({ handshake, localAddress }) => localAddress === address && String(handshake.clientId) === id)
    return { has: (id, address) => ids.has(id) || addresses.has(address) || hasEnded(id, address) }
  }
}

export interface OwnLinks {
  /** Whether the client with this `id=` and `addr=` is a link of this process. */
  has(id: string, address: string): boolean
}
