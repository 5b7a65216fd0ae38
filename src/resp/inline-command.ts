// inline-command.ts: an inline command as the frame that says the same, by the rules of sdssplitargs (sds.c).
//
// Used once per inline line, never on the hot path. A line may have 32,000 words, and a client may send one after the
// other: so there is no object per word.

const CR = 13
const LF = 10
const escapes: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, b: 8, a: 7 }

const isSpace = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13)
/** Outside of quotes; vertical tab and form feed are skipped between arguments but belong to one they stand in. */
const endsWord = (byte: number): boolean => byte === 32 || byte === 9 || byte === LF || byte === CR
const isHex = (byte: number | undefined): boolean =>
  byte !== undefined && ((byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 70) || (byte >= 97 && byte <= 102))

/** All words of the line that is looked at, one behind the other, and where each ends; used again by the next line. */
let words = Buffer.alloc(0)
let ends = new Uint32Array(0)

/**
 * The command of one inline line (without its line end). Answers undefined for unbalanced quotes, where the server says
 * "unbalanced quotes in request"; null for a blank line, which is no command.
 */
export function encodeInline(line: Buffer): Buffer | null | undefined {
  if (words.length < line.length) {
    words = Buffer.alloc(line.length)
    ends = new Uint32Array(line.length + 1)
  }
  const count = split(line)
  if (count < 0) return undefined
  return count === 0 ? null : encode(count)
}

/** Fills `words` and `ends`; answers how many there are, -1 for unbalanced quotes. */
function split(line: Buffer): number {
  let count = 0
  let to = 0
  let at = 0
  for (;;) {
    while (at < line.length && isSpace(line[at] as number)) at++
    if (at >= line.length) return count
    let quote = 0
    for (;;) {
      const byte = line[at]
      if (quote !== 0) {
        if (byte === undefined) return -1
        if (quote === 34 && byte === 92) {
          words[to++] = escaped(line, at)
          at += escapeLength(line, at)
        } else if (quote === 39 && byte === 92 && line[at + 1] === 39) {
          words[to++] = 39
          at += 2
        } else if (byte === quote) {
          const after = line[at + 1]
          if (after !== undefined && !isSpace(after)) return -1 // a closing quote ends the argument
          at++
          break
        } else {
          words[to++] = byte
          at++
        }
      } else {
        if (byte === undefined || endsWord(byte)) break
        at++
        if (byte === 34 || byte === 39) quote = byte
        else words[to++] = byte
      }
    }
    ends[count++] = to
  }
}

const isHexEscape = (line: Buffer, at: number): boolean =>
  line[at + 1] === 120 && isHex(line[at + 2]) && isHex(line[at + 3])

/** Inside double quotes: \xHH, the named control characters, or the character itself. */
function escaped(line: Buffer, at: number): number {
  if (isHexEscape(line, at)) return Number.parseInt(line.toString('latin1', at + 2, at + 4), 16)
  const next = line[at + 1] ?? 92
  return escapes[String.fromCharCode(next)] ?? next
}

function escapeLength(line: Buffer, at: number): number {
  if (isHexEscape(line, at)) return 4
  return line[at + 1] === undefined ? 1 : 2
}

/** `$3\r\nSET\r\n` of each word, behind `*n\r\n`. */
function encode(count: number): Buffer {
  let size = digits(count) + 3
  for (let i = 0, from = 0; i < count; i++) {
    const end = ends[i] as number
    size += digits(end - from) + 5 + end - from
    from = end
  }
  const frame = Buffer.allocUnsafe(size)
  let at = writeHeader(frame, 0, 42, count)
  for (let i = 0, from = 0; i < count; i++) {
    const end = ends[i] as number
    at = writeHeader(frame, at, 36, end - from)
    words.copy(frame, at, from, end)
    at += end - from
    frame[at++] = CR
    frame[at++] = LF
    from = end
  }
  return frame
}

function writeHeader(frame: Buffer, start: number, type: number, value: number): number {
  const end = start + 1 + digits(value)
  frame[start] = type
  for (let at = end - 1, left = value; at > start; at--, left = Math.floor(left / 10)) frame[at] = 48 + (left % 10)
  frame[end] = CR
  frame[end + 1] = LF
  return end + 2
}

function digits(value: number): number {
  let count = 1
  for (let left = value; left >= 10; left = Math.floor(left / 10)) count++
  return count
}
