// faulty-pipe.ts: one direction of one connection of a FaultyLink.
//
//   from ──▶ [ chunk, due ][ chunk, due ]…[ FIN, due ] ──▶ to
//
// Must stay true: bytes leave in the order they came; FIN leaves last; while stalled, nothing leaves. Reading stops at
// 1 MiB waiting, so that a stall is felt by the sender as a full window and not as endless memory here.
import type { Socket } from 'node:net'

/** What all pipes of one direction share; changed by the FaultyLink at any time. */
export interface PipeFaults {
  stalled: boolean
  delayMs: number
  sliceBytes: number
  /** Value of `forwarded` at which `onLimit` is called; Infinity where there is none. */
  limit: number
  forwarded: number
  readonly onLimit: () => void
}

const highWater = 1024 * 1024

export class Pipe {
  readonly #from: Socket
  readonly #to: Socket
  readonly #faults: PipeFaults
  /** bytes null is the FIN. */
  readonly #queue: { bytes: Buffer | null; readonly due: number }[] = []
  #waiting = 0
  #timer: NodeJS.Timeout | NodeJS.Immediate | null = null
  #choked = false
  /** Nothing passes any more. */
  stranded = false

  constructor(from: Socket, to: Socket, faults: PipeFaults) {
    this.#from = from
    this.#to = to
    this.#faults = faults
    from.on('data', chunk => this.#enter(chunk))
    from.on('end', () => this.#enter(null))
    to.on('drain', () => {
      this.#choked = false
      this.pump()
    })
  }

  /** Lets out what may leave now. */
  pump(): void {
    if (this.#timer !== null || this.#faults.stalled || this.stranded || this.#choked) return
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      const wait = head.due - performance.now()
      if (wait > 0) {
        this.#timer = setTimeout(() => this.#again(), Math.ceil(wait))
        return
      }
      if (head.bytes === null) {
        this.#queue.shift()
        this.#to.end()
        continue
      }
      if (!this.#write(head.bytes)) return
      if (this.#faults.sliceBytes > 0) {
        this.#timer = setImmediate(() => this.#again())
        return
      }
    }
    if (this.#waiting < highWater) this.#from.resume()
  }

  /** Writes the head or a slice of it; answers whether more may follow. */
  #write(bytes: Buffer): boolean {
    const { sliceBytes, limit, forwarded } = this.#faults
    const room = Math.min(limit - forwarded, sliceBytes > 0 ? sliceBytes : bytes.length)
    const out = bytes.subarray(0, room)
    const rest = bytes.subarray(out.length)
    const head = this.#queue[0]
    if (rest.length > 0 && head) head.bytes = rest
    else this.#queue.shift()
    this.#waiting -= out.length
    this.#faults.forwarded += out.length
    // Where `to` is closed for writing the bytes go nowhere, as on a network.
    const open = !this.#to.writable || this.#to.write(out)
    if (this.#faults.forwarded >= limit) {
      this.#faults.limit = Number.POSITIVE_INFINITY
      this.#queue.length = 0
      this.#faults.onLimit()
      return false
    }
    this.#choked = !open
    return open
  }

  #enter(bytes: Buffer | null): void {
    this.#queue.push({ bytes, due: this.#faults.delayMs > 0 ? performance.now() + this.#faults.delayMs : 0 })
    this.#waiting += bytes?.length ?? 0
    if (this.#waiting >= highWater) this.#from.pause()
    this.pump()
  }

  #again(): void {
    this.#timer = null
    this.pump()
  }
}
