// pauses.ts: why nothing is read from a link (its client does not read, a refusal is asked about, its node may be no
// master any more, the loop came late), and what had been read by then and nobody has looked at.
//
// Must stay true: who paused a link lets it go on. It is read from again when no reason is left.

/** The reasons, as bits. */
export const Pausing = {
  /** Its session does not take what it has. */
  session: 1,
  /** A reply is not taken yet, see `stall` of a link. */
  stalled: 2,
  /** What the node says now may not be the master's word. */
  withheld: 4,
  /** It has been read late: what Sentinels have said meanwhile comes first. */
  late: 8,
  /** It has brought its share of this turn. */
  share: 16,
  /** It is in the midst of a large reply, and clients leave too much unread. */
  room: 32,
} as const
export type Pausing = (typeof Pausing)[keyof typeof Pausing]

/** A link that is read from again has delivered all that had piled up after this time. */
const TAKEN_UP_MS = 5000

export class Pauses {
  /** Read, and not looked at before the link goes on; null: nothing is stalled. */
  stalled: Buffer[] | null = null
  /** performance.now() of the last time that no reason was left. */
  endedAt = Number.NEGATIVE_INFINITY
  #why = 0
  #takenUpAt = Number.NEGATIVE_INFINITY

  /** Nothing is read for now: the link's silence means nothing. */
  get any(): boolean {
    return this.#why !== 0
  }

  /** The session does not take what it has. */
  get ofSession(): boolean {
    return (this.#why & Pausing.session) !== 0
  }

  /** It does not, or did not a moment ago: what lay in the sockets is hardly read yet. */
  get ofSessionLately(): boolean {
    return this.ofSession || performance.now() - this.#takenUpAt < TAKEN_UP_MS
  }

  begin(why: Pausing): void {
    this.#why |= why
  }

  /** Answers whether this was the last reason. */
  end(why: Pausing): boolean {
    if ((this.#why & why) === 0) return false
    this.#why &= ~why
    const now = performance.now()
    if (why === Pausing.session) this.#takenUpAt = now
    if (this.#why !== 0) return false
    this.endedAt = now
    return true
  }

  /** What is stalled is looked at now. */
  takeStalled(): readonly Buffer[] | null {
    const { stalled } = this
    this.stalled = null
    return stalled
  }
}
