// live-links.ts: every link of this process that is up or on its way: which of a server's clients are ours. A link
// enters when it is made and leaves when it is closed; nothing else makes or ends an entry.

/** What has to be known of a link to find it among a server's clients. */
export interface LiveLink {
  readonly handshake: { readonly clientId: number; readonly bytes: Buffer }
  /** performance.now() of its making. */
  readonly madeAt: number
  /** Its own end, as the server names it where nothing between the two changes addresses; '' while it has none. */
  readonly localAddress: string
}

/** So many that have ended are remembered: what a server shows of them (MONITOR) may come later. */
const ENDED = 16

export class LiveLinks {
  readonly #links = new Set<LiveLink>()
  readonly #ended: LiveLink[] = []

  add(link: LiveLink): void {
    this.#links.add(link)
  }

  /** It has ended; its socket may still be there. */
  delete(link: LiveLink): void {
    this.#links.delete(link)
    const { handshake, madeAt, localAddress } = link
    if (localAddress === '') return
    this.#ended.push({ handshake, madeAt, localAddress })
    if (this.#ended.length > ENDED) this.#ended.shift()
  }

  /** The link at this address, if it was made at `since` or later (performance.now()) and not long ago ended. */
  madeSince(address: string, since: number): LiveLink | undefined {
    const isMeant = (link: LiveLink): boolean => link.madeAt >= since && link.localAddress === address
    return this.#links.values().find(isMeant) ?? this.#ended.findLast(isMeant)
  }

  /** The client ids that the server has told. */
  ids(): string[] {
    return [...this.#links].flatMap(({ handshake: { clientId } }) => (clientId === 0 ? [] : [String(clientId)]))
  }

  /** Which of a server's clients are ours, by what they are like now. */
  snapshot(): OwnLinks {
    const ids = new Set<string>()
    const addresses = new Set<string>()
    for (const link of this.#links) {
      // The id is certain. Before HELLO has answered, and after NOAUTH, a link is known by its address.
      if (link.handshake.clientId !== 0) ids.add(String(link.handshake.clientId))
      else if (link.localAddress !== '') addresses.add(link.localAddress)
    }
    return { has: (id, address) => ids.has(id) || addresses.has(address) }
  }
}

export interface OwnLinks {
  /** Whether the client with this `id=` and `addr=` is a link of this process. */
  has(id: string, address: string): boolean
}
