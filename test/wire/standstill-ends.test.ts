// A reply comes in a standstill, and the end of the server's connection right behind it: the reply counts. A stream tells
// that end while Holdfast does not read, and with TLS there are only streams.
import t from 'tap'
import { FakeRedis } from '../support/fake-redis.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'

const soon = { withinMs: 20_000, everyMs: 5 }
/** Longer than a turn that is still on time, and than a link's last words. */
const STILL_MS = 700

for (const sockets of ['auto', 'streams']) {
  for (const end of ['cut', 'reset'] as const) {
    t.test(`a reply in a standstill (sockets ${sockets}) — and a ${end} behind it — is told`, async t => {
      const fake = await FakeRedis.start(t, ([name]) => {
        if (name === 'WATCH') return '+OK\r\n'
        return name === 'INCR' ? 'hang' : undefined
      })
      const sentinel = await FakeSentinel.start(t, { master: fake })
      // A node that is played knows neither markers nor WAIT.
      const options = { sockets, 'retry-policy': 'safe', ack: 'master', reads: 'plain' }
      const holdfast = await startHoldfast(t, { sentinels: [`${sentinel.host}:${sentinel.port}`], options })
      const client = await RespClient.connect(holdfast.port)
      t.teardown(() => client.close())
      // From here on it has a link of its own: a shared one reads into memory of its own, and stops in the middle.
      t.equal(await client.send('WATCH', 'w'), 'OK')
      const reply = client.send('INCR', 'k').then(String, ({ message }: Error) => message)
      const sent = () => fake.received.find(({ argv: [name] }) => name === 'INCR')
      await waitUntil('it is at the server', sent, soon)
      fake.sendTo(sent()?.connection ?? -1, ':41\r\n')
      fake.dropAll(end)
      const until = performance.now() + STILL_MS
      while (performance.now() < until);
      t.equal(await reply, '41')
      t.equal(fake.received.filter(({ argv: [name] }) => name === 'INCR').length, 1, 'and is not sent again')
    })
  }
}
