// How many commands of one session may be under way, by what its replies have come to.
import t from 'tap'
import { ReplyWindow } from '../../../../src/client/flow/reply-window.ts'
import { createCounters } from '../../../../src/ops/counters.ts'

const MB = 1024 * 1024

/** `commands` are answered with `bytes` in one write, all of which the client takes. */
function answer(unread: ReplyWindow, commands: number, bytes: number, isOver: boolean): void {
  if (commands >= unread.window) unread.filled = true
  unread.answered += commands
  unread.onWritten(bytes, 0, isOver)
}

t.test('a window — stays small — while one command is sent at a time', async t => {
  const unread = new ReplyWindow(createCounters())
  t.equal(unread.window, 16)
  for (let i = 0; i < 1000; i++) answer(unread, 1, 5, true)
  t.equal(unread.window, 16)
})

t.test('a window — doubles with each answer — while a burst needs more and replies are small', async t => {
  const unread = new ReplyWindow(createCounters())
  const windows = [16, 32, 64, 128, 256, 512, 1024].map(commands => {
    answer(unread, commands, commands * 5, false)
    return unread.window
  })
  t.strictSame(windows, [32, 64, 128, 256, 512, 1024, 1024])
})

t.test('a window — keeps what a burst has needed, up to 128 — for the next burst', async t => {
  const unread = new ReplyWindow(createCounters())
  for (const commands of [16, 32]) answer(unread, commands, commands * 5, false)
  answer(unread, 52, 260, true)
  t.equal(unread.window, 128)
  for (let i = 0; i < 10; i++) answer(unread, 100, 500, true)
  t.equal(unread.window, 128)
  answer(unread, 128, 640, false)
  answer(unread, 256, 1280, true)
  t.equal(unread.window, 128)
})

t.test('a window — is what fits 8 MB — as soon as a reply is large', async t => {
  const unread = new ReplyWindow(createCounters())
  answer(unread, 1, MB, false)
  t.equal(unread.window, 8)
  answer(unread, 1, 16 * MB, false)
  t.equal(unread.window, 1)
})
