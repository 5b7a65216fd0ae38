// offsets.ts: where the master was when, in the bytes of its replication stream: what makes "how far behind?" a time.
//
//   samples:  (12:00:01, offset 400) (12:00:02, offset 900) (12:00:03, offset 1300)
//   a replica at offset 1000 has all that the master had at 12:00:02, so at 12:00:05 it is at most 3 s behind
//
// Offsets mean something within one history, which a replication id names. A new master goes on counting in a new
// history, and says up to which offset it shares the last one (master_replid2, second_repl_offset). What was written
// after that is lost, for everybody.
//
// Pure but for its list of samples. Never: asks anybody.
//
// Must stay true: a sample's time is when the question left, so the master was there at that time or later. Whatever
// samples are left out, a replica only seems further behind.

/** A place in a history. */
export interface Position {
  readonly replid: string
  readonly offset: number
}

/** What the master has said of itself. */
export interface MasterPosition extends Position {
  /** When the question left, ms of a monotonic clock. */
  readonly askedAt: number
  /** The history before this one; null where there is none. */
  readonly replid2: string | null
  /** The first offset that this history does not share with it. */
  readonly secondOffset: number
}

interface Sample {
  readonly at: number
  readonly offset: number
}

interface History {
  readonly replid: string
  samples: Sample[]
}

/** More samples than this are thinned out: a longer lag needs no finer time. */
const MAX_SAMPLES = 512

export class MasterOffsets {
  readonly #keepMs: number
  #current: History | null = null
  /** Replicas still follow it for a moment after a failover. */
  #previous: History | null = null
  /** The last offset that both histories share; null: nobody knows of one. */
  #shared: number | null = null
  /** Where the master was when it was asked last, and when that was; null before. */
  last: Position | null = null
  askedAt = Number.NEGATIVE_INFINITY

  /** `keepMs`: an older sample says nothing that is of use. */
  constructor(keepMs: number) {
    this.#keepMs = keepMs
  }

  /** The history that the master writes now; null before its first answer. */
  get replid(): string | null {
    return this.#current?.replid ?? null
  }

  note({ replid, offset, replid2, secondOffset, askedAt }: MasterPosition): void {
    this.askedAt = askedAt
    this.last = { replid, offset }
    if (this.#current?.replid !== replid) {
      this.#previous = this.#current
      this.#shared = this.#previous !== null && this.#previous.replid === replid2 ? secondOffset - 1 : null
      this.#current = { replid, samples: this.#carriedOver() }
    }
    const { samples } = this.#current
    // The newest sample that is too old still tells of a replica that has no more than it.
    while (samples[1] !== undefined && askedAt - samples[1].at > this.#keepMs) samples.shift()
    if (samples.length >= MAX_SAMPLES) this.#current.samples = samples.filter((_, i) => i % 2 === 1)
    this.#current.samples.push({ at: askedAt, offset })
  }

  /** What was sampled in the last history, as the present one has it. */
  #carriedOver(): Sample[] {
    const [shared, previous] = [this.#shared, this.#previous]
    if (shared === null || previous === null) return []
    return previous.samples.map(({ at, offset }) => ({ at, offset: Math.min(offset, shared) }))
  }

  /** The last time of which a node at this place has all that the master had; -Infinity where nobody knows. */
  freshAt({ replid, offset }: Position): number {
    const history = [this.#current, this.#previous].find(one => one?.replid === replid)
    const sample = history?.samples.findLast(one => one.offset <= offset)
    return sample?.at ?? Number.NEGATIVE_INFINITY
  }

  /**
   * The same place in the present history: of what is lost nothing is left to be reached. Null where nobody knows how
   * the two hang together.
   */
  translate(place: Position): Position | null {
    const [current, previous] = [this.#current, this.#previous]
    if (current === null || place.replid === current.replid) return place
    if (this.#shared === null || previous?.replid !== place.replid) return null
    return { replid: current.replid, offset: Math.min(place.offset, this.#shared) }
  }
}

/** Whether a node at `place` has all that was before `wanted`. */
export function hasReached(place: Position, wanted: Position): boolean {
  return place.replid === wanted.replid && place.offset >= wanted.offset
}
