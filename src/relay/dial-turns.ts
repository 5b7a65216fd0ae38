// dial-turns.ts: how many links of sessions are dialled in one turn of the event loop.
//
// A change of master ends the links of all sessions at once. A dial takes a tenth of a millisecond, so three thousand in
// one turn would keep everybody else's commands waiting for a third of a second. Links that many sessions share are not
// counted: they come first.
// Never: dials (lane-link.ts), or forgets a lane: who was told to wait is asked again in the next turn.

/** Some five milliseconds. */
const MOST = 50

export class DialTurns {
  readonly #defer: (work: () => void) => void
  readonly #dialWaiting: () => void
  #dialled = 0
  #somebodyWaits = false

  /** `defer` runs its work in the next turn, or at the end of this one; `dialWaiting` asks all lanes that want a link. */
  constructor(defer: (work: () => void) => void, dialWaiting: () => void) {
    this.#defer = defer
    this.#dialWaiting = dialWaiting
  }

  /** Whether one more link may be dialled now; if not, `dialWaiting` comes soon. */
  take(): boolean {
    if (this.#dialled === 0) this.#defer(() => this.#begin())
    if (this.#dialled >= MOST) {
      this.#somebodyWaits = true
      return false
    }
    this.#dialled++
    return true
  }

  #begin(): void {
    this.#dialled = 0
    if (!this.#somebodyWaits) return
    this.#somebodyWaits = false
    this.#dialWaiting()
  }
}
