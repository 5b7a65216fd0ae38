// short-timeouts.ts: says which client libraries give up before a hold is over, as far as they name themselves (CLIENT
// SETINFO). From the wire it cannot be told: one that has given up and keeps its connection looks like one that waits.
//
// Owns: one slow timer while commands are held, and which libraries were told. One line for each library, once per
// process.
// Never: changes what happens to a command.

import type { Bugs } from '../../ops/bugs.ts'
import { type Library, libraryOf, RELAXED_MS, shortTimeout, timeoutRemedy } from '../../ops/client-libraries.ts'
import type { Log } from '../../ops/log.ts'

const EVERY_MS = 250

/** The part of a session that is looked at. */
export interface Named {
  /** Commands without an answer. */
  readonly pending: number
  readonly state: { readonly libName: string; readonly libVersion: string }
}

/** The part of the lanes that tells of a hold. */
interface Held {
  /** performance.now() since when commands are held; null: they are sent. */
  readonly heldSince: number | null
  readonly holdLimitMs: number
}

export class ShortTimeouts {
  readonly #sessions: ReadonlyMap<number, Named>
  readonly #lanes: Held
  readonly #log: Log
  readonly #bugs: Bugs
  readonly #isTold: (session: number) => boolean
  readonly #told = new Set<string>()
  #timer: NodeJS.Timeout | null = null

  /** `isTold`: the session's client knows of the hold, see handoff-notices.ts. */
  constructor(
    sessions: ReadonlyMap<number, Named>,
    lanes: Held,
    { log, bugs, isTold }: { log: Log; bugs: Bugs; isTold: (session: number) => boolean },
  ) {
    this.#sessions = sessions
    this.#lanes = lanes
    this.#log = log
    this.#bugs = bugs
    this.#isTold = isTold
  }

  /** Commands are held. What is said here is advice: nothing that is wrong with it may end the process. */
  start(): void {
    const look = (): void => this.#bugs.guard('short time-outs', () => this.look(performance.now()))
    this.#timer ??= setInterval(look, EVERY_MS).unref()
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  /** `now` in milliseconds of the monotonic clock. Stops the timer when nothing is held any more. */
  look(now: number): void {
    const { heldSince } = this.#lanes
    if (heldSince === null) {
      this.stop()
      return
    }
    const heldMs = now - heldSince
    const waiting = new Map<Library, number>()
    for (const [id, { pending, state }] of this.#sessions) {
      if (pending === 0 || state.libName === '' || (heldMs < RELAXED_MS && this.#isTold(id))) continue
      const library = libraryOf(state.libName, state.libVersion)
      if (library === null || library.timeoutMs > heldMs || this.#told.has(library.name)) continue
      waiting.set(library, (waiting.get(library) ?? 0) + 1)
    }
    for (const [library, sessions] of waiting) this.#tell(library, sessions, heldMs)
  }

  #tell(library: Library, sessions: number, heldMs: number): void {
    this.#told.add(library.name)
    this.#log.warn(
      {
        event: 'client.short_timeout',
        library: library.name,
        defaultMs: library.timeoutMs,
        sessions,
        heldMs: Math.round(heldMs),
      },
      `${shortTimeout(library, this.#lanes.holdLimitMs)}: ${timeoutRemedy(library)}`,
    )
  }
}
