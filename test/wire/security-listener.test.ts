// The port for clients by TLS: who gets in, who does not and what is said of it, and files that change under it.
import { copyFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import t, { type Test } from 'tap'
import { Authority, type CertificateFiles, replaceFiles } from '../support/certificates.ts'
import { type SingleServer, startSingle } from '../support/holdfast.ts'
import { judgeOnce } from '../support/judge-bound.ts'
import { without } from '../support/needs.ts'
import { openWindow } from '../support/pace.ts'
import { ask, RespClient } from '../support/resp-client.ts'
import { TlsScene } from '../support/tls-scene.ts'
import { waitUntil } from '../support/wait-until.ts'

const skip = without('openssl')

type Side = 'redis' | 'sentinel' | 'listen' | 'mutual'

async function scene(t: Test, sides: Side[], more: Record<string, string> = {}) {
  const tls = await TlsScene.make(t)
  const single = await startSingle(t, {
    options: { ...tls.holdfast(...sides), ...more },
    expectedErrors: ['tls.kept'],
  })
  return { tls, ...single }
}

/** Opens a session and closes it with the test. */
async function session(t: Test, { holdfast }: SingleServer, tls: ConnectionOptions): Promise<RespClient> {
  const client = await RespClient.connect(holdfast.port, holdfast.host, { tls })
  t.teardown(() => client.close())
  return client
}

/** The serial number of the certificate that a new client is shown. */
function serialShown({ holdfast }: SingleServer, tls: ConnectionOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connectTls({ port: holdfast.port, host: holdfast.host, servername: 'localhost', ...tls })
    socket.on('error', reject)
    socket.once('secureConnect', () => {
      resolve(socket.getPeerCertificate().serialNumber)
      socket.destroy()
    })
  })
}

t.test('listener — serves ioredis and node-redis, RESP2 and RESP3 — by TLS', { skip }, async t => {
  const { tls, holdfast } = await scene(t, ['listen'])
  const { ca } = tls.clientOptions()
  const io = new Redis({ port: holdfast.port, host: 'localhost', tls: { ca }, lazyConnect: true })
  t.teardown(() => io.disconnect())
  await io.connect()
  t.equal(await io.set('k', 'v'), 'OK')
  for (const RESP of [2, 3] as const) {
    const client = createClient({ RESP, socket: { port: holdfast.port, host: 'localhost', tls: true, ca } })
    t.teardown(() => client.destroy())
    client.on('error', () => undefined)
    await client.connect()
    t.equal(await client.get('k'), 'v')
  }
  const big = 'x'.repeat(3_000_000)
  await io.set('big', big)
  t.equal(await io.get('big'), big)
})

t.test('listener — counts and tells of a plain client — and goes on', { skip }, async t => {
  const single = await scene(t, ['listen'])
  const { holdfast, tls } = single
  for (let i = 0; i < 5; i++) {
    const socket = connect(holdfast.port, holdfast.host)
    socket.on('error', () => undefined)
    socket.write('*1\r\n$4\r\nPING\r\n')
    await new Promise(resolve => socket.once('close', resolve))
  }
  await waitUntil('all are counted', () => holdfast.counters.tlsHandshakesFailed === 5, { withinMs: 5000 })
  const lines = holdfast.log.filter(({ event }) => event === 'listen.tls_failed')
  t.equal(lines.length, 1, 'told once')
  t.match(lines[0], { level: 'warn', remedy: /the client speaks no TLS/ })
  const client = await session(t, single, tls.clientOptions())
  t.equal(await client.send('PING'), 'PONG')
})

t.test('listener — takes no notice of a health check — that connects and leaves', { skip }, async t => {
  const { holdfast } = await scene(t, ['listen'])
  const socket = connect({ port: holdfast.port, host: holdfast.host, allowHalfOpen: true })
  t.teardown(() => socket.destroy())
  await new Promise<void>(resolve => socket.once('connect', () => socket.end(() => resolve())))
  socket.resume()
  // Its file descriptor is given back.
  await waitUntil('the listener has closed its side', () => socket.readableEnded, { withinMs: 5000 })
  t.equal(holdfast.counters.tlsHandshakesFailed, 0)
})

t.test('listener — drops a client — whose handshake takes more than ten seconds', { skip }, async t => {
  const { holdfast } = await scene(t, ['listen'])
  const socket = connect(holdfast.port, holdfast.host)
  t.teardown(() => socket.destroy())
  socket.resume()
  await waitUntil('it is dropped', () => socket.closed, { withinMs: 60_000 })
  t.match(holdfast.find('listen.tls_failed'), { cause: /timeout/ })
})

