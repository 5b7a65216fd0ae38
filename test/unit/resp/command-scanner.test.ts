import t from 'tap'
import { CommandScanner, FrameKind } from '../../../src/resp/command-scanner.ts'
import { everyWay, shown } from './cuts.ts'
import { scanCommands } from './scan-commands.ts'

/**
 * What is found in a stream: `*n` a command of n arguments, `inline`, `empty`; `...`: more is to come; `!text`: an
 * error.
 */
const vectors: readonly (readonly [stream: string, found: string])[] = [
  ['*1\r\n$4\r\nPING\r\n', '*1'],
  ['*2\r\n$3\r\nGET\r\n$1\r\nk\r\n', '*2'],
  ['*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n', '*1 *1'],
  ['*3\r\n$3\r\nSET\r\n$0\r\n\r\n$2\r\n\r\n\r\n', '*3'],
  ['*1\r\n$0\r\n\r\n', '*1'],
  ['*2\r\n$4\r\nECHO\r\n$9\r\n*1\r\n$1\r\nx\r\n', '*2'],
  // Frames of no arguments are no commands and get no reply.
  ['*0\r\n', 'empty'],
  ['*-1\r\n*1\r\n$4\r\nPING\r\n', 'empty *1'],
  ['*-2147483649\r\n', 'empty'],
  ['*-999999999999\r\n', 'empty'],
  // The byte after a header's CR and the two after a payload are skipped unchecked, as the server does.
  ['*1\rX$4\rYPINGab', '*1'],
  ['*1\r\n$4\r\nPING*1', '*1'],
  // Everything that does not begin with '*' is a line.
  ['PING\r\n', 'inline'],
  ['PING\n', 'inline'],
  ['\r\n', 'inline'],
  ['\n', 'inline'],
  ['  GET  k \r\n*1\r\n$4\r\nPING\r\nPING\n', 'inline *1 inline'],
  ['$4\r\n', 'inline'],
  ['~1\r\n', 'inline'],
  ['+OK\r\n', 'inline'],
  // Unfinished.
  ['', ''],
  ['*', '...'],
  ['*1\n', '...'],
  ['*1\r', '...'],
  ['*2\r\n$3\r\nGET\r\n', '...'],
  ['*1\r\n$4\r\nPIN', '...'],
  ['*1\r\n$4\r\nPING\r', '...'],
  ['PING', '...'],
  ['PING\0\n\n*1\r\n$4\r\nPING\r\n', '...'],
  ['*1\r\n$4\r\nPING\r\n*1\r\n$4', '*1 ...'],
  // Errors, in the server's words.
  ['*x\r\n', '!invalid multibulk length'],
  ['*\r\n', '!invalid multibulk length'],
  ['*-\r\n', '!invalid multibulk length'],
  ['*-0\r\n', '!invalid multibulk length'],
  ['*01\r\n', '!invalid multibulk length'],
  ['*+1\r\n', '!invalid multibulk length'],
  ['* 1\r\n', '!invalid multibulk length'],
  ['*1 \r\n', '!invalid multibulk length'],
  ['*--1\r\n', '!invalid multibulk length'],
  ['*1-\r\n', '!invalid multibulk length'],
  ['*2147483648\r\n', '!invalid multibulk length'],
  ['*99999999999999999999\r\n', '!invalid multibulk length'],
  ['*1\r\nPING\r\n', "!expected '$', got 'P'"],
  ['*1\r\n:4\r\n', "!expected '$', got ':'"],
  ['*1\r\n\r', "!expected '$', got ' '"],
  ['*2\r\n$4\r\nECHO\r\n*1\r\n', "!expected '$', got '*'"],
  ['*1\r\n$-1\r\n', '!invalid bulk length'],
  ['*1\r\n$x\r\n', '!invalid bulk length'],
  ['*1\r\n$\r\n', '!invalid bulk length'],
  ['*1\r\n$04\r\n', '!invalid bulk length'],
  ['*1\r\n$536870913\r\n', '!invalid bulk length'],
  ['*1\r\n$99999999999999999999\r\n', '!invalid bulk length'],
  ['*1\r\n$4\r\nPING\r\n*1\r\n$a\r\n', '*1 !invalid bulk length'],
  ['PING\r\n*a\r\n', 'inline !invalid multibulk length'],
]

function summary(chunks: readonly Buffer[]): string {
  const { found, error, idle } = scanCommands(chunks)
  const words = found.map(({ kind, argc }) => (kind === 'command' ? `*${argc}` : kind))
  if (error !== null) words.push(`!${error}`)
  else if (!idle) words.push('...')
  return words.join(' ')
}

for (const [stream, expected] of vectors) {
  const bytes = Buffer.from(stream, 'latin1')
  t.test(`commands — finds ${expected || 'nothing'} — in ${shown(bytes)}`, async t => {
    const wrong: string[] = []
    for (const { how, chunks } of everyWay(bytes)) {
      const found = summary(chunks)
      if (found !== expected) wrong.push(`${how}: ${found}`)
    }
    t.strictSame(wrong, [])
  })
}

const KIB = 1024
const tooLong: readonly (readonly [what: string, stream: Buffer, expected: string])[] = [
  ['an inline line of 64 KiB', Buffer.from(`${'x'.repeat(64 * KIB)}\r\n`), '!too big inline request'],
  ['an inline line just short of 64 KiB', Buffer.from(`${'x'.repeat(64 * KIB - 1)}\r\n`), 'inline'],
  ['a line that a NUL hides', Buffer.from(`PING\0\n${'\n'.repeat(64 * KIB)}`), '!too big inline request'],
  ['a count without an end', Buffer.from(`*${'1'.repeat(64 * KIB)}`), '!too big mbulk count string'],
  ['a length without an end', Buffer.from(`*1\r\n$${'1'.repeat(64 * KIB)}`), '!too big bulk count string'],
]
for (const [what, stream, expected] of tooLong) {
  t.test(`commands — bounds a header — ${what}`, async t => {
    t.equal(summary([stream]), expected, 'whole')
    const parts: Buffer[] = []
    for (let at = 0; at < stream.length; at += 1000) parts.push(stream.subarray(at, at + 1000))
    t.equal(summary(parts), expected, 'in parts')
  })
}

t.test('commands — accepts the longest argument the server does — by its length alone', async t => {
  const scanner = new CommandScanner()
  t.equal(scanner.next(Buffer.from('*1\r\n$536870912\r\n'), 0), -1)
  t.equal(scanner.kind, FrameKind.none)
})

t.test('commands — says where the name stands — when the frame lies in one chunk', async t => {
  const chunk = Buffer.from('*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$6\r\nDBSIZE\r\n*1\r\n$0\r\n\r\n')
  const scanner = new CommandScanner()
  const names: string[] = []
  for (let at = 0; at < chunk.length; ) {
    at = scanner.next(chunk, at)
    names.push(chunk.toString('latin1', scanner.nameStart, scanner.nameStart + scanner.nameLength))
  }
  t.strictSame(names, ['GET', 'DBSIZE', ''])
})

t.test('commands — goes on in the middle of an argument — over many chunks', async t => {
  const value = Buffer.alloc(300_000, 'v')
  const stream = Buffer.concat([Buffer.from('*2\r\n$4\r\nECHO\r\n$300000\r\n'), value, Buffer.from('\r\nPING\r\n')])
  const parts: Buffer[] = []
  for (let at = 0; at < stream.length; at += 16_384) parts.push(stream.subarray(at, at + 16_384))
  t.equal(summary(parts), '*2 inline')
})
