// The Sentinel port asks for the password of --listen and speaks its TLS: answers as a Sentinel with a password gives
// them, libraries with both in Sentinel mode, and certificates that change.
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { createSentinel } from 'redis'
import t from 'tap'
import { failOver } from '../support/apps/fail-over.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { RespClient } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { TlsScene } from '../support/tls-scene.ts'
import { waitUntil } from '../support/wait-until.ts'

const skip = without('openssl')

/** Each on a connection of its own, its bytes one after the other. */
const logins: readonly (readonly (readonly string[])[])[] = [
  [['PING']],
  [['SENTINEL', 'MASTERS']],
  [['SUBSCRIBE', 'a']],
  [['HELLO', '3']],
  [['HELLO', '9'], ['PING']],
  [['AUTH', 'wrong'], ['PING']],
  [['AUTH', 'nobody', 'secret']],
  [['AUTH'], ['PING']],
  [['AUTH', 'secret'], ['PING'], ['AUTH', 'wrong'], ['PING']],
  [
    ['AUTH', 'default', 'secret'],
    ['SENTINEL', 'MASTER', 'nobody'],
  ],
  [['HELLO', '3', 'AUTH', 'default', 'wrong'], ['PING']],
  [['HELLO', '3', 'SETNAME', 'a'], ['PING']],
]

t.test('the Sentinel port with a password — answers as a Sentinel that has one', async t => {
  const set = await SentinelSet.start({ replicas: 1, sentinelPass: 'secret' })
  t.teardown(() => set.stopAll())
  const options = { 'sentinel-listen': '127.0.0.1:0', 'client-password': 'secret', 'sentinel-password': 'secret' }
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options })
  const [sentinel] = set.sentinels
  if (sentinel === undefined) throw new Error('no Sentinel')
  for (const commands of logins) {
    const bytes = await Promise.all(
      [holdfast.sentinelPort, sentinel.port].map(async port => {
        const client = await RespClient.connect(port, '127.0.0.1', { capture: true })
        t.teardown(() => client.close())
        for (const words of commands) await client.send(...words)
        return client.rawReplies().toString()
      }),
    )
    t.equal(bytes[0], bytes[1], commands.map(words => words.join(' ')).join(', '))
  }
  t.equal(holdfast.counters.loginsRefused, 4, 'wrong ones are counted')
  const refused = await waitUntil('one is logged', () => holdfast.find('session.login_refused'), { withinMs: 5000 })
  t.match(refused, { port: 'sentinel-listen', peer: /^127\.0\.0\.1:\d+$/ })
  t.notMatch(JSON.stringify(holdfast.log), /secret|wrong/, 'no password is logged')

  const stranger = await RespClient.connect(holdfast.sentinelPort, '127.0.0.1', { capture: true })
  t.teardown(() => stranger.close())
  for (const words of [['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster'], ['INFO'], ['ROLE'], ['NONSENSE']])
    t.match(await stranger.send(...words), { code: 'NOAUTH' }, words.join(' '))
  t.notMatch(stranger.rawReplies().toString(), String(holdfast.port), 'a stranger is not told where Holdfast is')
})

t.test('ioredis and node-redis with TLS and a password — in Sentinel mode — stay connected', { skip }, async t => {
  const scene = await TlsScene.make(t)
  const set = await SentinelSet.start({ failoverTimeoutMs: 5000 })
  t.teardown(() => set.stopAll())
  const cert = join(scene.dir, 'current.crt')
  const key = join(scene.dir, 'current.key')
  const use = (files: { readonly cert: string; readonly key: string }): void => {
    copyFileSync(files.key, key)
    copyFileSync(files.cert, cert)
  }
  use(scene.listen)
  const holdfast = await startHoldfast(t, {
    sentinels: set.sentinelAddresses(),
    options: {
      ...{ 'sentinel-listen': '127.0.0.1:0', 'client-password': 'secret' },
      ...{ 'listen-tls-cert': cert, 'listen-tls-key': key },
    },
  })
  const at = { host: '127.0.0.1', port: holdfast.sentinelPort }
  const tls = { ...scene.clientOptions(), servername: 'localhost' }
  const troubles: string[] = []
  const ioredis = new Redis({
    ...{ sentinels: [at], name: 'mymaster', password: 'secret', sentinelPassword: 'secret' },
    ...{ tls, sentinelTLS: tls, enableTLSForSentinelMode: true, lazyConnect: true },
  })
  for (const event of ['error', 'close', 'reconnecting', 'end'])
    ioredis.on(event, detail => troubles.push(`ioredis ${event} ${detail ?? ''}`))
  await ioredis.connect()
  const own = { password: 'secret', socket: { tls: true as const, ...tls } }
  const nodeRedis = createSentinel({
    ...{ name: 'mymaster', sentinelRootNodes: [at] },
    ...{ nodeClientOptions: own, sentinelClientOptions: own },
  })
  nodeRedis.on('error', error => troubles.push(`node-redis ${error}`))
  nodeRedis.on('client-error', ({ error }) => troubles.push(`node-redis ${error}`))
  await nodeRedis.connect()
  t.teardown(async () => {
    ioredis.removeAllListeners().disconnect()
    await nodeRedis.destroy()
  })
  await Promise.all([ioredis.set('a', '1'), nodeRedis.set('b', '2')])
  const accepted = holdfast.counters.sessionsTotal
  await failOver(set, holdfast, 'planned')
  t.equal(await ioredis.get('a'), '1')
  t.equal(await nodeRedis.get('b'), '2')
  t.strictSame(troubles, [], 'no event')
  t.equal(holdfast.counters.sessionsTotal, accepted, 'nobody has connected again')

  const plain = await RespClient.connect(at.port)
  t.teardown(() => plain.close())
  await t.rejects(plain.send('PING'), 'without TLS nobody is answered')
  const renewed = scene.authority.issue('renewed')
  use(renewed)
  const told = await waitUntil(
    'the new certificate is read',
    () => holdfast.log.find(({ event, side }) => event === 'tls.reloaded' && side === 'sentinel-listen'),
    { withinMs: 20_000 },
  )
  t.ok(told)
  const later = await RespClient.connect(at.port, '127.0.0.1', { tls })
  t.teardown(() => later.close())
  t.equal(await later.send('AUTH', 'secret'), 'OK')
})
