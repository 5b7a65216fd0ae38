// inline-command.ts — the arguments of an inline command, by sdssplitargs' rules (sds.c).
// Pure; used once per inline line, never on the hot path.

const escapes: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, b: 8, a: 7 }

const isSpace = (byte: number): boolean => byte === 32 || (byte >= 9 && byte <= 13)
/** Outside of quotes; vertical tab and form feed are skipped between arguments but belong to one they stand in. */
const endsWord = (byte: number): boolean => byte === 32 || byte === 9 || byte === 10 || byte === 13
const isHex = (byte: number | undefined): boolean =>
  byte !== undefined && ((byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 70) || (byte >= 97 && byte <= 102))

/**
 * Splits one inline line (without its line end) into arguments.
 * Answers undefined for unbalanced quotes, where the server says "unbalanced quotes in request"; an empty array for a
 * blank line, which is no command.
 */
export function splitInline(line: Buffer): Buffer[] | undefined {
  const args: Buffer[] = []
  let at = 0
  for (;;) {
    while (at < line.length && isSpace(line[at] as number)) at++
    if (at >= line.length) return args
    const word: number[] = []
    let quote = 0
    for (;;) {
      const byte = line[at]
      if (quote !== 0) {
        if (byte === undefined) return undefined
        if (quote === 34 && byte === 92) {
          at = readEscape(line, at, word)
        } else if (quote === 39 && byte === 92 && line[at + 1] === 39) {
          word.push(39)
          at += 2
        } else if (byte === quote) {
          const after = line[at + 1]
          if (after !== undefined && !isSpace(after)) return undefined // a closing quote ends the argument
          at++
          break
        } else {
          word.push(byte)
          at++
        }
      } else {
        if (byte === undefined || endsWord(byte)) break
        at++
        if (byte === 34 || byte === 39) quote = byte
        else word.push(byte)
      }
    }
    args.push(Buffer.from(word))
  }
}

/** Inside double quotes: \xHH, the named control characters, or the character itself. */
function readEscape(line: Buffer, at: number, word: number[]): number {
  const next = line[at + 1]
  if (next === undefined) {
    word.push(92)
    return at + 1
  }
  if (next === 120 && isHex(line[at + 2]) && isHex(line[at + 3])) {
    word.push(Number.parseInt(line.toString('latin1', at + 2, at + 4), 16))
    return at + 4
  }
  word.push(escapes[String.fromCharCode(next)] ?? next)
  return at + 2
}
