// split-planes.ts: the data planes of --read-split: lanes to a replica for each group of sessions of the master's port,
// beside the lanes that these sessions have at the master.
//
//   client/session/read-split.ts ── join, freshAt, want ──▶ ReadPlaces ──▶ Replicas (which group)
//             └── reads ──▶ lanes of the group ──▶ replica           ◀── serve / leave ──┘
//
// Owns: these lanes, and the count of what went where. Never: has a listener, or sessions of its own.
//
// Must stay true: they share the turn of the master's lanes. A session's replies leave in its one write, and the memory
// in which a link reads is not used again before.
import { type Counters, createCounters, createSplitReads, type SplitReads } from '../ops/counters.ts'
import type { Log } from '../ops/log.ts'
import type { LanesOptions } from '../relay/lanes.ts'
import type { ReadPlace, ReadPlaces } from '../relay/read-place.ts'
import type { Group, GroupPlane } from '../replicas/group.ts'
import type { Replicas } from '../replicas/replicas.ts'
import type { Turn } from '../upstream/turn.ts'
import { GroupLanes, toldBy } from './group-lanes.ts'
import type { PausedReaders } from './paused-readers.ts'

export interface SplitParts {
  readonly log: Log
  readonly lanes: Omit<LanesOptions, 'counters' | 'observe' | 'onStoodStill' | 'prove' | 'acknowledge'>
  /** Of the master's lanes. */
  readonly turn: Turn
  /** Are held while the master is paused. */
  readonly readers: PausedReaders
  replicas(): Replicas
  /** A group that reads from the master has noticed something. */
  observeMaster(observation: string): void
}

interface Plane {
  readonly group: () => Group
  readonly counters: Counters
  readonly lanes: GroupLanes
}

export class SplitPlanes implements ReadPlaces {
  readonly reads: SplitReads = createSplitReads()
  readonly #planes: Plane[] = []
  readonly #places = new Map<number, ReadPlace>()
  readonly #parts: SplitParts

  constructor(parts: SplitParts) {
    this.#parts = parts
  }

  // ---- what sessions ask for ----

  join(): ReadPlace | null {
    const group = this.#parts.replicas().joinSplit()
    const place = group === undefined ? undefined : this.#places.get(group.id)
    if (place === undefined) return null
    place.lanes.counters.sessions++
    return place
  }

  want(reads: number): void {
    this.#parts.replicas().want(reads)
  }

  // ---- what the group asks for ----

  readonly createPlane = (group: () => Group, id: number): GroupPlane => {
    const { lanes: common, turn, observeMaster, replicas, readers } = this.#parts
    const counters = createCounters()
    const observe = (observation: string): void => {
      if (group().target?.kind === 'master') observeMaster(observation)
      else replicas().observe(group(), observation)
    }
    const lanes = new GroupLanes({
      ...common,
      log: this.#parts.log.child({ group: id }),
      counters,
      prove: null,
      acknowledge: null,
      turn,
      observe,
      onStoodStill: () => observe('stood still'),
    })
    lanes.start()
    this.#planes.push({ group, counters, lanes })
    this.#places.set(id, {
      lanes,
      get freshAt() {
        return group().freshAt
      },
      leave: () => {
        counters.sessions--
      },
    })
    return {
      ...toldBy(lanes, readers),
      get sessions() {
        return counters.sessions
      },
    }
  }

  // ---- what the master's lanes ask for ----

  /** The turn writes for these lanes, too. */
  beforeWrites(now: number): void {
    for (const { group, lanes } of this.#planes) {
      lanes.beforeDecision()
      group().checkBound(now)
    }
  }

  // ---- what the program asks for ----

  get counters(): readonly Counters[] {
    return this.#planes.map(({ counters }) => counters)
  }

  signInAgain(): void {
    for (const { lanes } of this.#planes) lanes.signInAgain()
  }

  /** The process is about to end: reads that wait are answered now. */
  giveUp(): void {
    for (const { lanes } of this.#planes) lanes.giveUp()
  }

  /** What replicas have not answered gets an error. Answers whether there was anything. */
  failReads(): boolean {
    let isAny = false
    for (const { lanes, counters } of this.#planes) {
      if (counters.waiting === 0 && lanes.unanswered().requests === 0) continue
      isAny = true
      lanes.failAll()
    }
    return isAny
  }

  stop(): void {
    for (const { lanes } of this.#planes) lanes.stop()
  }
}
