import t from 'tap'
import { ReadBuffer } from '../../../src/upstream/read-buffer.ts'

const size = 64 * 1024

t.test('memory of reads — is used again — while nobody keeps a part', async t => {
  const memory = new ReadBuffer()
  const first = memory.next()
  t.equal(first.length, size)
  first.write('abc')
  t.equal(memory.filled(3).toString(), 'abc')
  t.equal(memory.next(), first)
})

t.test('memory of reads — is left alone for good — once a part is kept', async t => {
  const memory = new ReadBuffer()
  const first = memory.next()
  memory.filled(10)
  memory.keep()
  const second = memory.next()
  t.not(second, first)
  t.equal(memory.next(), second, 'the new one is used again')
})

t.test('part of a read that is kept — is copied — while it is the smaller part', async t => {
  const memory = new ReadBuffer()
  const first = memory.next()
  const bytes = memory.filled(100)
  const small = memory.kept(bytes.subarray(90))
  t.not(small.buffer, first.buffer)
  t.equal(memory.next(), first)

  const large = memory.kept(memory.filled(size - 1))
  t.equal(large.buffer, first.buffer)
  t.not(memory.next(), first, 'what is kept is not read into')
})
