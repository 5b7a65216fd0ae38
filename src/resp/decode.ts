// decode.ts: turns one whole frame into values, where values are needed: the arguments of a command that changes a
// session, and replies to the proxy's own questions. Slow path only; the frame has been bounded by a scanner before.
//
// redis-parser decodes RESP2. It stops at every type that RESP3 added, so frames of a RESP3 link go through the small
// reader below. A client's command is an array of bulk strings under either protocol.
import RedisParser from 'redis-parser'
import { ReplyScanner, ReplyType } from './reply-scanner.ts'

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
  // One parser serves all sessions: what it has kept of a frame that was cut short is not for the next one.
  parser.reset()
  parser.execute(frame)
  const args = decoded
  // Kept until the next command is decoded, an argument would keep its whole frame: hundreds of megabytes, for hours.
  decoded = undefined
  if (!Array.isArray(args)) throw new Error('not a command frame')
  return args.filter(Buffer.isBuffer)
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
 * are flat arrays; attributes are dropped; doubles, booleans and big numbers are their text. Nesting of any depth: a
 * script of a client's may have made it. @throws Error when the frame is no whole reply.
 */
export function decodeReply(frame: Buffer): Value {
  return new Reader(frame).read()
}

/** An aggregate whose elements are being read. */
interface Open {
  readonly values: Value[]
  left: number
  /** An attribute: no value of its own, the one it belongs to follows. */
  readonly dropped: boolean
}

/** Keeps what is open in a list and not on the stack, which a reply must not be able to fill. */
class Reader {
  readonly #frame: Buffer
  readonly #open: Open[] = []
  #at = 0
  constructor(frame: Buffer) {
    this.#frame = frame
  }

  read(): Value {
    for (;;) {
      let value = this.#next()
      while (value !== undefined) {
        const open = this.#open.at(-1)
        if (open === undefined) return value
        open.values.push(value)
        value = --open.left > 0 ? undefined : this.#close()
      }
    }
  }

  /** The next element; undefined when it is not whole yet, because its own elements follow. */
  #next(): Value | undefined {
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
        return Number(line) < 0 ? null : this.#begin(Number(line))
      case '%':
        return this.#begin(2 * Number(line))
      case '|':
        return this.#begin(2 * Number(line), true)
      default:
        throw new Error(`not a reply frame: type byte ${type.charCodeAt(0)}`)
    }
  }

  #begin(count: number, dropped = false): Value | undefined {
    this.#open.push({ values: [], left: count, dropped })
    return count > 0 ? undefined : this.#close()
  }

  #close(): Value | undefined {
    const open = this.#open.pop()
    return open === undefined || open.dropped ? undefined : open.values
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
}

/**
 * The first bytes of the elements of a whole reply that is an array or a push, without looking into them; empty for any
 * other reply.
 */
export function elementTypes(frame: Buffer): number[] {
  const types: number[] = []
  if (frame[0] !== ReplyType.array && frame[0] !== ReplyType.push) return types
  const scanner = new ReplyScanner()
  for (let at = frame.indexOf(10) + 1; at < frame.length; ) {
    at = scanner.next(frame, at)
    if (at < 0) break
    types.push(scanner.type)
  }
  return types
}

/** A value as text, for names and words inside replies; undefined for anything that is no string or number. */
export function textOf(value: Value | undefined): string | undefined {
  if (Buffer.isBuffer(value)) return value.toString()
  if (typeof value === 'string') return value
  return typeof value === 'number' ? String(value) : undefined
}
