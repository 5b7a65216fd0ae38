// A reply comes in a standstill, and the end of the server's connection right behind it: the reply counts. A stream tells
// that end while Holdfast does not read, and with TLS there are only streams.
import { readFileSync } from 'node:fs'
import t from 'tap'
import { FakeRedis } from '../support/fake-redis.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { RespClient } from '../support/resp-client.ts'
import { TlsScene } from '../support/tls-scene.ts'
import { waitUntil } from '../support/wait-until.ts'

const soon = { withinMs: 20_000, everyMs: 5 }
/** Longer than a turn that is still on time, and than a link's last words. */
const STILL_MS = 700

interface Scene {
  readonly tls?: { readonly key: Buffer; readonly cert: Buffer }
  readonly options: Readonly<Record<string, string>>
}

async function sceneOf(sockets: string, t: Parameters<typeof TlsScene.make>[0]): Promise<Scene> {
  if (sockets !== 'TLS') return { options: { sockets } }
  const tls = await TlsScene.make(t)
  const { key, cert } = tls.server
  return { tls: { key: readFileSync(key), cert: readFileSync(cert) }, options: tls.holdfast('redis') }
}

/** In which phase of the event loop the standstill begins decides what Holdfast does first when it is over. */
const begins = {
  'sockets first': (act: () => void) => act(),
  'timers first': (act: () => void) => void setImmediate(act),
}

for (const sockets of ['auto', 'streams', 'TLS']) {
  const skip = sockets === 'TLS' && without('openssl')
  for (const end of ['cut', 'reset'] as const) {
    for (const [first, begin] of Object.entries(begins)) {
      const title = `a reply in a standstill (sockets ${sockets}, ${first}) — and a ${end} behind it — is told`
      t.test(title, { skip }, async t => {
        const { tls, options } = await sceneOf(sockets, t)
        const handler = ([name]: string[]) => (name === 'WATCH' ? '+OK\r\n' : name === 'INCR' ? 'hang' : undefined)
        const fake = await FakeRedis.start(t, handler, tls && { tls })
        const sentinel = await FakeSentinel.start(t, { master: fake })
        // A node that is played knows neither markers nor WAIT.
        const plain = { 'retry-policy': 'safe', ack: 'master', reads: 'plain' }
        const sentinels = [`${sentinel.host}:${sentinel.port}`]
        const holdfast = await startHoldfast(t, { sentinels, options: { ...plain, ...options } })
        const client = await RespClient.connect(holdfast.port)
        t.teardown(() => client.close())
        // From here on it has a link of its own: a shared one reads into memory of its own, and stops in the middle.
        t.equal(await client.send('WATCH', 'w'), 'OK')
        const reply = client.send('INCR', 'k').then(String, ({ message }: Error) => message)
        const sent = () => fake.received.find(({ argv: [name] }) => name === 'INCR')
        await waitUntil('it is at the server', sent, soon)
        begin(() => {
          fake.sendTo(sent()?.connection ?? -1, ':41\r\n')
          fake.dropAll(end)
          const until = performance.now() + STILL_MS
          while (performance.now() < until);
        })
        t.equal(await reply, '41')
        t.equal(fake.received.filter(({ argv: [name] }) => name === 'INCR').length, 1, 'and is not sent again')
      })
    }
  }
}
