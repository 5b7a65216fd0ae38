import fc from 'fast-check'
import RedisParser from 'redis-parser'
import t from 'tap'
import { ReplyType } from '../../../src/resp/reply-scanner.ts'
import { RespDecoder } from '../../support/resp-decoder.ts'
import { cutAt, everyWay, fractions, shown } from './cuts.ts'
import { scanReplies } from './scan-replies.ts'
import { frame, resp2 } from './values.ts'

/** A stream as the list of its frames; a last one in `rest` is unfinished. */
const vectors: readonly { readonly frames: readonly string[]; readonly rest?: string }[] = [
  { frames: ['+OK\r\n'] },
  { frames: ['+\r\n', '-ERR x\r\n', ':1\r\n', ':-1\r\n'] },
  { frames: ['$0\r\n\r\n', '$5\r\nhello\r\n', '$2\r\n\r\n\r\n', '$-1\r\n'] },
  { frames: ['*0\r\n', '*-1\r\n', '*1\r\n:1\r\n', '*2\r\n$1\r\na\r\n$-1\r\n'] },
  { frames: ['*2\r\n*2\r\n:1\r\n*0\r\n*1\r\n*-1\r\n', '+OK\r\n'] },
  { frames: ['_\r\n', '#t\r\n', ',1.5\r\n', '(12345678901234567890\r\n', '!5\r\nERR x\r\n', '=7\r\ntxt:abc\r\n'] },
  { frames: ['%2\r\n+a\r\n:1\r\n+b\r\n%1\r\n+c\r\n~2\r\n:1\r\n:2\r\n', '%0\r\n', '~0\r\n'] },
  { frames: ['>2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n', '+OK\r\n', '>3\r\n+message\r\n+c\r\n+m\r\n'] },
  { frames: ['|1\r\n+ttl\r\n:3600\r\n+value\r\n', '+OK\r\n'] },
  { frames: ['|0\r\n+OK\r\n'] },
  { frames: ['|1\r\n+a\r\n:1\r\n|1\r\n+b\r\n:2\r\n*1\r\n|1\r\n+c\r\n:3\r\n:9\r\n', '+OK\r\n'] },
  { frames: ['*1\r\n|1\r\n+a\r\n*2\r\n:1\r\n:2\r\n+x\r\n', ':1\r\n'] },
  { frames: [], rest: '+OK\r' },
  { frames: [], rest: '$5\r\nhello\r' },
  { frames: [], rest: '$' },
  { frames: [], rest: '$5\r' },
  { frames: [], rest: '*2\r\n:1\r\n' },
  { frames: [], rest: '|1\r\n+a\r\n:1\r\n' },
  { frames: ['+OK\r\n'], rest: '%1\r\n+a\r\n' },
]

for (const { frames, rest = '' } of vectors) {
  const stream = Buffer.from(frames.join('') + rest, 'latin1')
  t.test(`replies — finds ${frames.length} — in ${shown(stream)}`, async t => {
    let at = 0
    const ends = frames.map(text => {
      at += text.length
      return at
    })
    const expected = { ends, types: frames.map(text => text[0]).join(''), broken: false }
    for (const { how, chunks } of everyWay(stream)) t.strictSame(scanReplies(chunks), expected, how)
  })
}

const broken: readonly (readonly [what: string, stream: string, framesBefore: number])[] = [
  ['a letter', 'HTTP/1.1 400 Bad Request\r\n', 0],
  ['a NUL', '\0', 0],
  ['a bare line end', '\r\n', 0],
  ['a length that is no number', '$x\r\n', 0],
  ['a count that is no number', '*1a\r\n', 0],
  ['a streamed string', '$?\r\n;4\r\nabcd\r\n;0\r\n', 0],
  ['a streamed array', '*?\r\n:1\r\n.\r\n', 0],
  ['an element that is none', '*2\r\n:1\r\nx\r\n', 0],
  ['garbage behind a reply', '+OK\r\nGET / HTTP/1.1\r\n', 1],
  ['a payload longer than its length', '$3\r\nabcdef\r\n+OK\r\n', 1],
]
for (const [what, stream, framesBefore] of broken) {
  t.test(`replies — are broken — at ${what}`, async t => {
    for (const { how, chunks } of everyWay(Buffer.from(stream, 'latin1'))) {
      const { ends, broken } = scanReplies(chunks)
      t.equal(broken, true, how)
      t.equal(ends.length, framesBefore, how)
    }
  })
}

