// busy-poll.ts: keeps the event loop from sleeping for a moment after traffic (--poll-for).
//
// A loop that sleeps in epoll_wait is woken by the kernel some microseconds after a byte comes; a loop that goes round
// sees it at once. A client that sends one command at a time gains twice a command: at the command and at its reply.
// It costs a whole core while there is traffic, so it is off unless asked for.

export class BusyPoll {
  readonly #forMs: number
  #until = 0
  #isOn = false

  constructor(forMs: number) {
    this.#forMs = forMs
  }

  /** There is traffic at `now` (performance.now()). */
  note(now: number): void {
    this.#until = now + this.#forMs
    if (this.#isOn) return
    this.#isOn = true
    setImmediate(this.#goRound)
  }

  /** While an immediate waits, libuv polls without sleeping. */
  readonly #goRound = (): void => {
    this.#isOn = performance.now() < this.#until
    if (this.#isOn) setImmediate(this.#goRound)
  }
}

/** null: the loop sleeps when it has nothing to do. */
export function createBusyPoll(forMs: number): BusyPoll | null {
  return forMs > 0 ? new BusyPoll(forMs) : null
}
