// TLS towards servers that does not come about: what the log says, what clients get, how often it is tried.
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { Authority } from '../support/certificates.ts'
import { startCuttingLink } from '../support/cutting-link.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { type LogLine, startHoldfast, startSingle } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { ask, RespClient, RespError } from '../support/resp-client.ts'
import { anyFlavour, endServer, type Node, startServer } from '../support/servers.ts'
import { infoOf } from '../support/set-health.ts'
import { TlsScene } from '../support/tls-scene.ts'
import { waitUntil } from '../support/wait-until.ts'

const skip = without('openssl')

interface Case {
  readonly title: string
  /** Config lines of the server; null: it speaks no TLS. */
  server(tls: TlsScene): readonly string[] | null
  /** Options of Holdfast besides its Sentinels. */
  options(tls: TlsScene): Record<string, string>
  readonly remedy: RegExp
  /** error where not given; null: the alert of the server may or may not reach us. */
  readonly level?: 'warn' | null
}

const otherCa = (tls: TlsScene): Authority => new Authority(tls.dir, 'other')

const cases: readonly Case[] = [
  {
    title: 'a server certificate that has expired',
    server: tls => tls.serverOptions({ auth: 'no', files: tls.authority.issue('late', { days: -1 }) }).config,
    options: tls => tls.holdfast('redis'),
    remedy: /certificate of Redis has expired/,
  },
  {
    title: 'a server certificate of another CA',
    server: tls => tls.serverOptions({ auth: 'no', files: otherCa(tls).issue('foreign') }).config,
    options: tls => tls.holdfast('redis'),
    remedy: /not signed by a CA that is trusted here: correct --redis-tls-ca/,
  },
  {
    title: 'a server certificate with another name',
    server: tls =>
      tls.serverOptions({ auth: 'no', files: tls.authority.issue('odd', { names: 'DNS:odd.test' }) }).config,
    options: tls => tls.holdfast('redis'),
    remedy: /has another name: .*--redis-tls-server-name/,
  },
  {
    title: 'a server that wants a certificate, and we have none',
    server: tls => tls.serverOptions().config,
    options: tls => ({ 'redis-tls': 'on', 'redis-tls-ca': tls.authority.ca }),
    remedy: /wants a certificate from us/,
    level: null,
  },
  {
    title: 'a server that does not trust our certificate',
    server: tls => tls.serverOptions().config,
    options: tls => {
      const { cert, key } = otherCa(tls).issue('stranger')
      return { ...tls.holdfast('redis'), 'redis-tls-cert': cert, 'redis-tls-key': key }
    },
    remedy: /does not accept our certificate: correct --redis-tls-cert|signed by a CA that it trusts/,
    level: null,
  },
  {
    title: 'a server without TLS',
    server: () => null,
    options: tls => tls.holdfast('redis'),
    remedy: /if Redis does not speak TLS at this port, give its TLS port/,
    level: 'warn',
  },
  {
    title: 'a TLS server dialled plain',
    server: tls => tls.serverOptions({ auth: 'no' }).config,
    options: () => ({}),
    remedy: /if Redis expects TLS at this port, set --redis-tls on/,
    level: 'warn',
  },
]

async function server(t: Test, tls: TlsScene, config: readonly string[] | null): Promise<Node> {
  const node = await startServer({
    flavour: anyFlavour(),
    kind: 'data',
    name: 'one',
    dir: tls.dir,
    config: ['save ""', ...(config ?? [])],
    tls: config === null ? undefined : { ...tls.clientOptions(tls.own), rejectUnauthorized: false },
  })
  t.teardown(() => endServer(node))
  return node
}

/** Accepted ones, and those whose TLS did not come about. */
async function connections(node: Node): Promise<number> {
  const refused = readFileSync(node.logFile, 'utf8').match(/Error accepting a client connection/g) ?? []
  const accepted = Number(infoOf(await ask(node, ['INFO', 'stats'])).get('total_connections_received'))
  return refused.length + accepted
}

const told = (log: readonly LogLine[], event: string, remedy: RegExp): LogLine | undefined =>
  log.find(line => line.event === event && remedy.test(JSON.stringify(line)))

for (const one of cases) {
  t.test(`redis by TLS — says cause and remedy, holds, does not storm — at ${one.title}`, { skip }, async t => {
    const tls = await TlsScene.make(t)
    const node = await server(t, tls, one.server(tls))
    const sentinel = await FakeSentinel.start(t, { master: { host: node.host, port: node.port } })
    const before = await connections(node)
    const startedAt = performance.now()
    const holdfast = await startHoldfast(t, {
      sentinels: [`${sentinel.host}:${sentinel.port}`],
      options: { 'hold-timeout': '2s', ...one.options(tls) },
      expectedErrors: ['master.probe_refused', 'gate.tripped'],
    })
    const reply = ask(holdfast, ['GET', 'k'], { timeoutMs: 10_000 })
    const line = await waitUntil('it is told', () => told(holdfast.log, 'master.probe_refused', one.remedy), {
      withinMs: 10_000,
    })
    if (one.level !== null) t.equal(line.level, one.level ?? 'error')
    const error = await reply
    t.match(
      error instanceof RespError ? error.message : '',
      /TRYAGAIN holdfast: no master in time; the command was not run/,
    )
    const seconds = (performance.now() - startedAt) / 1000
    const dials = (await connections(node)) - before - 1
    t.ok(dials >= 2, `it is tried again (${dials} dials)`)
    t.ok(dials <= 4 + 4 * seconds, `with pauses that grow to half a second (${dials} dials in ${seconds.toFixed(1)} s)`)
  })
}

