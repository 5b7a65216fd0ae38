import fc from 'fast-check'
import t from 'tap'
import { Fifo } from '../../../src/upstream/fifo.ts'

t.test('fifo — gives what it took, in order — through any mix of operations', async () => {
  const operation = fc.oneof(
    { arbitrary: fc.constant('push' as const), weight: 5 },
    { arbitrary: fc.constant('shift' as const), weight: 4 },
    { arbitrary: fc.constantFrom('peek' as const, 'list' as const), weight: 1 },
    { arbitrary: fc.constant('drain' as const), weight: 0 },
  )
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 300 }), operations => {
      const fifo = new Fifo<{ n: number }>()
      const model: { n: number }[] = []
      for (const [n, what] of operations.entries()) {
        if (what === 'push') {
          const item = { n }
          fifo.push(item)
          model.push(item)
        } else if (what === 'shift' && fifo.shift() !== model.shift()) return false
        else if (what === 'peek' && fifo.peek() !== model[0]) return false
        else if (what === 'list' && [...fifo].join() !== model.join()) return false
        if (fifo.size !== model.length) return false
      }
      return fifo.drain().every((item, i) => item === model[i]) && fifo.size === 0
    }),
    { numRuns: 1000 },
  )
})

t.test('fifo — keeps order while it grows — from any place of its ring', async t => {
  for (let offset = 0; offset < 16; offset++) {
    const fifo = new Fifo<number>()
    for (let i = 0; i < offset; i++) fifo.push(-1)
    for (let i = 0; i < offset; i++) fifo.shift()
    for (let i = 0; i < 100; i++) fifo.push(i)
    t.strictSame(
      fifo.drain(),
      Array.from({ length: 100 }, (_, i) => i),
      `offset ${offset}`,
    )
    t.equal(fifo.peek(), undefined)
    t.equal(fifo.shift(), undefined)
  }
})
