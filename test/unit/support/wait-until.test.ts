import t from 'tap'
import { waitUntil } from '../../support/wait-until.ts'

t.test('waitUntil — answers the first truthy value — and stops looking', async t => {
  let looks = 0
  const value = await waitUntil('three', () => (++looks === 3 ? { looks } : null), { withinMs: 2000, everyMs: 1 })
  t.strictSame(value, { looks: 3 })
  t.equal(looks, 3)
})

t.test('waitUntil — fails with the last value — when time is up', async t => {
  await t.rejects(
    waitUntil('the answer', () => 0, { withinMs: 30, everyMs: 5 }),
    // A busy machine adds what it did: (waited 220 ms: it stood still for 101 ms).
    { message: /^the answer: not within 30 ms( \(waited .*\))?; last seen: 0$/ },
  )
})

t.test('waitUntil — takes a throw as not yet — and shows it', async t => {
  const fail = () => {
    throw new Error('nobody there')
  }
  await t.rejects(waitUntil('it', fail, { withinMs: 20, everyMs: 5 }), { message: /last seen: error.*nobody there/s })
})

t.test('waitUntil — gives up a look that never ends — at the bound', async t => {
  await t.rejects(
    waitUntil('it', () => new Promise(() => {}), { withinMs: 30 }),
    { message: /the first look never ended/ },
  )
})
