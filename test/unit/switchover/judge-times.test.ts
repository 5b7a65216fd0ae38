// A command waits at the proxy that runs: its hold time counts, and where it does not say so, people are told.
import t from 'tap'
import { judgeTimes } from '../../../src/switchover/judge-times.ts'

const atMost = (holdLimitMs: number) => ({ holdLimitMs })
const settings = { timeoutMs: 10_000 }

t.test('hold time — is that of the proxy, whatever the options say', async t => {
  t.match(
    [...judgeTimes(atMost(5_000), atMost(60_000), settings)],
    [
      {
        level: 'problem',
        id: 'hold.shorter_than_timeout',
        text: /^a command waits 5000 ms at most, and the switchover may take 10000 ms$/,
      },
    ],
  )
  t.strictSame([...judgeTimes(atMost(11_000), atMost(5_000), settings)], [])
})

t.test('hold time — is that of the options — where the proxy does not say, or none answers', async t => {
  const silent = { holdLimitMs: null }
  t.match(
    [...judgeTimes(silent, atMost(60_000), settings)],
    [{ level: 'note', text: /^the proxy does not say how long .*; 60000 ms by the options given here$/ }],
  )
  t.match(
    [...judgeTimes(silent, atMost(5_000), settings)],
    [{ id: 'hold.shorter_than_timeout', text: /^by the options given here a command waits 5000 ms/ }],
  )
  t.strictSame([...judgeTimes(null, atMost(60_000), settings)], [])
})
