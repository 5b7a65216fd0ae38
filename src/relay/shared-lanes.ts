// shared-lanes.ts: the lane that all clean sessions of an identity share, and its predecessors whose links are still
// silent.
//
//   attach ──▶ lane ──retire──▶ retired: keeps its link and what is unanswered there ──▶ answered: closed
//                │   a fresh lane takes its place; a session moves when nothing of it is unanswered
//                └──shut──▶ the server refuses the identity now: its sessions stay, new ones get a fresh lane. When it is
//                           retired, too, its sessions go there
//
// Must stay true: a session moves only while it has nothing on the lane it leaves, or takes all of it along
// (lane-handover.ts). So its order never changes.
import type { Identity } from '../upstream/identity.ts'
import type { Lane } from './lane.ts'

const UNUSED_MS = 30_000

export class SharedLanes {
  readonly #lanes = new Map<string, Lane>()
  readonly #retired = new Set<Lane>()
  readonly #create: (identity: Identity) => Lane

  constructor(create: (identity: Identity) => Lane) {
    this.#create = create
  }

  attach(identity: Identity): Lane {
    let lane = this.#lanes.get(identity.key)
    if (lane === undefined) {
      lane = this.#create(identity)
      this.#lanes.set(identity.key, lane)
    }
    lane.users++
    return lane
  }

  detach(lane: Lane): void {
    lane.users--
  }

  retiredOf(key: string): number {
    return this.#retired.values().reduce((n, lane) => n + Number(lane.retired && lane.identity.key === key), 0)
  }

  /** The identity's lane that new sessions come to; undefined when nobody uses it. */
  find(key: string): Lane | undefined {
    return this.#lanes.get(key)
  }

  /** No new session comes to the lane; those that use it stay. */
  shut(lane: Lane): void {
    const { identity } = lane
    if (this.#lanes.get(identity.key) === lane) this.#lanes.set(identity.key, this.#create(identity))
    this.#retired.add(lane)
  }

  /**
   * `fresh` takes the lane's place; that of one that is shut may be taken already. Answers whose it is now, and how many
   * sessions went there with what they wait for.
   */
  retire(lane: Lane, fresh: Lane): { readonly successor: Lane; readonly moved: number } {
    const { key } = lane.identity
    const present = this.#lanes.get(key) ?? lane
    const successor = present === lane ? fresh : present
    this.#lanes.set(key, successor)
    this.#retired.add(lane)
    return { successor, moved: lane.retire(successor) }
  }

  /** Retired lanes that owe nothing any more, and shut ones that nobody uses; they are in the list no longer. */
  takeAnswered(): Lane[] {
    if (this.#retired.size === 0) return []
    const answered = [...this.#retired].filter(lane => lane.idle && (lane.retired || lane.users === 0))
    for (const lane of answered) this.#retired.delete(lane)
    return answered
  }

  /** Those of identities that nobody has used for `forMs`; they are in the list no longer. */
  takeUnused(now: number, forMs = UNUSED_MS): Lane[] {
    const unused: Lane[] = []
    for (const [key, lane] of this.#lanes) {
      if (lane.users > 0 || !lane.idle) {
        lane.unusedSince = 0
        continue
      }
      if (lane.unusedSince === 0) lane.unusedSince = now
      if (now - lane.unusedSince < forMs) continue
      this.#lanes.delete(key)
      unused.push(lane)
    }
    return unused
  }

  all(): Lane[] {
    const lanes = [...this.#lanes.values()]
    return this.#retired.size === 0 ? lanes : [...lanes, ...this.#retired]
  }

  clear(): void {
    this.#lanes.clear()
    this.#retired.clear()
  }
}
