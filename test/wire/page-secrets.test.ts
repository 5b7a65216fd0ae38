// Every secret that there is, planted, and everything that the admin port sends, searched: files, stream, status,
// metrics, probes and refusals. With the passwords right, and with wrong ones, whose errors are shown. Last: the log, check
// and ctl, too, where servers repeat what came with a command that they do not know.
import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import t, { type Test } from 'tap'
import { assetPaths } from '../../src/page/assets.ts'
import { runCheck } from '../support/check.ts'
import { controlPath, runProgram } from '../support/control.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { type InProcess, startHoldfast, startWitness } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { nextEvent, openFeed } from '../support/page-feed.ts'
import { ask, RespClient } from '../support/resp-client.ts'
import { anyFlavour, endServer, makeFolder, removeFolder, startServer } from '../support/servers.ts'
import { TlsScene } from '../support/tls-scene.ts'
import { waitUntil } from '../support/wait-until.ts'

const skip = without('openssl')

function sent(admin: string, path: string, headers: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(`${admin}${path}`, { agent: false, headers }, response => {
      let text = JSON.stringify(response.headers)
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      response.once('end', () => resolve(`${path} ${text}`))
    })
    request.once('error', reject)
  })
}

/** All that the port sends, whoever asks for whatever there is. */
async function everything(t: Test, admin: string): Promise<string> {
  const feed = await openFeed(t, admin)
  for (let i = 0; i < 3; i++) await nextEvent(feed, 'tick', feed.events.length)
  const paths = [...assetPaths, '/status', '/metrics', '/startup', '/ready', '/live', '/none', '/page/none.js']
  const texts = await Promise.all(paths.map(path => sent(admin, path)))
  texts.push(await sent(admin, '/page/feed', { 'Sec-Fetch-Site': 'cross-site' }))
  texts.push(await sent(admin, '/', { Host: 'evil.example' }))
  return [JSON.stringify(feed.events), ...texts].join('\n')
}

/** The lines of a PEM file that are its content. */
const linesOf = (file: string): string[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('-----'))

interface Planted {
  readonly holdfast: InProcess
  readonly keys: readonly string[]
  readonly tls: TlsScene
}

async function plant(t: Test, options: Record<string, string>, expectedErrors: string[] = []): Promise<Planted> {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const tls = await TlsScene.make(t)
  const password = 'plant-redis'
  const node = await startServer({
    flavour: anyFlavour(),
    kind: 'data',
    name: 'one',
    dir,
    config: ['save ""', `requirepass ${password}`, 'user bob on >plant-bob ~* &* +@all'],
    password,
  })
  t.teardown(() => endServer(node))
  await startWitness(t, node, { dir, password })
  const sentinel = await FakeSentinel.start(t, {
    master: { host: node.host, port: node.port },
    password: 'plant-sentinel',
  })
  const holdfast = await startHoldfast(t, {
    sentinels: [`${sentinel.host}:${sentinel.port}`],
    options: {
      'admin-listen': '127.0.0.1:0',
      'redis-password': password,
      'sentinel-password': 'plant-sentinel',
      ...tls.holdfast('listen'),
      ...options,
    },
    expectedErrors,
  })
  return { holdfast, keys: [tls.listen, tls.own, tls.server].flatMap(({ key }) => linesOf(key)), tls }
}

async function join(t: Test, { holdfast, tls }: Planted): Promise<RespClient> {
  const client = await RespClient.connect(holdfast.port, holdfast.host, { tls: tls.clientOptions() })
  t.teardown(() => client.close())
  return client
}

function judge(t: Test, all: string, secrets: readonly string[]): void {
  t.ok(secrets.length > 3)
  for (const secret of secrets) {
    const at = all.indexOf(secret)
    t.equal(at < 0 ? '' : all.slice(Math.max(0, at - 80), at + 80), '', `${secret} is nowhere`)
    t.notOk(all.includes(Buffer.from(secret).toString('base64')), `nor is its base64`)
  }
}

t.test('admin port — sends no secret, key, value or argument — on any of its pages', { skip }, async t => {
  const planted = await plant(t, { 'client-password': 'plant-client' })
  await waitUntil('it serves', () => planted.holdfast.find('hold.end'), { withinMs: 10_000 })
  const client = await join(t, planted)
  await client.send('AUTH', 'plant-wrong-guess')
  t.equal(await client.send('AUTH', 'plant-client'), 'OK')
  await client.send('SET', 'plant-key', 'plant-value')
  await client.send('EVAL', 'return ARGV[1] -- plant-script', '1', 'plant-key', 'plant-argument')
  await client.send('CONFIG', 'SET', 'masterauth', 'plant-masterauth')
  await client.send('SUBSCRIBE', 'plant-channel')
  const all = await everything(t, planted.holdfast.admin)
  t.ok(all.includes('[secret]'), 'that there are passwords is told')
  t.ok(all.includes(planted.tls.listen.key), 'and which file a key is in')
  const words = [
    'redis',
    'sentinel',
    'client',
    'wrong-guess',
    'key',
    'value',
    'script',
    'argument',
    'masterauth',
    'channel',
  ]
  judge(t, all, [...words.map(word => `plant-${word}`), ...planted.keys])
})

