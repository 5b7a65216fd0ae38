// redirects.ts: which session gets the invalidations of which others (CLIENT TRACKING ON REDIRECT), by their
// numbers. A target needs a link of its own all the while: the server knows it by that link's id.

export class Redirects {
  readonly #targets = new Map<number, number>()
  readonly #trackers = new Map<number, number>()

  /** `target` undefined: its invalidations are its own. */
  set(tracker: number, target: number | undefined): void {
    this.delete(tracker)
    if (target === undefined) return
    this.#targets.set(tracker, target)
    this.#trackers.set(target, (this.#trackers.get(target) ?? 0) + 1)
  }

  delete(tracker: number): void {
    const target = this.#targets.get(tracker)
    if (target === undefined) return
    this.#targets.delete(tracker)
    const left = (this.#trackers.get(target) ?? 1) - 1
    if (left > 0) this.#trackers.set(target, left)
    else this.#trackers.delete(target)
  }

  isTarget(session: number): boolean {
    return this.#trackers.size > 0 && this.#trackers.has(session)
  }

  *trackersOf(session: number): Generator<number> {
    if (!this.isTarget(session)) return
    for (const [tracker, target] of this.#targets) if (target === session) yield tracker
  }
}
