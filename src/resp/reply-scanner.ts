// reply-scanner.ts: finds where the server's replies end: RESP2 and RESP3, any nesting, any chunking.
//
// One counter instead of a stack: `#pending` is the number of elements that are still owed to the top-level frame. An
// aggregate of n adds n (a map 2n) and takes itself away; an attribute adds its 2n and does not count as an element,
// because the reply it belongs to follows.
// Owns: the position inside one unfinished frame. Never: builds values, keeps bytes.

const CR = 13
const LF = 10
const DOLLAR = 36
const PLUS = 43
const COLON = 58
/** `-1`, CR, LF: what follows the `$` of a string that is not there. */
const NIL_BYTES = 4

const TYPE = 0
const NUMBER = 1
const LINE = 2
const PAYLOAD = 3

/** First bytes of frames, as numbers for the hot path. */
export const ReplyType = { error: 45, blobError: 33, push: 62, simple: 43, array: 42, nil: 95 } as const

/** A resumable scanner of one link's replies. Redis never sends streamed types (`$?`, `*?`): they count as broken. */
export class ReplyScanner {
  /** First byte of the frame that `next` has last seen the beginning of. */
  type = 0
  /** Set once the stream can no longer be framed; the link is to be cut. */
  broken = false
  /** The next array ends with its header: its elements are frames of their own. */
  opensArray = false
  /** How many replies the last `takePlain` has taken. */
  taken = 0

  #phase = TYPE
  #pending = 0
  #skip = 0
  #element = 0
  #value = 0
  #negative = false

  /** Continues at `from`; answers the offset just past the top-level frame that ends in this chunk, or -1. */
  next(chunk: Buffer, from: number): number {
    const end = chunk.length
    let at = from
    while (at < end) {
      switch (this.#phase) {
        case TYPE: {
          const type = chunk[at] as number
          if (this.#pending === 0) {
            this.#pending = 1
            this.type = type
          }
          at++
          if (!this.#begin(type)) return -1
          break
        }
        case LINE: {
          while (at < end && chunk[at] !== LF) at++
          if (at === end) return -1
          at++
          this.#phase = TYPE
          if (--this.#pending === 0) return at
          break
        }
        case NUMBER: {
          while (at < end) {
            const byte = chunk[at] as number
            at++
            if (byte === LF) break
            if (byte >= 48 && byte <= 57) this.#value = this.#value * 10 + byte - 48
            else if (byte === 45) this.#negative = true
            else if (byte !== CR) {
              this.broken = true
              return -1
            }
          }
          if (chunk[at - 1] !== LF) return -1
          this.#endNumber()
          if (this.#pending === 0) return at
          break
        }
        default: {
          const here = end - at
          if (here < this.#skip) {
            this.#skip -= here
            return -1
          }
          at += this.#skip
          this.#phase = TYPE
          if (--this.#pending === 0) return at
        }
      }
    }
    return -1
  }

  /**
   * The common case, with nothing to remember: replies of one string, status or integer from `from` on, `most` at most,
   * all whole. Answers where they end; `taken` is how many. Takes a quarter of the time of `next` for small values.
   */
  takePlain(chunk: Buffer, from: number, most: number): number {
    const end = chunk.length
    let start = from
    let taken = 0
    const left = this.#phase === TYPE && this.#pending === 0 ? most : 0
    while (taken < left && start < end) {
      const type = chunk[start] as number
      let at = start + 1
      if (type === DOLLAR) {
        let length = 0
        while (at < end && isDigit(chunk[at] as number)) length = length * 10 + (chunk[at++] as number) - 48
        // Past the header's CR LF, the payload and its CR LF.
        if (chunk[at] === CR && chunk[at + 1] === LF) at += length + 4
        else if (at === start + 1 && isNil(chunk, at)) at += NIL_BYTES
        else break
        if (at > end) break
      } else if (type === PLUS || type === COLON) {
        while (at < end && chunk[at] !== LF) at++
        if (at++ === end) break
      } else break
      start = at
      taken++
    }
    this.taken = taken
    return start
  }

  #begin(type: number): boolean {
    switch (type) {
      case 43: // +
      case 45: // -
      case 58: // :
      case 95: // _
      case 44: // ,
      case 35: // #
      case 40: // (
        this.#phase = LINE
        return true
      case 36: // $
      case 61: // =
      case 33: // !
      case 42: // *
      case 126: // ~
      case 62: // >
      case 37: // %
      case 124: // |
        this.#element = type
        this.#value = 0
        this.#negative = false
        this.#phase = NUMBER
        return true
      default:
        this.broken = true
        return false
    }
  }

  #endNumber(): void {
    this.#phase = TYPE
    switch (this.#element) {
      case 36:
      case 61:
      case 33:
        if (this.#negative) this.#pending--
        else {
          this.#skip = this.#value + 2
          this.#phase = PAYLOAD
        }
        return
      case 37:
        this.#pending += 2 * this.#value - 1
        return
      case 124:
        this.#pending += 2 * this.#value
        return
      default:
        if (this.opensArray && this.#pending === 1 && this.#element === ReplyType.array) {
          this.opensArray = false
          this.#pending = 0
        } else this.#pending += this.#negative ? -1 : this.#value - 1
    }
  }
}

const isNil = (chunk: Buffer, at: number): boolean =>
  chunk[at] === 45 && chunk[at + 1] === 49 && chunk[at + 2] === CR && chunk[at + 3] === LF

const isDigit = (byte: number): boolean => byte >= 48 && byte <= 57
