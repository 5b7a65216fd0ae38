// session-bounds.ts: when the state of a private link's session keeps Holdfast from putting a MULTI of its own around its
// commands: it would end a WATCH, or come to stand inside a MULTI that is open.
import type { ProvenLane } from '../relay/prover.ts'
import type { Request } from '../relay/request.ts'
import { firstName } from './sorter.ts'

export class SessionBounds {
  readonly #lane: ProvenLane
  /** While a WATCH is unanswered, nobody knows whether keys are watched. */
  #watch: Request | null = null

  constructor(lane: ProvenLane) {
    this.#lane = lane
  }

  /** A MULTI of Holdfast's own may be sent now. */
  get mayMark(): boolean {
    return this.#lane.openState === 'none' && !this.#isWatching
  }

  /** From this request on it may not. */
  opensWith(request: Request): boolean {
    if (this.#lane.kind !== 'private' || request.handler === null || this.#isWatching) return false
    const name = firstName(request)
    const { openState } = this.#lane
    return (name === 'watch' && openState === 'none') || (name === 'multi' && openState !== 'bound')
  }

  onSend(request: Request): void {
    if (this.#lane.kind !== 'private' || request.handler === null) return
    if (this.#watch?.expect === 0) this.#watch = null
    if (firstName(request) === 'watch') this.#watch = request
  }

  /** The link is gone, and what it watched. */
  forget(): void {
    this.#watch = null
  }

  get #isWatching(): boolean {
    return this.#watch !== null && this.#watch.expect > 0
  }
}
