import t from 'tap'
import { ReadMemory } from '../../../src/transport/read-memory.ts'

const MB = 1024 * 1024
const READ = Buffer.alloc(64 * 1024, 'x')

t.test('memory of reads — is used again — when all of it is given back', async t => {
  const memory = new ReadMemory()
  const first = memory.copy(READ, 20_000)
  t.ok(first.equals(READ.subarray(0, 20_000)))
  memory.giveBack(first.subarray(0, 12_000))
  t.not(memory.copy(READ, 20_000).buffer, first.buffer, 'a part is still needed')
  memory.giveBack(first.subarray(12_000))
  t.equal(memory.copy(READ, 19_000).buffer, first.buffer)
})

t.test('memory of reads — is left alone — when it is not ours, small, or given back already', async t => {
  const memory = new ReadMemory()
  const own = memory.copy(READ, 5_000)
  const small = memory.copy(READ, 500)
  memory.giveBackAll([Buffer.alloc(10_000), small, own])
  t.equal(memory.freeBytes, 8192)
  memory.giveBack(own)
  t.equal(memory.freeBytes, 8192)
  const [one, two] = [memory.copy(READ, 5_000), memory.copy(READ, 5_000)]
  t.not(one.buffer, two.buffer)
})

t.test('memory of reads — holds on to little more than what was read — of any size', async t => {
  const memory = new ReadMemory()
  for (const size of [2_048, 4_097, 16_500, 33_000, READ.length]) {
    const chunk = memory.copy(READ, size)
    t.equal(chunk.length, size)
    t.ok(chunk.buffer.byteLength < size + 4096)
  }
})

t.test('memory that nobody needs — is bounded, and goes — when it stays unused', async t => {
  const memory = new ReadMemory()
  const chunks = Array.from({ length: 400 }, () => memory.copy(READ, READ.length))
  memory.giveBackAll(chunks)
  t.ok(memory.freeBytes <= 16 * MB)
  memory.trim(10_000)
  const kept = memory.freeBytes
  t.ok(kept > 0, 'it was in use since the last time')
  memory.giveBack(memory.copy(READ, READ.length))
  memory.trim(15_000)
  t.equal(memory.freeBytes, kept, 'it is not looked at all the time')
  memory.trim(20_000)
  t.ok(memory.freeBytes < kept, 'one was enough')
  memory.trim(30_000)
  t.equal(memory.freeBytes, 0)
})

t.test('a small piece of a large read — lies apart — so that the read is used again', async t => {
  const memory = new ReadMemory()
  const chunk = memory.copy(READ, 20_000)
  const [small, large] = [memory.apart(chunk.subarray(0, 400), chunk), memory.apart(chunk.subarray(400), chunk)]
  t.not(small.buffer, chunk.buffer, 'it is a copy')
  t.ok(small.equals(READ.subarray(0, 400)))
  t.equal(large.buffer, chunk.buffer)
  memory.giveBackAll([small, large])
  t.equal(memory.freeBytes, chunk.buffer.byteLength)
  const tiny = memory.copy(READ, 700)
  t.equal(memory.apart(tiny.subarray(0, 30), tiny).buffer, tiny.buffer, 'of a small read nothing is given back')
})
