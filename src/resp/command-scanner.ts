// command-scanner.ts: finds where a client's commands end, without copying or building values.
//
//   START ─'*'─▶ COUNT ─▶ MARK ─'$'─▶ LENGTH ─▶ PAYLOAD ─┐ next argument
//     │                     ▲──────────────────────────────┘
//     └─other─▶ INLINE (up to '\n')
//
// Owns: the position inside one unfinished frame; it resumes at any byte of any chunk.
// Never: looks at what a command means, keeps bytes (the caller does), touches sockets.
//
// The rules are those of networking.c (processMultibulkBuffer, processInlineBuffer), deviations included: the byte
// after a header's '\r' and the two bytes after a payload are skipped unchecked, and a NUL hides every later '\n' of an
// inline line.

const CR = 13
const LF = 10
const DOLLAR = 36
const MINUS = 45
const STAR = 42

const START = 0
const COUNT = 1
const MARK = 2
const LENGTH = 3
const PAYLOAD = 4
const INLINE = 5
const LINE_END = 6

/** PROTO_INLINE_MAX_SIZE: the longest header or inline line without its end. */
const MAX_LINE = 64 * 1024
/** proto-max-bulk-len, the server's default. */
const MAX_BULK = 512 * 1024 * 1024
const INT_MAX = 2147483647
/** What a server takes from a client that is not authenticated (processMultibulkBuffer): arguments, bytes of one. */
const SIGNED_OUT_ARGUMENTS = 10
const SIGNED_OUT_BYTES = 16384

/** What `next` found. */
export const FrameKind = { none: 0, command: 1, inline: 2, empty: 3, error: 4 } as const
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind]

/**
 * A resumable scanner of one client's byte stream. Feed chunks in order with `next`; a frame that began in an earlier
 * chunk is continued. After `error` the stream is dead, as the server's would be.
 */
export class CommandScanner {
  /** What the last `next` found. */
  kind: FrameKind = FrameKind.none
  /** Number of arguments of the frame. */
  argc = 0
  /** Where the command's name stands in the chunk; meaningful only when the frame began in that chunk. */
  nameStart = 0
  /** Of the name in bytes, whichever chunk it came in. */
  nameLength = 0
  /** How many commands the last `takeAlike` has taken. */
  taken = 0
  /** The server's own text for what is wrong, without "-ERR Protocol error: ". */
  error = ''
  #maxArguments = INT_MAX
  #maxBytes = MAX_BULK

  #phase: number = START
  /** Where the line that is ending leads: MARK, PAYLOAD, or START for a frame of no arguments. */
  #after: number = START
  #argsLeft = 0
  #skip = 0
  #value = 0
  #digits = 0
  #negative = false
  #bad = false
  #lineLength = 0
  #hidden = false
  #mark = DOLLAR
  #named = false

  /** Narrower limits for a client that has not signed in, or the ordinary ones again; from the next header on. */
  limit(to: 'signed-out' | 'ordinary'): void {
    this.#maxArguments = to === 'ordinary' ? INT_MAX : SIGNED_OUT_ARGUMENTS
    this.#maxBytes = to === 'ordinary' ? MAX_BULK : SIGNED_OUT_BYTES
  }

  /** True between two frames: nothing of a next one has been seen. */
  get idle(): boolean {
    return this.#phase === START
  }

