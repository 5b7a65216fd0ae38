import fc from 'fast-check'
import t from 'tap'
import { compactHeap } from '../../../src/cli/engine.ts'
import { commandArgs, decodeReply, elementTypes, ReplyError, textOf, type Value } from '../../../src/resp/decode.ts'
import { encodeCommand } from '../../../src/resp/encode.ts'
import { frame } from './values.ts'

/** Buffers as strings, errors as `-message`, so that a table can say what is expected. */
function plain(value: Value): unknown {
  if (Buffer.isBuffer(value)) return value.toString('latin1')
  if (value instanceof ReplyError) return `-${value.message}`
  return Array.isArray(value) ? value.map(plain) : value
}

const vectors: readonly (readonly [frame: string, value: unknown])[] = [
  ['+OK\r\n', 'OK'],
  ['+\r\n', ''],
  ['-ERR no\r\n', '-ERR no'],
  [':42\r\n', 42],
  [':-7\r\n', -7],
  ['$5\r\nhello\r\n', 'hello'],
  ['$0\r\n\r\n', ''],
  ['$2\r\n\r\n\r\n', '\r\n'],
  ['$-1\r\n', null],
  ['*-1\r\n', null],
  ['_\r\n', null],
  ['#t\r\n', 't'],
  [',1.5\r\n', '1.5'],
  ['(123456789012345678901234567890\r\n', '123456789012345678901234567890'],
  ['!9\r\nERR b\r\nad\r\n', '-ERR b\r\nad'],
  ['=7\r\ntxt:abc\r\n', 'abc'],
  ['*0\r\n', []],
  ['*3\r\n:1\r\n$1\r\na\r\n*1\r\n_\r\n', [1, 'a', [null]]],
  ['~2\r\n:1\r\n:2\r\n', [1, 2]],
  ['>2\r\n+message\r\n+x\r\n', ['message', 'x']],
  ['%2\r\n+a\r\n:1\r\n+b\r\n:2\r\n', ['a', 1, 'b', 2]],
  ['|1\r\n+ttl\r\n:3\r\n*1\r\n+v\r\n', ['v']],
  ['*1\r\n-ERR inside\r\n', ['-ERR inside']],
]
for (const [bytes, expected] of vectors) {
  t.test(`decode — reads ${JSON.stringify(bytes)} — as a value`, async t => {
    t.strictSame(plain(decodeReply(Buffer.from(bytes, 'latin1'))), expected)
  })
}

t.test('decode — gives an error its code — by its first word', async t => {
  for (const [message, code] of [
    ['READONLY You cannot write', 'READONLY'],
    ['LOADING', 'LOADING'],
    ['', ''],
  ] as const) {
    t.equal(new ReplyError(message).code, code)
  }
})

t.test('decode — throws rather than guesses — when the frame is cut short or none', async t => {
  for (const bytes of ['', '+OK', '*2\r\n:1\r\n', 'x\r\n', '?\r\n'])
    t.throws(() => decodeReply(Buffer.from(bytes)), bytes)
})

t.test('decode — reads what is nested a hundred thousand deep — of every kind that nests', async t => {
  for (const opening of ['*1\r\n', '~1\r\n', '>1\r\n', '%1\r\n:0\r\n', '|1\r\n+a\r\n:1\r\n*1\r\n']) {
    const depth = 100_000
    let value = decodeReply(Buffer.from(`${opening.repeat(depth)}:7\r\n`))
    let found = 0
    for (; Array.isArray(value); found++) value = value.at(-1) ?? null
    t.strictSame([found, value], [depth, 7], opening)
  }
})

t.test('elements — are told by their first bytes — however deep they are', async t => {
  const deep = `${'*1\r\n'.repeat(100_000)}:7\r\n`
  const types = (frame: string): string => String.fromCharCode(...elementTypes(Buffer.from(frame)))
  t.equal(types(`*5\r\n+OK\r\n${deep}-ERR no\r\n$5\r\n*1\r\n-\r\n%1\r\n+a\r\n!3\r\nERR\r\n`), '+*-$%')
  t.equal(types('>2\r\n_\r\n!3\r\nERR\r\n'), '_!')
  for (const other of ['*-1\r\n', '*0\r\n', '_\r\n', '+OK\r\n', '$-1\r\n']) t.equal(types(other), '', other)
})

t.test('decode — reads every frame there can be — without throwing', async () => {
  fc.assert(
    fc.property(frame, bytes => {
      decodeReply(Buffer.from(bytes, 'latin1'))
      return true
    }),
    { numRuns: 3000 },
  )
})

t.test('decode — gives text of strings and numbers — and of nothing else', async t => {
  t.equal(textOf(Buffer.from('a')), 'a')
  t.equal(textOf('b'), 'b')
  t.equal(textOf(3), '3')
  for (const value of [null, undefined, [], new ReplyError('x')]) t.equal(textOf(value), undefined)
})

t.test('arguments — are those that were encoded — whatever bytes they hold', async () => {
  const args = fc.array(
    fc.uint8Array({ maxLength: 50 }).map(array => Buffer.from(array)),
    { minLength: 1, maxLength: 8 },
  )
  fc.assert(
    fc.property(args, list => {
      const found = commandArgs(encodeCommand(list))
      return found.length === list.length && found.every((arg, i) => arg.equals(list[i] ?? Buffer.alloc(0)))
    }),
    { numRuns: 2000 },
  )
})

t.test('arguments — of frames with unchecked separators — are read as the server reads them', async t => {
  t.strictSame(commandArgs(Buffer.from('*2\rX$4\rYECHOab$1\r\nx\r\n')).map(String), ['ECHO', 'x'])
})

t.test('arguments — of something else — are refused, and the next command is read', async t => {
  t.throws(() => commandArgs(Buffer.from('+OK\r\n')))
  t.throws(() => commandArgs(Buffer.from('!\r\n')))
  t.strictSame(commandArgs(encodeCommand(['PING'])).map(String), ['PING'])
})

t.test('arguments — of a large command — keep nothing of it when nobody needs them any more', async t => {
  const size = 64 * 1024 * 1024
  const before = process.memoryUsage().arrayBuffers
  // In a function of its own: nothing of it is on the stack when it is over.
  const look = (): number => commandArgs(encodeCommand(['SET', 'k', Buffer.alloc(size)])).length
  t.equal(look(), 3)
  compactHeap()
  const after = process.memoryUsage().arrayBuffers
  t.ok(after - before < size / 2, `${after - before} bytes are kept`)
})

t.test('commands — are encoded by bytes — not by characters', async t => {
  t.equal(encodeCommand(['é', Buffer.from([0, 255])]).toString('latin1'), '*2\r\n$2\r\n\xc3\xa9\r\n$2\r\n\0\xff\r\n')
})
