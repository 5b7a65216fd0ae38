// Views of replies: the bytes are right, and a plain +OK costs none.
import t from 'tap'
import { viewReplies } from '../../../src/upstream/reply-view.ts'

t.test('views of replies — have the bytes that were read', async t => {
  const text = ':1\r\n+OK\r\n+OK\r\n+NO\r\n$2\r\nOK\r\n'
  const chunk = Buffer.from(text)
  for (let start = 0; start < text.length; start++)
    for (let end = start; end <= text.length; end++) {
      const seen = viewReplies(chunk, start, end).toString('latin1')
      if (seen !== text.slice(start, end)) t.equal(seen, text.slice(start, end), `from ${start} to ${end}`)
    }
})

t.test('views of replies — a +OK alone is good for longer than what was read', async t => {
  const chunk = Buffer.from('+OK\r\n+OK\r\n')
  const one = viewReplies(chunk, 5, 10)
  const both = viewReplies(chunk, 0, 10)
  chunk.fill('x')
  t.equal(one.toString(), '+OK\r\n')
  t.equal(both.toString(), 'x'.repeat(10), 'more is a view')
  t.equal(one, viewReplies(Buffer.from('+OK\r\n'), 0, 5), 'and is the same each time')
})
