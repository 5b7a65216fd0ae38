import t from 'tap'
import { createLogThrottle } from '../../../src/ops/log-throttle.ts'

t.test('log throttle — lets a text through once in its time — and says how many it left out', async t => {
  const throttle = createLogThrottle(1000)
  t.equal(throttle('a', 0), 0)
  t.equal(throttle('a', 1), undefined)
  t.equal(throttle('a', 999), undefined)
  t.equal(throttle('b', 999), 0, 'each text has its own time')
  t.equal(throttle('a', 1000), 2)
  t.equal(throttle('a', 1001), undefined)
})

t.test('log throttle — forgets the oldest text — when it knows a hundred', async t => {
  const throttle = createLogThrottle(1000)
  for (let i = 0; i <= 100; i++) t.equal(throttle(`${i}`, i), 0)
  t.equal(throttle('0', 101), 0, 'the first one is forgotten')
  t.equal(throttle('100', 102), undefined)
})
