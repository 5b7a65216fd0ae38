import t from 'tap'
import { ReadMemory } from '../../../src/transport/read-memory.ts'
import { ReadBuffer } from '../../../src/upstream/read-buffer.ts'

const size = 64 * 1024

t.test('memory of reads — is used again — while nobody keeps a part', async t => {
  const memory = new ReadBuffer(new ReadMemory())
  const first = memory.next()
  t.equal(first.length, size)
  first.write('abc')
  t.equal(memory.filled(3).toString(), 'abc')
  t.equal(memory.next(), first)
})

t.test('memory of reads — is left alone for good — once a part is kept', async t => {
  const memory = new ReadBuffer(new ReadMemory())
  const first = memory.next()
  memory.filled(10)
  memory.keep()
  const second = memory.next()
  t.not(second, first)
  t.equal(memory.next(), second, 'the new one is used again')
})

t.test('part of a read that is kept — is a copy — of any size', async t => {
  const memory = new ReadBuffer(new ReadMemory())
  const first = memory.next()
  for (const size of [100, first.length]) {
    first.fill('x')
    const kept = memory.kept(memory.filled(size))
    t.equal(memory.next(), first, 'the next read lands in the same memory')
    first.fill('y')
    t.ok(kept.equals(Buffer.alloc(size, 'x')))
  }
})