t.test('admin port — sends no password of a client’s own user — although the user is named', { skip }, async t => {
  const planted = await plant(t, {})
  await waitUntil('it serves', () => planted.holdfast.find('hold.end'), { withinMs: 10_000 })
  const client = await join(t, planted)
  t.equal(await client.send('AUTH', 'bob', 'plant-bob'), 'OK')
  t.equal(await client.send('SET', 'plant-key', 'plant-value'), 'OK')
  const other = await join(t, planted)
  await other.send('HELLO', '3', 'AUTH', 'bob', 'plant-guess')
  const all = await everything(t, planted.holdfast.admin)
  t.ok(all.includes('bob'), 'the user is named')
  const words = ['redis', 'sentinel', 'bob', 'guess', 'key', 'value']
  judge(t, all, [...words.map(word => `plant-${word}`), ...planted.keys])
})

t.test('admin port — sends no password that is wrong — where it shows the error', { skip }, async t => {
  const planted = await plant(t, { 'sentinel-password': 'plant-wrong-sentinel' }, [
    'sentinel.trouble',
    'sentinels.trouble',
  ])
  await waitUntil('it is refused', () => planted.holdfast.find('sentinel.trouble'), { withinMs: 10_000 })
  const all = await everything(t, planted.holdfast.admin)
  t.match(all, /password/, 'the trouble is shown')
  judge(t, all, ['plant-redis', 'plant-sentinel', 'plant-wrong-sentinel', ...planted.keys])
})

/** Commands that carry a password, which neither server knows. */
for (const unknown of [['AUTH'], ['AUTH', 'HELLO']])
  t.test(`servers without ${unknown.join(' and ')} — repeat the password — and nobody is shown it`, async t => {
    const dir = await makeFolder()
    t.teardown(() => removeFolder(dir))
    const flavour = anyFlavour()
    const renamed = unknown.map(command => `rename-command ${command} ""`)
    const node = await startServer({ flavour, kind: 'data', name: 'one', dir, config: ['save ""', ...renamed] })
    t.teardown(() => endServer(node))
    const monitored = [
      `sentinel monitor mymaster ${node.host} ${node.port} 1`,
      'sentinel down-after-milliseconds mymaster 600000',
    ]
    const sentinel = await startServer({
      flavour,
      kind: 'sentinel',
      name: 'watch',
      dir,
      config: [...monitored, ...renamed],
    })
    t.teardown(() => endServer(sentinel))
    await ask(sentinel, ['ACL', 'SETUSER', 'default', 'resetpass', '>plant-sentinel'])
    await ask(node, ['ACL', 'SETUSER', 'default', 'resetpass', '>plant-redis'])
    const options = {
      'redis-password': 'plant-redis',
      'sentinel-password': 'plant-sentinel',
      'retry-policy': 'always',
      ack: 'master',
      reads: 'plain',
    }
    const control = await controlPath(t)
    const sentinels = [`${sentinel.host}:${sentinel.port}`]
    const isLetIn = unknown.length === 1
    const holdfast = await startHoldfast(t, {
      sentinels,
      options: { ...options, 'admin-listen': '127.0.0.1:0', 'control-socket': control, 'log-level': 'debug' },
      expectedErrors: isLetIn ? [] : ['sentinel.trouble', 'sentinels.trouble'],
    })
    const event = isLetIn ? 'master.probe_refused' : 'sentinel.trouble'
    const line = await waitUntil('it is refused', () => holdfast.find(event), { withinMs: 20_000 })
    t.match(line['remedy'] ?? line.msg, /knows no AUTH: .*rename-command/)
    if (isLetIn) {
      const client = await RespClient.connect(holdfast.port)
      t.teardown(() => client.close())
      t.equal(await client.send('SET', 'k', 'v'), 'OK', 'links sign in by HELLO')
    }
    const checked = await runCheck({ ...options, sentinels: sentinels.join() })
    t.match(checked.output, /unknown command 'AUTH'\n +remedy: give it its name back/)
    const ctl = await runProgram(t, ['ctl', 'status', '--control-socket', control])
    t.equal(ctl.code, 0, ctl.stderr)
    const said = [await everything(t, holdfast.admin), JSON.stringify(holdfast.log), ctl.stdout, ctl.stderr]
    const all = [...said, checked.output, checked.stderr].join('\n')
    for (const secret of ['plant-redis', 'plant-sentinel']) t.notOk(all.includes(secret), `${secret} is nowhere`)
  })