  /**
   * Continues at `from` and answers the offset just past the frame that ends in this chunk, or -1 when the chunk ends
   * first or the stream is in error; `kind` tells which.
   */
  next(chunk: Buffer, from: number): number {
    const end = chunk.length
    let at = from
    this.kind = FrameKind.none
    while (at < end) {
      switch (this.#phase) {
        case START: {
          const type = chunk[at] as number
          if (type === STAR && this.#maxArguments === INT_MAX) {
            const whole = this.#nextWhole(chunk, at, end)
            if (whole > 0) return whole
          }
          this.#named = false
          this.#lineLength = 0
          this.#hidden = false
          if (type === STAR) {
            this.#startNumber(COUNT)
            at++
          } else {
            this.#phase = INLINE
          }
          break
        }
        case COUNT:
        case LENGTH:
          at = this.#readNumber(chunk, at, end)
          if (at < 0) return -1
          break
        case LINE_END: {
          at++ // the byte after '\r' is skipped unchecked
          const after: number = this.#after
          if (after === START) return this.#finish(FrameKind.empty, at)
          this.#phase = after
          if (after === PAYLOAD && !this.#named) {
            this.#named = true
            this.nameStart = at
            this.nameLength = this.#skip - 2
          }
          break
        }
        case MARK: {
          // Judged at the line's end, as the server does; a CR is that end.
          this.#mark = chunk[at] as number
          this.#startNumber(LENGTH)
          if (this.#mark === 0) this.#hidden = true
          if (this.#mark !== CR) at++
          break
        }
        case PAYLOAD: {
          const here = end - at
          if (here < this.#skip) {
            this.#skip -= here
            return -1
          }
          at += this.#skip
          if (--this.#argsLeft === 0) return this.#finish(FrameKind.command, at)
          this.#phase = MARK
          break
        }
        case INLINE: {
          const stop = this.#findLineEnd(chunk, at)
          this.#lineLength += (stop < 0 ? end : stop) - at
          if (this.#lineLength > MAX_LINE) return this.#fail('too big inline request')
          if (stop < 0) return -1
          return this.#finish(FrameKind.inline, stop + 1)
        }
      }
    }
    return -1
  }

  /**
   * The common case, with nothing to remember: a command of up to 99 arguments, in canonical form, all in this chunk.
   * Answers where it ends, or 0 where it takes the states. Halves the time for a small command.
   */
  #nextWhole(chunk: Buffer, from: number, end: number): number {
    let at = from + 1
    if (at + 3 > end) return 0
    let count = (chunk[at++] as number) - 48
    if (!(count >= 1 && count <= 9)) return 0
    const byte = chunk[at++] as number
    if (byte !== CR) {
      if (!(byte >= 48 && byte <= 57)) return 0
      count = count * 10 + byte - 48
      if (chunk[at++] !== CR) return 0
    }
    at++
    const name = at
    for (let i = 0; i < count; i++) {
      at = argumentEnd(chunk, at, end)
      if (at === 0) return 0
      if (i > 0) continue
      const nameStart = name + (chunk[name + 2] === CR ? 4 : 5)
      if (chunk[nameStart - 2] !== CR) return 0
      this.nameStart = nameStart
      this.nameLength = at - 2 - nameStart
    }
    this.argc = count
    this.kind = FrameKind.command
    return at
  }

  /**
   * Of a pipeline: commands from `from` on that have the name, in the same case, and the number of arguments of the one
   * that `next` has just found in this chunk; `most` at most, all whole. Answers where they end; `taken` is how many.
   * Spares looking up the same name again and again: halves the time for a small command once more.
   */
  takeAlike(chunk: Buffer, from: number, most: number): number {
    const { nameStart, nameLength, argc } = this
    const end = chunk.length
    let at = from
    let taken = 0
    // With one digit each, what stands around the name is eight bytes.
    if (argc > 9 || nameLength > 9 || nameLength === 0) most = 0
    search: while (taken < most && at + nameLength + 10 <= end) {
      if (chunk[at + 1] !== argc + 48 || chunk[at + 5] !== nameLength + 48 || chunk[at] !== STAR) break
      if (chunk[at + 2] !== CR || chunk[at + 4] !== DOLLAR || chunk[at + 6] !== CR) break
      let next = at + 8
      for (let i = 0; i < nameLength; i++) if (chunk[next + i] !== chunk[nameStart + i]) break search
      next += nameLength + 2
      for (let i = 1; i < argc; i++) {
        next = argumentEnd(chunk, next, end)
        if (next === 0) break search
      }
      at = next
      taken++
    }
    this.taken = taken
    return at
  }

  #startNumber(phase: number): void {
    this.#phase = phase
    this.#value = 0
    this.#digits = 0
    this.#negative = false
    this.#bad = false
    this.#lineLength = 1
  }

  /** Answers where it stopped, or -1 on an error. Grammar of string2ll: optional '-'; no '+', space, leading zero. */
  #readNumber(chunk: Buffer, from: number, end: number): number {
    let at = from
    while (at < end) {
      const byte = chunk[at] as number
      at++
      if (byte === CR && !this.#hidden) {
        return this.#endNumber() ? at : -1
      }
      if (byte >= 48 && byte <= 57) {
        if (this.#digits > 0 && this.#value === 0) this.#bad = true
        this.#value = this.#value * 10 + byte - 48
        this.#digits++
      } else if (byte === MINUS && this.#digits === 0 && !this.#negative) {
        this.#negative = true
      } else {
        this.#bad = true
        if (byte === 0) this.#hidden = true
      }
      if (++this.#lineLength > MAX_LINE) {
        this.#fail(this.#phase === COUNT ? 'too big mbulk count string' : 'too big bulk count string')
        return -1
      }
    }
    return at
  }

  #endNumber(): boolean {
    const bad = this.#bad || this.#digits === 0 || (this.#negative && this.#value === 0) || this.#digits > 18
    if (this.#phase === COUNT) {
      if (bad || (!this.#negative && this.#value > this.#maxArguments)) {
        const invalid = bad || this.#value > INT_MAX
        this.#fail(invalid ? 'invalid multibulk length' : 'unauthenticated multibulk length')
        return false
      }
      this.argc = this.#negative ? 0 : this.#value
      this.#argsLeft = this.argc
      this.#after = this.argc === 0 ? START : MARK
    } else {
      if (this.#mark !== DOLLAR) {
        this.#fail(`expected '$', got '${printable(this.#mark)}'`)
        return false
      }
      if (bad || this.#negative || this.#value > this.#maxBytes) {
        const invalid = bad || this.#negative || this.#value > MAX_BULK
        this.#fail(invalid ? 'invalid bulk length' : 'unauthenticated bulk length')
        return false
      }
      this.#skip = this.#value + 2
      this.#after = PAYLOAD
    }
    this.#phase = LINE_END
    return true
  }

  /** strchr semantics: after a NUL no '\n' is ever found. */
  #findLineEnd(chunk: Buffer, from: number): number {
    if (this.#hidden) return -1
    const stop = chunk.indexOf(LF, from)
    const nul = chunk.indexOf(0, from)
    if (nul < 0 || (stop >= 0 && stop < nul)) return stop
    this.#hidden = true
    return -1
  }

  #finish(kind: FrameKind, at: number): number {
    this.#phase = START
    this.kind = kind
    return at
  }

  #fail(text: string): number {
    this.kind = FrameKind.error
    this.error = text
    return -1
  }
}

/** Where the argument ends that begins at `at`, in canonical form and all before `end`; else 0. */
function argumentEnd(chunk: Buffer, from: number, end: number): number {
  if (from + 6 > end || chunk[from] !== DOLLAR) return 0
  let length = (chunk[from + 1] as number) - 48
  if (!(length >= 0 && length <= 9)) return 0
  let at = from + 2
  let byte = chunk[at++] as number
  while (byte !== CR) {
    if (!(byte >= 48 && byte <= 57) || length === 0 || length > MAX_LINE || at === end) return 0
    length = length * 10 + byte - 48
    byte = chunk[at++] as number
  }
  at += length + 3
  return at > end ? 0 : at
}

/** The server prints the byte as a character; bytes that would break the error line become spaces, as it does. */
function printable(byte: number): string {
  return byte === CR || byte === LF ? ' ' : String.fromCharCode(byte)
}
