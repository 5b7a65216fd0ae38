// resp-decoder.test.ts: every vector is decoded whole, byte by byte and cut at every point; the bytes must come back
// too.
import t from 'tap'
import {
  decodeAll,
  encodeCommand,
  RespAttributed,
  RespBigNumber,
  RespDecoder,
  RespDouble,
  RespError,
  RespPush,
  RespVerbatim,
  type Value,
} from '../../support/resp-decoder.ts'

const vectors: readonly [name: string, bytes: string, value: Value][] = [
  ['simple string', '+OK\r\n', 'OK'],
  ['empty simple string', '+\r\n', ''],
  ['error', '-READONLY You can not write\r\n', new RespError('READONLY You can not write')],
  ['integer', ':42\r\n', 42],
  ['negative integer', ':-7\r\n', -7],
  ['integer beyond 2^53', ':9223372036854775807\r\n', 9223372036854775807n],
  ['bulk', '$5\r\nhello\r\n', 'hello'],
  ['bulk of line ends', '$6\r\na\r\n\r\nb\r\n', 'a\r\n\r\nb'],
  ['bulk of two-byte letters', '$4\r\nüß\r\n', 'üß'],
  ['empty bulk', '$0\r\n\r\n', ''],
  ['null bulk', '$-1\r\n', null],
  ['null array', '*-1\r\n', null],
  ['empty array', '*0\r\n', []],
  ['array', '*3\r\n$1\r\na\r\n:2\r\n*-1\r\n', ['a', 2, null]],
  ['nested arrays', '*2\r\n*1\r\n*2\r\n+a\r\n*0\r\n:1\r\n', [[['a', []]], 1]],
  ['error in an array', '*2\r\n-ERR no\r\n+OK\r\n', [new RespError('ERR no'), 'OK']],
  ['null', '_\r\n', null],
  ['booleans', '*2\r\n#t\r\n#f\r\n', [true, false]],
  ['double', ',1.5\r\n', new RespDouble(1.5)],
  ['double with exponent', ',-1e-7\r\n', new RespDouble(-1e-7)],
  ['infinities', '*2\r\n,inf\r\n,-inf\r\n', [new RespDouble(Infinity), new RespDouble(-Infinity)]],
  ['not a number', ',nan\r\n', new RespDouble(Number.NaN)],
  ['big number', '(123456789012345678901234567890\r\n', new RespBigNumber(123456789012345678901234567890n)],
  ['blob error', '!9\r\nERR a\r\nb!\r\n', new RespError('ERR a\r\nb!')],
  ['verbatim', '=7\r\ntxt:a\r\n\r\n', new RespVerbatim('txt', 'a\r\n')],
  [
    'map',
    '%2\r\n+a\r\n:1\r\n+b\r\n%1\r\n+c\r\n_\r\n',
    new Map<Value, Value>([
      ['a', 1],
      ['b', new Map([['c', null]])],
    ]),
  ],
  ['empty map', '%0\r\n', new Map()],
  ['set', '~2\r\n+a\r\n:1\r\n', new Set<Value>(['a', 1])],
  ['push', '>2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n', new RespPush(['invalidate', ['k']])],
  ['attribute before a reply', '|1\r\n+ttl\r\n:3\r\n$1\r\nv\r\n', new RespAttributed(new Map([['ttl', 3]]), 'v')],
  [
    'attribute before an array and inside it',
    '|1\r\n+a\r\n*1\r\n+x\r\n*2\r\n|1\r\n+b\r\n:1\r\n:2\r\n:3\r\n',
    new RespAttributed(new Map([['a', ['x']]]), [new RespAttributed(new Map([['b', 1]]), 2), 3]),
  ],
]

for (const [name, text, value] of vectors) {
  t.test(`decoder — reads ${name} — whole and cut at every point`, async t => {
    const bytes = Buffer.from(text)
    t.strictSame(decodeAll(bytes), [value])
    for (let cut = 0; cut <= bytes.length; cut++) {
      const decoder = new RespDecoder()
      const frames = [...decoder.push(bytes.subarray(0, cut)), ...decoder.push(bytes.subarray(cut))]
      t.strictSame(frames, [{ value, raw: bytes }], `cut at ${cut}`)
      t.equal(decoder.pendingBytes, 0)
    }
    const decoder = new RespDecoder()
    const slow = [...bytes].flatMap(byte => decoder.push(Buffer.from([byte])))
    t.strictSame(slow, [{ value, raw: bytes }], 'byte by byte')
  })
}

t.test('decoder — gives each frame its own bytes — when all vectors come in one stream cut at every point', async t => {
  const parts = vectors.map(([, text]) => Buffer.from(text))
  const stream = Buffer.concat(parts)
  for (let cut = 0; cut <= stream.length; cut++) {
    const decoder = new RespDecoder()
    const frames = [...decoder.push(stream.subarray(0, cut)), ...decoder.push(stream.subarray(cut))]
    if (frames.length !== parts.length || !frames.every(({ raw }, i) => parts[i]?.equals(raw))) t.fail(`cut at ${cut}`)
  }
  t.strictSame(decodeAll(stream).length, vectors.length)
})

t.test('decoder — keeps binary bulks and large replies exact — when they come in many chunks', async t => {
  const body = Buffer.alloc(300_000, 0).map((_, i) => i % 256)
  const reply = Buffer.concat([Buffer.from(`*2\r\n$${body.length}\r\n`), body, Buffer.from('\r\n:1\r\n')])
  const decoder = new RespDecoder({ buffers: true })
  const frames = []
  for (let i = 0; i < reply.length; i += 1777) frames.push(...decoder.push(reply.subarray(i, i + 1777)))
  t.equal(frames.length, 1)
  t.ok(frames[0]?.raw.equals(reply))
  const value = frames[0]?.value
  t.ok(Array.isArray(value) && Buffer.isBuffer(value[0]) && value[0].equals(body))
})

for (const bad of [
  'x\r\n',
  ':1x\r\n',
  '$x\r\n',
  '$3\r\nabcde',
  '%-1\r\n',
  '#x\r\n',
  ',1,5\r\n',
  '+a\rb\r\n',
  '$?\r\n',
  '_x\r\n',
]) {
  t.test(`decoder — throws — on ${JSON.stringify(bad)}`, async t => {
    t.throws(() => new RespDecoder().push(Buffer.from(bad)), /RESP|BigInt/)
  })
}

t.test('decodeAll — throws — when a frame is incomplete', async t => {
  t.throws(() => decodeAll(Buffer.from('$5\r\nhel')), /7 bytes left/)
})

t.test('encodeCommand — counts bytes, not letters — in text and buffers', async t => {
  t.equal(
    encodeCommand(['SET', 'ü', 12, Buffer.from([0, 255])]).toString('latin1'),
    '*4\r\n$3\r\nSET\r\n$2\r\nÃ¼\r\n$2\r\n12\r\n$2\r\n\x00ÿ\r\n',
  )
})
