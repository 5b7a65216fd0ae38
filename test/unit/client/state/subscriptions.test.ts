import t from 'tap'
import { firstWord, isConfirmation, isMessage, Subscriptions } from '../../../../src/client/state/subscriptions.ts'

const frame = (...words: string[]): Buffer =>
  Buffer.from(`>${words.length}\r\n${words.map(w => `$${w.length}\r\n${w}\r\n`).join('')}`)

t.test('frames — are told apart by their first word — messages, confirmations, anything else', t => {
  t.equal(firstWord(frame('pmessage', 'a*', 'a1', 'x')), 'pmessage')
  t.equal(firstWord(Buffer.from('+OK\r\n')), '')
  t.equal(firstWord(Buffer.from('*1\r\n:3\r\n')), '')
  t.ok(isMessage(frame('smessage', 'c', 'x')))
  t.notOk(isMessage(frame('subscribe', 'c')))
  t.ok(isConfirmation(frame('punsubscribe', 'c')))
  t.notOk(isConfirmation(frame('invalidate', 'c')))
  t.end()
})

t.test('subscriptions — follow the confirmations — by kind, binary names included', t => {
  const subscriptions = new Subscriptions()
  const binary = Buffer.from([0, 255, 128])
  subscriptions.confirm('subscribe', Buffer.from('a'))
  subscriptions.confirm('subscribe', binary)
  subscriptions.confirm('subscribe', Buffer.from('a'))
  subscriptions.confirm('psubscribe', Buffer.from('a'))
  subscriptions.confirm('ssubscribe', Buffer.from('s'))
  t.equal(subscriptions.size, 4)
  t.equal(subscriptions.count('unsubscribe'), 2)
  t.strictSame(
    [...subscriptions.commands()],
    [
      { kind: 'subscribe', channels: [Buffer.from('a'), binary] },
      { kind: 'psubscribe', channels: [Buffer.from('a')] },
      { kind: 'ssubscribe', channels: [Buffer.from('s')] },
    ],
  )
  subscriptions.confirm('unsubscribe', Buffer.from('a'))
  subscriptions.confirm('punsubscribe', Buffer.from('never'))
  subscriptions.confirm('sunsubscribe', null)
  t.equal(subscriptions.size, 3)
  subscriptions.clear()
  t.equal(subscriptions.size, 0)
  t.end()
})