t.test('listener — a client that has sent its last byte — still gets its reply', { skip }, async t => {
  const { holdfast, tls } = await scene(t, ['listen'])
  const socket = connectTls({ port: holdfast.port, host: holdfast.host, ...tls.clientOptions() })
  t.teardown(() => socket.destroy())
  let text = ''
  socket.on('data', chunk => {
    text += String(chunk)
  })
  socket.once('secureConnect', () => socket.end('SET k v\r\nGET k\r\n'))
  await waitUntil('the end', () => socket.readableEnded, { withinMs: 10_000 })
  t.equal(text, '+OK\r\n$1\r\nv\r\n')
})

const strangers: [title: string, files: (tls: TlsScene) => CertificateFiles | null, remedy: RegExp][] = [
  ['without a certificate', () => null, /shows no certificate: give it one/],
  [
    'with one of another CA',
    tls => new Authority(tls.dir, 'other').issue('stranger'),
    /sign the certificate of the client/,
  ],
  ['with one that has expired', tls => tls.authority.issue('late', { days: -1 }), /sign the certificate of the client/],
]

for (const [title, files, remedy] of strangers) {
  t.test(`listener — lets no client in ${title} — where certificates are wanted`, { skip }, async t => {
    const single = await scene(t, ['listen', 'mutual'])
    const { holdfast, tls } = single
    const options = tls.clientOptions(files(tls))
    await t.rejects(ask({ ...holdfast, tls: options }, ['PING'], { timeoutMs: 3000 }))
    await waitUntil('it is counted', () => holdfast.counters.tlsHandshakesFailed > 0, { withinMs: 5000 })
    t.match(holdfast.find('listen.tls_failed'), { remedy })
    const client = await session(t, single, tls.clientOptions(tls.client))
    t.equal(await client.send('PING'), 'PONG')
  })
}

t.test('listener — shows a new certificate to new clients — and keeps the sessions there are', { skip }, async t => {
  const single = await scene(t, ['listen'])
  const { holdfast, tls } = single
  const options = tls.clientOptions()
  const before = await session(t, single, options)
  const oldSerial = await serialShown(single, options)
  replaceFiles(tls.authority.issue('fresh'), tls.listen)
  await waitUntil('it is read', () => holdfast.find('tls.reloaded'), { withinMs: 10_000 })
  t.not(await serialShown(single, options), oldSerial)
  t.equal(await before.send('PING'), 'PONG')
  t.ok(before.isOpen)
})

t.test('listener — keeps the certificate it has — when the new file is broken', { skip }, async t => {
  const single = await scene(t, ['listen'])
  const { holdfast, tls } = single
  const options = tls.clientOptions()
  const serial = await serialShown(single, options)
  writeFileSync(tls.listen.cert, 'half a certif')
  const line = await waitUntil('it is told', () => holdfast.find('tls.kept'), { withinMs: 10_000 })
  t.match(line, { level: 'error', causes: [/listen\.pem holds no PEM certificate/] })
  t.equal(await serialShown(single, options), serial)
  const mended = tls.authority.issue('mended')
  copyFileSync(mended.cert, tls.listen.cert)
  copyFileSync(mended.key, tls.listen.key)
  await waitUntil('it is read', () => holdfast.find('tls.reloaded'), { withinMs: 10_000 })
  t.not(await serialShown(single, options), serial)
})

t.test('listener — refuses an old TLS version — below --listen-tls-min-version', { skip }, async t => {
  const single = await scene(t, ['listen'], { 'listen-tls-min-version': 'TLSv1.3' })
  const old: ConnectionOptions = { ...single.tls.clientOptions(), maxVersion: 'TLSv1.2' }
  await t.rejects(ask({ ...single.holdfast, tls: old }, ['PING'], { timeoutMs: 3000 }), /protocol version|alert/)
})

t.test('listener — ends soon — with a client that never finishes its handshake', { skip }, async t => {
  const single = await scene(t, ['listen'])
  const socket = connect(single.holdfast.port, single.holdfast.host)
  socket.on('error', () => undefined)
  await new Promise(resolve => socket.once('connect', resolve))
  const client = await session(t, single, single.tls.clientOptions())
  await client.send('PING')
  await client.close()
  const readPace = openWindow()
  await single.holdfast.stop()
  const pace = readPace()
  await judgeOnce(t, 'it ends', 5000, pace.elapsedMs, pace)
  socket.destroy()
})
