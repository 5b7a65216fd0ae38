// resp-decoder.ts: turns bytes a Redis server sends into values, for tests only.
//
// Written apart from src/ on purpose: a test that decoded with the code under test would agree with its mistakes.
// Owns: partial input and the stack of open aggregates; a finished element is never parsed twice.
// Never: opens sockets, knows requests. RESP2 and all of RESP3 except streamed types ($?, *?), which Redis never sends.

/** `-ERR text` or `!len blob`: an error the server answered, as a value. */
export class RespError {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
  /** The first word, which is the contract: READONLY, LOADING, ERR, ... */
  get code(): string {
    return this.message.split(' ', 1)[0] ?? ''
  }
}
/** `>n`: out-of-band data of a RESP3 connection. */
export class RespPush {
  readonly items: Value[]
  constructor(items: Value[]) {
    this.items = items
  }
}
/** `,1.5`; kept apart from integers. */
export class RespDouble {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}
/** `(123`; kept apart from integers that happen to be large. */
export class RespBigNumber {
  readonly value: bigint
  constructor(value: bigint) {
    this.value = value
  }
}
/** `=len fmt:text`. */
export class RespVerbatim {
  readonly format: string
  readonly text: string
  constructor(format: string, text: string) {
    this.format = format
    this.text = text
  }
}
/** `|n ...` and the value it belongs to. */
export class RespAttributed {
  readonly attributes: Map<Value, Value>
  readonly value: Value
  constructor(attributes: Map<Value, Value>, value: Value) {
    this.attributes = attributes
    this.value = value
  }
}

/**
 * Simple and bulk strings are strings (Buffers for bulks where asked for), integers are numbers (bigint beyond 2^53),
 * all three nulls are null. Where those differences matter, compare the raw bytes.
 */
export type Value =
  | null
  | boolean
  | string
  | Buffer
  | number
  | bigint
  | Value[]
  | Map<Value, Value>
  | Set<Value>
  | RespError
  | RespPush
  | RespDouble
  | RespBigNumber
  | RespVerbatim
  | RespAttributed

/** One complete top-level frame: what it means and the exact bytes it came as (an attribute is part of its reply). */
export interface Frame {
  readonly value: Value
  readonly raw: Buffer
}

interface Open {
  readonly type: '*' | '%' | '~' | '>' | '|'
  readonly items: Value[]
  remaining: number
}

export interface DecoderOptions {
  /** Bulk strings as Buffers instead of UTF-8 strings. */
  readonly buffers?: boolean
}

/** Feed it chunks cut anywhere; it answers the frames they complete. Throws on bytes that are not RESP. */
export class RespDecoder {
  readonly #buffers: boolean
  #bytes = Buffer.alloc(0)
  #end = 0
  #pos = 0
  #start = 0
  #scan = 0
  readonly #stack: Open[] = []
  /** Attributes waiting for their value, per depth of the stack. */
  readonly #attributes: { depth: number; map: Map<Value, Value> }[] = []

  constructor(options: DecoderOptions = {}) {
    this.#buffers = options.buffers ?? false
  }

  /** Bytes received that belong to no complete frame yet. */
  get pendingBytes(): number {
    return this.#end - this.#start
  }