t.test(
  'redis by TLS — goes on — when the alert of the server is in the same read as a wrong certificate',
  { skip },
  async t => {
    const tls = await TlsScene.make(t)
    const odd = tls.authority.issue('odd', { names: 'DNS:odd.test' })
    const node = await server(t, tls, tls.serverOptions({ auth: 'no', files: odd }).config)
    const link = await startCuttingLink(t, node)
    const sentinel = await FakeSentinel.start(t, { master: { host: link.host, port: link.port } })
    const holdfast = await startHoldfast(t, {
      sentinels: [`${sentinel.host}:${sentinel.port}`],
      options: tls.holdfast('redis'),
      expectedErrors: ['master.probe_refused'],
    })
    // Such a socket has two errors; a second one that nobody hears would have ended the process.
    await waitUntil('it is dialled again and again', () => link.cuts() >= 3, { withinMs: 10_000 })
    t.ok(told(holdfast.log, 'master.probe_refused', /has another name/), 'the first of its errors is told')
  },
)

t.test('redis by TLS — serves by itself — once a wrong certificate is replaced', { skip }, async t => {
  const tls = await TlsScene.make(t)
  const late = tls.authority.issue('late', { days: -1 })
  const node = await server(t, tls, tls.serverOptions({ auth: 'no', files: late }).config)
  const sentinel = await FakeSentinel.start(t, { master: { host: node.host, port: node.port } })
  const holdfast = await startHoldfast(t, {
    sentinels: [`${sentinel.host}:${sentinel.port}`],
    options: tls.holdfast('redis'),
    expectedErrors: ['master.probe_refused'],
  })
  const reply = ask(holdfast, ['ECHO', 'served'], { timeoutMs: 20_000 })
  await waitUntil('it is told', () => told(holdfast.log, 'master.probe_refused', /expired/), { withinMs: 10_000 })
  const { cert, key } = tls.server
  await ask(node, ['CONFIG', 'SET', 'tls-cert-file', cert, 'tls-key-file', key])
  t.equal(await reply, 'served')
})

const sentinelCases = [
  {
    title: 'an expired certificate',
    days: -1,
    plain: false,
    remedy: /certificate of the Sentinel has expired/,
    level: 'error',
  },
  {
    title: 'no TLS there',
    days: 30,
    plain: true,
    remedy: /the Sentinel does not speak TLS at this port/,
    level: 'warn',
  },
] as const

for (const one of sentinelCases) {
  t.test(`sentinel by TLS — says cause and remedy — at ${one.title}`, { skip }, async t => {
    const tls = await TlsScene.make(t)
    const files = tls.authority.issue('sentinel', { days: one.days })
    const { config } = tls.serverOptions({ auth: 'no', files })
    const node = await startServer({
      flavour: anyFlavour(),
      kind: 'sentinel',
      name: 'watch',
      dir: tls.dir,
      config: one.plain ? [] : config,
      tls: one.plain ? undefined : { ...tls.clientOptions(), rejectUnauthorized: false },
    })
    t.teardown(() => endServer(node))
    const holdfast = await startHoldfast(t, {
      sentinels: [`${node.host}:${node.port}`],
      options: tls.holdfast('sentinel'),
      expectedErrors: ['sentinel.trouble'],
    })
    const line = await waitUntil('it is told', () => told(holdfast.log, 'sentinel.trouble', one.remedy), {
      withinMs: 10_000,
    })
    t.equal(line.level, one.level)
  })
}

t.test('sentinel — says that TLS may be wanted — dialled plain at its TLS port', { skip }, async t => {
  const tls = await TlsScene.make(t)
  const node = await startServer({
    flavour: anyFlavour(),
    kind: 'sentinel',
    name: 'watch',
    dir: tls.dir,
    config: tls.serverOptions({ auth: 'no' }).config,
    tls: tls.clientOptions(),
  })
  t.teardown(() => endServer(node))
  const holdfast = await startHoldfast(t, { sentinels: [`${node.host}:${node.port}`] })
  const hint = /if the Sentinel expects TLS at this port, set --sentinel-tls on/
  const line = await waitUntil('it is told', () => told(holdfast.log, 'sentinel.trouble', hint), { withinMs: 10_000 })
  t.equal(line.level, 'warn')
})

t.test('password for a server that needs none — does no harm — and nobody writes to the console', async t => {
  const warned = t.capture(console, 'warn')
  const { holdfast, node } = await startSingle(t, { options: { 'redis-password': 'needless' } })
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  t.equal(await client.send('PING'), 'PONG')
  const isListed = async (): Promise<boolean> =>
    /cmdstat_command:/.test(String(await ask(node, ['INFO', 'commandstats'])))
  await waitUntil('its commands are learned', isListed, { withinMs: 10_000 })
  t.strictSame(
    warned().map(({ args }) => args),
    [],
  )
})
