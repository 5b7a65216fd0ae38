// decode.ts — turns one whole frame into values, where values are needed: the arguments of a command that changes a
// session, and replies to the proxy's own questions. Slow path only; the frame has been bounded by a scanner before.
//
// redis-parser decodes RESP2. It stops at every type that RESP3 added, so frames of a RESP3 link go through the small
// reader below. A client's command is an array of bulk strings under either protocol.
import RedisParser from 'redis-parser'

export type Value = Buffer | number | string | null | ReplyError | readonly Value[]

/** An error reply, as a value: `code` is its first word, which is all that may be relied upon. */
export class ReplyError {
  readonly code: string
  readonly message: string
  constructor(message: string) {
    this.message = message
    this.code = message.slice(0, `${message} `.indexOf(' '))
  }
}

let decoded: unknown
const parser = new RedisParser({
  returnBuffers: true,
  returnReply: (reply: unknown) => {
    decoded = reply
  },
  returnError: (error: Error) => {
    decoded = error
  },
  returnFatalError: (error: Error) => {
    decoded = undefined
    throw error
  },
})

/** The arguments of one whole command frame (an array of bulk strings), the command's name first. */
export function commandArgs(frame: Buffer): Buffer[] {
  decoded = undefined
  parser.execute(frame)
  if (!Array.isArray(decoded)) throw new Error('not a command frame')
  return decoded.filter(Buffer.isBuffer)
}

/** How many arguments a whole command frame has, by its header. */
export function argumentCount(frame: Buffer): number {
  return Number(frame.toString('latin1', 1, frame.indexOf(13)))
}

/** The first arguments of a whole command frame, `count` at most. */
export function leadingArgs(frame: Buffer, count: number): Buffer[] {
  const args: Buffer[] = []
  let at = frame.indexOf(13) + 2
  while (args.length < count && at < frame.length) {
    const end = frame.indexOf(13, at)
    const from = end + 2
    const length = Number(frame.toString('latin1', at + 1, end))
    args.push(frame.subarray(from, from + length))
    at = from + length + 2
  }
  return args
}

/**
 * One whole reply frame as a value, RESP2 or RESP3. Simple strings, bulk strings and verbatim strings are Buffers; maps
 * are flat arrays; attributes are dropped; doubles, booleans and big numbers are their text.
 */
export function decodeReply(frame: Buffer): Value {
  return new Reader(frame).value()
}

class Reader {
  readonly #frame: Buffer
  #at = 0
  constructor(frame: Buffer) {
    this.#frame = frame
  }

  value(): Value {
    const type = String.fromCharCode(this.#frame[this.#at] ?? 0)
    const line = this.#line()
    switch (type) {
      case '+':
        return Buffer.from(line)
      case '-':
        return new ReplyError(line)
      case ':':
        return Number(line)
      case '_':
        return null
      case ',':
      case '#':
      case '(':
        return line
      case '$':
        return this.#bulk(Number(line))
      case '=':
        return this.#bulk(Number(line))?.subarray(4) ?? null
      case '!':
        return new ReplyError(this.#bulk(Number(line))?.toString() ?? '')
      case '*':
      case '~':
      case '>':
        return Number(line) < 0 ? null : this.#many(Number(line))
      case '%':
        return this.#many(2 * Number(line))
      case '|':
        this.#many(2 * Number(line))
        return this.value()
      default:
        throw new Error(`not a reply frame: type byte ${this.#frame[0]}`)
    }
  }

  #line(): string {
    const end = this.#frame.indexOf(13, this.#at)
    if (end < 0) throw new Error('reply frame is cut short')
    const line = this.#frame.toString('utf8', this.#at + 1, end)
    this.#at = end + 2
    return line
  }

  #bulk(length: number): Buffer | null {
    if (length < 0) return null
    const bytes = this.#frame.subarray(this.#at, this.#at + length)
    this.#at += length + 2
    return bytes
  }

  #many(count: number): Value[] {
    const values: Value[] = []
    for (let i = 0; i < count; i++) values.push(this.value())
    return values
  }
}

/** A value as text, for names and words inside replies; undefined for anything that is no string or number. */
export function text(value: Value | undefined): string | undefined {
  if (Buffer.isBuffer(value)) return value.toString()
  if (typeof value === 'string') return value
  return typeof value === 'number' ? String(value) : undefined
}