  push(chunk: Buffer): Frame[] {
    this.#append(chunk)
    const frames: Frame[] = []
    for (;;) {
      const token = this.#token()
      if (token === undefined) break
      const value = token.kind === 'value' ? this.#complete(token.value) : undefined
      if (value === undefined) continue
      frames.push({ value, raw: Buffer.from(this.#bytes.subarray(this.#start, this.#pos)) })
      this.#start = this.#pos
    }
    return frames
  }

  #append(chunk: Buffer): void {
    if (this.#end + chunk.length > this.#bytes.length) {
      const kept = this.#end - this.#start
      const size = Math.max(1024, 2 ** Math.ceil(Math.log2((kept + chunk.length) * 2)))
      const target = size > this.#bytes.length || this.#start === 0 ? Buffer.allocUnsafe(size) : this.#bytes
      this.#bytes.copy(target, 0, this.#start, this.#end)
      this.#bytes = target
      this.#pos -= this.#start
      this.#scan -= this.#start
      this.#end = kept
      this.#start = 0
    }
    chunk.copy(this.#bytes, this.#end)
    this.#end += chunk.length
  }

  /** The next scalar, or an aggregate opened (kind 'open'), or undefined when more bytes are needed. */
  #token(): { kind: 'value'; value: Value } | { kind: 'open' } | undefined {
    const lineEnd = this.#lineEnd()
    if (lineEnd < 0) return undefined
    const type = String.fromCharCode(this.#bytes[this.#pos] ?? 0)
    const after = lineEnd + 2
    if (type === '$' || type === '=' || type === '!') {
      const length = this.#size(type, lineEnd)
      if (length === -1) return this.#advance(after, null)
      if (this.#end < after + length + 2) return undefined
      if (this.#bytes[after + length] !== 13 || this.#bytes[after + length + 1] !== 10) {
        throw new Error(`RESP: ${type}${length} does not end in CR LF`)
      }
      return this.#advance(after + length + 2, this.#bulk(type, after, length))
    }
    if (type === '*' || type === '%' || type === '~' || type === '>' || type === '|') {
      const count = this.#size(type, lineEnd)
      if (count === -1) return this.#advance(after, null)
      this.#pos = this.#scan = after
      const remaining = type === '%' || type === '|' ? count * 2 : count
      const open: Open = { type, items: [], remaining }
      if (remaining > 0) {
        this.#stack.push(open)
        return { kind: 'open' }
      }
      if (type === '|') return { kind: 'open' }
      return { kind: 'value', value: closeAggregate(open) }
    }
    return this.#advance(after, scalar(type, this.#line(lineEnd)))
  }

  #line(end: number): string {
    return this.#bytes.toString('utf8', this.#pos + 1, end)
  }

  /** Walks decode millions of frames: digits are read where they are. */
  #size(type: string, lineEnd: number): number {
    const from = this.#pos + 1
    let size = 0
    for (let at = from; at < lineEnd; at++) {
      const digit = (this.#bytes[at] ?? 0) - 48
      if (digit < 0 || digit > 9) return sizeOf(type, this.#line(lineEnd))
      size = size * 10 + digit
    }
    return from < lineEnd ? size : sizeOf(type, '')
  }

  #lineEnd(): number {
    for (;;) {
      const from = Math.max(this.#scan, this.#pos)
      const at = from < this.#end ? this.#bytes.indexOf(13, from) : -1
      if (at < 0 || at >= this.#end) {
        this.#scan = this.#end
        return -1
      }
      if (at + 1 >= this.#end) {
        this.#scan = at
        return -1
      }
      // Stays at the CR, so that a bulk whose payload is still missing finds its header again at once.
      this.#scan = at
      if (this.#bytes[at + 1] === 10) return at
      throw new Error('RESP: CR without LF in a line')
    }
  }

  #bulk(type: string, at: number, length: number): Value {
    const bytes = this.#bytes.subarray(at, at + length)
    if (type === '!') return new RespError(bytes.toString('utf8'))
    if (type === '=') return new RespVerbatim(bytes.toString('latin1', 0, 3), bytes.toString('utf8', 4))
    return this.#buffers ? Buffer.from(bytes) : bytes.toString('utf8')
  }

  #advance(pos: number, value: Value): { kind: 'value'; value: Value } {
    this.#pos = this.#scan = pos
    return { kind: 'value', value }
  }

  /** Puts a finished value into the aggregate it belongs to; answers it when it is a whole top-level frame. */
  #complete(finished: Value): Value | undefined {
    let value = finished
    for (;;) {
      const attribute = this.#attributes.at(-1)
      if (attribute?.depth === this.#stack.length) {
        this.#attributes.pop()
        value = new RespAttributed(attribute.map, value)
      }
      const open = this.#stack.at(-1)
      if (open === undefined) return value
      open.items.push(value)
      open.remaining--
      if (open.remaining > 0) return undefined
      this.#stack.pop()
      if (open.type === '|') {
        this.#attributes.push({ depth: this.#stack.length, map: pairs(open.items) })
        return undefined
      }
      value = closeAggregate(open)
    }
  }
}

/** Decodes bytes that hold whole frames and nothing else. */
export function decodeAll(bytes: Buffer, options: DecoderOptions = {}): Value[] {
  const decoder = new RespDecoder(options)
  const values = decoder.push(bytes).map(frame => frame.value)
  if (decoder.pendingBytes > 0) throw new Error(`RESP: ${decoder.pendingBytes} bytes left of an incomplete frame`)
  return values
}

export type Argument = string | number | Buffer

/** A command as the RESP array of bulk strings every client sends. */
export function encodeCommand(args: readonly Argument[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)]
  for (const arg of args) {
    const bytes = Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg))
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'))
  }
  return Buffer.concat(parts)
}

function sizeOf(type: string, text: string): number {
  if (!/^(?:-1|\d+)$/.test(text)) throw new Error(`RESP: bad length ${JSON.stringify(type + text)}`)
  const n = Number(text)
  if (n === -1 && type !== '$' && type !== '*') throw new Error(`RESP: null length in ${type}`)
  return n
}

function scalar(type: string, text: string): Value {
  switch (type) {
    case '+':
      return text
    case '-':
      return new RespError(text)
    case ':': {
      if (!/^[+-]?\d+$/.test(text)) throw new Error(`RESP: bad integer ${JSON.stringify(text)}`)
      const n = Number(text)
      return Number.isSafeInteger(n) ? n : BigInt(text)
    }
    case '_':
      if (text !== '') throw new Error('RESP: null with content')
      return null
    case '#':
      if (text !== 't' && text !== 'f') throw new Error(`RESP: bad boolean ${JSON.stringify(text)}`)
      return text === 't'
    case ',':
      return new RespDouble(double(text))
    case '(':
      return new RespBigNumber(BigInt(text))
    default:
      throw new Error(`RESP: unknown type ${JSON.stringify(type)}`)
  }
}

function double(text: string): number {
  if (text === 'inf') return Number.POSITIVE_INFINITY
  if (text === '-inf') return Number.NEGATIVE_INFINITY
  if (text === 'nan' || text === '-nan') return Number.NaN
  if (!/^[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?$/.test(text)) throw new Error(`RESP: bad double ${JSON.stringify(text)}`)
  return Number(text)
}

function closeAggregate(open: Open): Value {
  switch (open.type) {
    case '%':
    case '|':
      return pairs(open.items)
    case '~':
      return new Set(open.items)
    case '>':
      return new RespPush(open.items)
    case '*':
      return open.items
  }
}

function pairs(items: readonly Value[]): Map<Value, Value> {
  const map = new Map<Value, Value>()
  for (let i = 0; i < items.length; i += 2) map.set(items[i] ?? null, items[i + 1] ?? null)
  return map
}