t.test('replies — tell what they are by their first byte — also when they are nested', async t => {
  const stream = '-ERR x\r\n>1\r\n+a\r\n*1\r\n-ERR y\r\n+OK\r\n_\r\n'
  const types = [ReplyType.error, ReplyType.push, ReplyType.array, ReplyType.simple, ReplyType.nil]
  t.equal(scanReplies([Buffer.from(stream)]).types, String.fromCharCode(...types))
})

t.test('replies — a big bulk among small ones — in chunks as a socket gives them', async t => {
  const big = Buffer.concat([Buffer.from('$1000000\r\n'), Buffer.alloc(1_000_000, '\r\n+'), Buffer.from('\r\n')])
  const stream = Buffer.concat([Buffer.from(':1\r\n'), big, Buffer.from('*1\r\n'), big, Buffer.from('+OK\r\n')])
  for (const size of [1000, 65_536, 65_537]) {
    const chunks: Buffer[] = []
    for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size))
    t.strictSame(scanReplies(chunks).types, ':$*+', `${size} bytes each`)
  }
})

const stream = fc.array(frame, { minLength: 1, maxLength: 6 })

t.test('replies — have exact ends — whatever they hold and wherever they are cut', async () => {
  fc.assert(
    fc.property(stream, fractions, (frames, cuts) => {
      const { ends, types, broken } = scanReplies(cutAt(Buffer.from(frames.join(''), 'latin1'), cuts))
      let at = 0
      const expected = frames.map(text => {
        at += text.length
        return at
      })
      return !broken && ends.join() === expected.join() && types === frames.map(text => text[0]).join('')
    }),
    { numRuns: 3000 },
  )
})

t.test('replies — are those an independent decoder finds — in any valid stream', async () => {
  fc.assert(
    fc.property(stream, frames => {
      const bytes = Buffer.from(frames.join(''), 'latin1')
      const lengths = new RespDecoder({ buffers: true }).push(bytes).map(({ raw }) => raw.length)
      const { ends } = scanReplies([bytes])
      return ends.map((end, i) => end - (ends[i - 1] ?? 0)).join() === lengths.join()
    }),
    { numRuns: 1000 },
  )
})

t.test('replies — are as many as redis-parser finds — in RESP2', async () => {
  fc.assert(
    fc.property(fc.array(resp2, { minLength: 1, maxLength: 6 }), fractions, (frames, cuts) => {
      const chunks = cutAt(Buffer.from(frames.join(''), 'latin1'), cuts)
      let replies = 0
      const count = (): void => void replies++
      const fatal = (error: Error): never => {
        throw error
      }
      const parser = new RedisParser({
        returnBuffers: true,
        returnReply: count,
        returnError: count,
        returnFatalError: fatal,
      })
      for (const chunk of chunks) parser.execute(Buffer.from(chunk))
      return scanReplies(chunks).ends.length === replies
    }),
    { numRuns: 1000 },
  )
})

t.test('replies — noise never throws nor loops, and means the same — however it is cut', async () => {
  const piece = fc.constantFrom(
    '*2\r\n',
    '$3\r\n',
    'abc\r\n',
    '%1\r\n',
    '|1\r\n',
    ':1\r\n',
    '\r\n',
    '>',
    '_',
    '-1',
    'x',
    '+OK\r\n',
  )
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 100 }).map(array => Buffer.from(array)),
    fc.array(piece, { maxLength: 25 }).map(pieces => Buffer.from(pieces.join(''))),
  )
  fc.assert(
    fc.property(noise, fractions, (bytes, cuts) => {
      const whole = scanReplies([bytes])
      const parts = scanReplies(cutAt(bytes, cuts))
      return whole.ends.join() === parts.ends.join() && whole.broken === parts.broken
    }),
    { numRuns: 5000 },
  )
})
