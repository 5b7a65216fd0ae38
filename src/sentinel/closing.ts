// closing.ts: connections that are being closed, for whoever stops and has to wait for them.

export class Closing {
  readonly #open = new Set<Promise<void>>()

  add(promise: Promise<void>): void {
    const done = promise.catch(() => undefined).finally(() => this.#open.delete(done))
    this.#open.add(done)
  }

  /** Resolves when all that were added so far are closed. */
  async all(): Promise<void> {
    await Promise.all(this.#open)
  }
}
