// fifo.ts: a queue that takes and gives in constant time at any depth. An array's shift() costs microseconds once tens
// of thousands wait, which is when a failover has filled the queue.

/** First in, first out; a ring over a power-of-two array that grows by doubling and never shrinks below 16. */
export class Fifo<T> {
  #ring: (T | undefined)[] = new Array(16)
  #head = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  push(item: T): void {
    if (this.#size === this.#ring.length) this.#grow()
    this.#ring[(this.#head + this.#size) & (this.#ring.length - 1)] = item
    this.#size++
  }

  /** The next to leave, or undefined when empty. */
  peek(): T | undefined {
    return this.#ring[this.#head]
  }

  shift(): T | undefined {
    const item = this.#ring[this.#head]
    if (item === undefined) return undefined
    this.#ring[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#ring.length - 1)
    this.#size--
    return item
  }

  /** Everything in order, leaving the queue empty and small. */
  drain(): T[] {
    const items: T[] = []
    for (let item = this.shift(); item !== undefined; item = this.shift()) items.push(item)
    this.#ring = new Array(16)
    this.#head = 0
    return items
  }

  /** The last `count` (fewer where there are fewer), in their order. */
  takeLast(count: number): T[] {
    const all = this.drain()
    const taken = all.splice(Math.max(0, all.length - count))
    for (const item of all) this.push(item)
    return taken
  }

  /** Puts others in the place of the first `count`. */
  replaceFirst(count: number, by: readonly T[]): void {
    const rest = this.drain().slice(count)
    for (const item of by) this.push(item)
    for (const item of rest) this.push(item)
  }

  /** Visits in order without taking. */
  *[Symbol.iterator](): Generator<T> {
    for (let i = 0; i < this.#size; i++) {
      const item = this.#ring[(this.#head + i) & (this.#ring.length - 1)]
      if (item !== undefined) yield item
    }
  }

  #grow(): void {
    const items = this.#ring
    const bigger: (T | undefined)[] = new Array(items.length * 2)
    for (let i = 0; i < this.#size; i++) bigger[i] = items[(this.#head + i) & (items.length - 1)]
    this.#ring = bigger
    this.#head = 0
  }
}
