import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { BusyPoll, createBusyPoll } from '../../../src/upstream/busy-poll.ts'
import { waitUntil } from '../../support/wait-until.ts'

/** How many immediates wait for the next turn. */
const waiting = (): number => process.getActiveResourcesInfo().filter(name => name === 'Immediate').length

t.test('busy poll — keeps the loop awake after traffic — and lets it sleep again', async t => {
  // Longer than a turn of the loop on a slow machine.
  const poll = new BusyPoll(300)
  t.equal(waiting(), 0)
  poll.note(performance.now())
  poll.note(performance.now())
  t.equal(waiting(), 1)
  await nextTurn()
  t.equal(waiting(), 1, 'it goes round')
  await waitUntil('it sleeps', () => waiting() === 0, { withinMs: 5_000 })
  poll.note(performance.now())
  t.equal(waiting(), 1, 'and is woken by traffic')
  await waitUntil('it sleeps', () => waiting() === 0, { withinMs: 5_000 })
})

t.test('busy poll — is not there — where it is not asked for', async t => {
  t.equal(createBusyPoll(0), null)
  t.type(createBusyPoll(0.05), BusyPoll)
})
