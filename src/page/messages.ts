// messages.ts: what the page is told: all at first, then what a second has changed.
//
//   hello: program, configuration, ten minutes of samples, the present, the last holds
//   tick: one sample, the present; the last holds when they have changed
//
// The present is what /status says, so both always say the same. Never: has a password, a key, a value or an argument.
import { hostname } from 'node:os'
import { statusOfMaster } from '../ops/admin-pages.ts'
import type { MasterGauges, Snapshot } from '../ops/snapshot.ts'
import { gateStates, masterColumns, type Sample, type Sampler } from './sampler.ts'

export interface MessageSources {
  readonly takeSnapshot: () => Snapshot
  readonly gauges: readonly (() => MasterGauges)[]
  readonly config: Readonly<Record<string, unknown>>
}

export interface Hello {
  readonly version: string
  readonly node: string
  readonly host: string
  readonly pid: number
  /** Date.now() */
  readonly startedAt: number
  /** What a row of samples has, and the gate's states by number. */
  readonly columns: readonly string[]
  readonly gateStates: readonly string[]
  readonly history: ReturnType<Sampler['history']>
  readonly config: Readonly<Record<string, unknown>>
  readonly present: Present
  readonly stories: readonly (readonly object[])[]
}

export interface Tick {
  readonly sample: Sample | null
  readonly present: Present
  /** Of each master; null: as before. */
  readonly stories: readonly (readonly object[])[] | null
}

export interface Present {
  /** Date.now() */
  readonly time: number
  readonly stopping: boolean
  /** Each as in /status. */
  readonly masters: readonly Readonly<Record<string, unknown>>[]
}

export class Messages {
  readonly #sources: MessageSources
  readonly #sampler: Sampler
  #storiesTold = -1

  constructor(sources: MessageSources, sampler: Sampler) {
    this.#sources = sources
    this.#sampler = sampler
  }

  hello(): Hello {
    const snapshot = this.#sources.takeSnapshot()
    return {
      version: snapshot.version,
      node: process.version,
      host: hostname(),
      pid: process.pid,
      startedAt: snapshot.startedAt,
      columns: masterColumns,
      gateStates,
      history: this.#sampler.history(),
      config: this.#sources.config,
      present: presentOf(snapshot),
      stories: storiesOf(snapshot),
    }
  }

  tick(): Tick {
    const snapshot = this.#sources.takeSnapshot()
    const version = this.#sources.gauges.reduce((sum, read) => sum + read().stories, 0)
    const isNew = version !== this.#storiesTold
    this.#storiesTold = version
    return { sample: this.#sampler.last, present: presentOf(snapshot), stories: isNew ? storiesOf(snapshot) : null }
  }
}

function presentOf(snapshot: Snapshot): Present {
  const time = Date.now()
  return {
    time,
    stopping: snapshot.stopping,
    masters: snapshot.masters.map(one => ({ required: one.required, ...statusOfMaster(one, time) })),
  }
}

function storiesOf({ masters }: Snapshot): readonly (readonly object[])[] {
  return masters.map(({ stories }) => stories)
}
