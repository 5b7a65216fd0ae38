import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { Turn } from '../../../src/upstream/turn.ts'

function recorder() {
  const told: string[] = []
  const turn = new Turn(() => told.push('guard'))
  const onBug = (error: unknown): void => void told.push(String(error))
  const link = { flush: () => void told.push('link'), onBug }
  const session = (taken: boolean) => ({
    flush: () => {
      told.push('session')
      return taken
    },
    onBug,
  })
  return { told, turn, link, session }
}

t.test('turn — writes once for each who is marked — sessions, then the guard, then links', async t => {
  const { told, turn, link, session } = recorder()
  turn.markLink(link)
  turn.markSession(session(true))
  t.strictSame(told, [])
  await nextTurn()
  t.strictSame(told, ['session', 'guard', 'link'])
  await nextTurn()
  t.equal(told.length, 3)
})

t.test('turn — tells whether all was taken — by every session', async t => {
  const { turn, session } = recorder()
  t.equal(turn.flushSessions(), true)
  for (const [first, second] of [
    [true, true],
    [false, true],
    [true, false],
  ] as const) {
    turn.markSession(session(first))
    turn.markSession(session(second))
    t.equal(turn.flushSessions(), first && second)
  }
})

t.test('turn — leaves sessions to the reader of a link — and writes what that leaves', async t => {
  const { told, turn, session } = recorder()
  turn.beginRead()
  turn.markSession(session(true))
  turn.flushSessions()
  turn.endRead()
  await nextTurn()
  t.strictSame(told, ['session'])

  turn.beginRead()
  turn.markSession(session(true))
  turn.endRead()
  t.equal(told.length, 1)
  await nextTurn()
  t.equal(told.length, 2)
})

t.test('turn — asks the guard first — also for a link that does not wait', async t => {
  const { told, turn, link } = recorder()
  turn.writeNow(link)
  t.strictSame(told, ['guard', 'link'])
})

t.test('turn — asks the guard before each link — a process may be stopped between two writes', async t => {
  const { told, turn, link } = recorder()
  turn.markLink(link)
  turn.markLink(link)
  await nextTurn()
  t.strictSame(told, ['guard', 'link', 'guard', 'link'])
})

t.test('turn — goes on with the others — when one of them throws', async t => {
  const { told, turn, link, session } = recorder()
  const fails = (who: string) => () => {
    throw new Error(who)
  }
  turn.defer(fails('work'), link)
  turn.defer(() => void told.push('work'), link)
  turn.markSession({ ...session(true), flush: fails('flush') })
  turn.markSession(session(true))
  turn.markLink({ ...link, flush: fails('write') })
  turn.markLink(link)
  await nextTurn()
  t.strictSame(told, ['Error: work', 'work', 'Error: flush', 'session', 'guard', 'Error: write', 'guard', 'link'])
})
