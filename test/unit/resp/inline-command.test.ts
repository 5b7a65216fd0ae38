import fc from 'fast-check'
import t from 'tap'
import { commandArgs } from '../../../src/resp/decode.ts'
import { encodeInline } from '../../../src/resp/inline-command.ts'

/** Its arguments; undefined where the quotes do not balance. */
function splitInline(line: Buffer): Buffer[] | undefined {
  const frame = encodeInline(line)
  return frame === null ? [] : frame && commandArgs(frame)
}

/** null: the quotes do not balance. Most are the server's own tests of sdssplitargs. */
const vectors: readonly (readonly [line: string, args: readonly string[] | null])[] = [
  ['', []],
  ['   ', []],
  [' \t\r\n\v\f ', []],
  ['PING', ['PING']],
  ['  SET  k   v  ', ['SET', 'k', 'v']],
  ['SET k\tv', ['SET', 'k', 'v']],
  ['Testing one two three', ['Testing', 'one', 'two', 'three']],
  ['"" ""', ['', '']],
  ["''", ['']],
  ['"Testing split strings" \'Another split string\'', ['Testing split strings', 'Another split string']],
  ['"Hello" ', ['Hello']],
  ['SET k "hello world"', ['SET', 'k', 'hello world']],
  ['"\\"quoted\\""', ['"quoted"']],
  ['"a\\nb\\rc\\td\\be\\af"', ['a\nb\rc\td\be\x07f']],
  ['"\\x41\\x7e\\xff\\x00"', ['A~\xff\0']],
  ['"\\x4"', ['x4']],
  ['"\\xzz"', ['xzz']],
  ['"\\q\\\\"', ['q\\']],
  ["'it\\'s'", ["it's"]],
  ["'a\\nb'", ['a\\nb']],
  ["'a\\\\b'", ['a\\\\b']],
  // The second backslash still protects the quote behind it.
  ["'a\\\\'", null],
  ['\'say "hi"\'', ['say "hi"']],
  ['"it\'s"', ["it's"]],
  ['a\\nb', ['a\\nb']],
  ['a"b c"', ['ab c']],
  ["a'b c' d", ['ab c', 'd']],
  // Only blank, tab and line ends end a bare argument; the other white space is skipped in front of one.
  ['a\vb\fc', ['a\vb\fc']],
  ['\va \fb', ['a', 'b']],
  ['"a"\v"b"', ['a', 'b']],
  // Unbalanced: no end, or an end that something sticks to.
  ['"', null],
  ["'", null],
  ['"a', null],
  ["'a", null],
  ['"a\\"', null],
  ["'a\\'", null],
  ['"a\\', null],
  ['"a"b', null],
  ["'a'b", null],
  ['"a""b"', null],
  ['SET k "v', null],
]

for (const [line, expected] of vectors) {
  t.test(`inline — splits ${JSON.stringify(line)} — as the server does`, async t => {
    const args = splitInline(Buffer.from(line, 'latin1'))
    t.strictSame(args === undefined ? null : args.map(arg => arg.toString('latin1')), expected)
  })
}

/** sdscatrepr's way: what every argument looks like in quotes. */
function quoted(arg: Buffer): string {
  const body = Array.from(arg, byte => {
    if (byte === 34 || byte === 92) return `\\${String.fromCharCode(byte)}`
    return byte >= 32 && byte < 127 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`
  })
  return `"${body.join('')}"`
}

t.test('inline — gives back any arguments — that were quoted', async () => {
  const args = fc.array(
    fc.uint8Array({ maxLength: 20 }).map(array => Buffer.from(array)),
    { maxLength: 5 },
  )
  fc.assert(
    fc.property(args, list => {
      const found = splitInline(Buffer.from(list.map(quoted).join(' '), 'latin1'))
      return found !== undefined && found.length === list.length && found.every((arg, i) => arg.equals(list[i] ?? arg))
    }),
    { numRuns: 2000 },
  )
})

t.test('inline — never throws nor makes more of a line than there is — for any bytes', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
      const args = splitInline(Buffer.from(bytes))
      return args === undefined || args.reduce((sum, arg) => sum + arg.length, 0) <= bytes.length
    }),
    { numRuns: 5000 },
  )
})

t.test('inline — is the same frame — when a longer line was looked at before', async t => {
  const long = Array.from({ length: 12_000 }, (_, i) => `word${i}`)
  t.strictSame(splitInline(Buffer.from(long.join(' ')))?.map(String), long)
  t.equal(
    String(encodeInline(Buffer.from('SET k "1234567890"'))),
    '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$10\r\n1234567890\r\n',
  )
})
