// closing-connections.ts: remembers the connections that are being closed, so that a stop can wait for them.

export class Closing {
  readonly #open = new Set<Promise<void>>()

  add(promise: Promise<void>): void {
    const done = promise.catch(() => undefined).finally(() => this.#open.delete(done))
    this.#open.add(done)
  }

  /** Resolves when all connections added so far are closed. */
  async all(): Promise<void> {
    await Promise.all(this.#open)
  }
}
