// The part of a command that has come so far: what is kept of it, and for how long the rest has been missing.
import t from 'tap'
import { PartialCommand } from '../../../../src/client/flow/partial-command.ts'
import { createCounters } from '../../../../src/ops/counters.ts'
import { ReadMemory } from '../../../../src/transport/read-memory.ts'

const LIMIT_MS = 2000
const MB = 1024 * 1024

function scene() {
  const counters = createCounters()
  const command = new PartialCommand(counters, new ReadMemory())
  return {
    counters,
    command,
    add: (bytes: number) => command.add(Buffer.alloc(bytes, 'x'), 0),
    isLate: (now: number, oursMs = 0) => command.isLate(now, LIMIT_MS, oursMs),
  }
}

t.test('part of a command — is late — when the rest was missing for the whole time', async t => {
  const { add, isLate } = scene()
  t.equal(isLate(1000), false, 'there is none')
  add(10)
  t.equal(isLate(1000), false, 'seen for the first time')
  add(10)
  t.equal(isLate(2999), false)
  t.equal(isLate(3000), true, 'a few bytes more are no progress')
})

t.test('part of a command — has a time of its own — whatever came before it', async t => {
  const { command, add, isLate } = scene()
  add(10)
  t.equal(isLate(1000), false)
  command.finish(Buffer.from('end'), 3)
  add(10)
  t.equal(isLate(9000), false, 'the one before was whole in time')
  t.equal(isLate(10_999), false)
  command.clear()
  t.equal(isLate(11_000), false, 'there is none')
  add(10)
  t.equal(isLate(20_000), false, 'the one before was thrown away')
  t.equal(isLate(22_000), true)
})

t.test('part of a command — has its time anew — with each megabyte, and for what Holdfast did not read', async t => {
  const { add, isLate } = scene()
  add(10)
  t.equal(isLate(1000), false)
  add(MB)
  t.equal(isLate(3500), false, 'a megabyte')
  add(MB - 1)
  t.equal(isLate(5400, 500), false, 'less than that, and Holdfast did not read for a while')
  t.equal(isLate(5999), false)
  t.equal(isLate(6000), true)
})

t.test('part of a command — is counted while it is kept — and is whole in the end', async t => {
  const { counters, command } = scene()
  const text = Array.from({ length: 2000 }, (_, i) => `${i},`).join('')
  const bytes = Buffer.from(text)
  let at = 0
  for (const length of [1, 3, 5000, 64, 2]) {
    // Behind a command that is whole, and so most of what was read is no part of it.
    command.add(Buffer.concat([Buffer.from('before'), bytes.subarray(at, at + length)]), 6)
    at += length
    t.equal(counters.unfinishedBytes, at)
  }
  const parts = command.finish(Buffer.concat([bytes.subarray(at), Buffer.from('behind')]), bytes.length - at)
  t.equal(Buffer.concat(parts).toString(), text)
  t.equal(counters.unfinishedBytes, 0)
})
