// fleet.ts: the groups of one kind: those of the port for replicas, or those in which sessions of the master's port read
// (--read-split). Each listed replica is the home of one group of each kind.
//
// Owns: the groups, and their homes. Never: asks nodes, or knows the groups of another kind.
import type { Address } from '../address.ts'
import type { Replica } from './condition.ts'
import { Group, type GroupPlane, type Surroundings } from './group.ts'

export interface FleetOptions {
  readonly around: Surroundings
  createPlane(group: () => Group, id: number): GroupPlane
  /** A number for a new group, which no other has. */
  nextId(): number
}

export class Fleet {
  readonly groups: Group[] = []
  readonly #options: FleetOptions

  constructor(options: FleetOptions) {
    this.#options = options
  }

  /** Open sessions. */
  get sessions(): number {
    return this.groups.reduce((sum, { plane }) => sum + plane.sessions, 0)
  }

  /** Those that read from this replica. */
  load(key: string): number {
    return this.groups.reduce((sum, { target, plane }) => {
      return sum + (target?.kind === 'replica' && target.key === key ? plane.sessions : 0)
    }, 0)
  }

  /** Each listed replica is the home of a group; a group without a home takes one that is good and nobody's. */
  settle(replicas: ReadonlyMap<string, Replica>): void {
    for (const group of this.groups) {
      const { homeKey } = group
      if (homeKey !== null && replicas.get(homeKey)?.listed !== true) group.home = null
    }
    const homes = new Set(this.groups.map(({ homeKey }) => homeKey))
    for (const { key, address, listed, goodSince } of replicas.values()) {
      if (!listed || goodSince === null || homes.has(key)) continue
      const homeless = this.groups.find(({ home }) => home === null)
      if (homeless === undefined) this.#found(address)
      else homeless.home = address
      homes.add(key)
    }
  }

  /** The group with the fewest sessions, of those whose home is good; one is made where there is none. */
  choose(): Group {
    const replicas = this.#options.around.replicas
    const rank = ({ homeKey, plane }: Group): number => {
      const home = homeKey === null ? undefined : replicas.get(homeKey)
      return plane.sessions + (home === undefined || home.goodSince === null ? 1e9 : 0)
    }
    const [first] = this.groups.toSorted((a, b) => rank(a) - rank(b))
    return first ?? this.#found(null)
  }

  /** The group with the fewest sessions, of those that read from a replica now. */
  find(): Group | undefined {
    const reading = this.groups.filter(({ target }) => target?.kind === 'replica')
    return reading.toSorted((a, b) => a.plane.sessions - b.plane.sessions)[0]
  }

  #found(home: Address | null): Group {
    const { around, createPlane, nextId } = this.#options
    const id = nextId()
    const plane = createPlane(() => group, id)
    const group: Group = new Group(id, home, plane, around, performance.now())
    this.groups.push(group)
    group.review(performance.now())
    return group
  }
}
