// The admin port over HTTP: its pages, wrong questions, clients that mean harm, what Prometheus and Grafana rely on.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { ask, probes, readStatus, scrape, sumOf } from '../support/admin.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { startHoldfast, startSingle } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { openRawAdmin, statusLine } from '../support/raw-admin.ts'
import { RespClient } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const options = { 'admin-listen': '127.0.0.1:0' }
const skip = without('promtool')
const folder = `${root}deploy/observability`

t.test('probes — are all 200 — once a master is served', async t => {
  const { holdfast } = await startSingle(t, { options })
  t.strictSame(await probes(holdfast.admin), { startup: 200, ready: 200, live: 200 })
})

t.test('startup — is 503 and says why — while no Sentinel names a master, ready and live being 200', async t => {
  const sentinel = await FakeSentinel.start(t)
  sentinel.master = null
  const holdfast = await startHoldfast(t, { sentinels: [`${sentinel.host}:${sentinel.port}`], options })
  await waitUntil('it is asked', () => holdfast.find('sentinel.up'), { withinMs: 5000 })
  const { status, body } = await ask(holdfast.admin, '/startup')
  t.equal(status, 503)
  const said = 'no master has been served yet: no Sentinel gives a master for the name "mymaster"\n'
  t.equal(body, said)
  const gate = async () => JSON.parse((await ask(holdfast.admin, '/status')).body).gate
  await waitUntil('it is decided', async () => (await gate()).cause === 'no-majority', { withinMs: 20_000 })
  t.match(await gate(), { detail: 'no Sentinel gives a master for this name (1 of 1 answer)' })
  t.equal((await ask(holdfast.admin, '/startup')).body, said, 'as long as it lasts')
  t.strictSame(await probes(holdfast.admin), { startup: 503, ready: 200, live: 200 })
})

t.test('a wrong path is 404, a wrong method 405 — with what is right', async t => {
  const { holdfast } = await startSingle(t, { options })
  const { status, body } = await ask(holdfast.admin, '/health')
  t.equal(status, 404)
  t.equal(body, 'no such page; there are /, /startup, /ready, /live, /status, /metrics\n')
  t.equal(await statusLine(holdfast.admin, 'POST /live HTTP/1.1\r\nHost: x\r\n\r\n'), 'HTTP/1.1 405 Method Not Allowed')
  t.equal(await statusLine(holdfast.admin, 'HEAD /live HTTP/1.1\r\nHost: x\r\n\r\n'), 'HTTP/1.1 200 OK')
  t.equal((await ask(holdfast.admin, '/live?x=1')).status, 200, 'a query is ignored')
})

t.test('a body, a huge header, bytes that are no HTTP — end their own connection — and nothing else', async t => {
  const { holdfast } = await startSingle(t, { options })
  const big = `GET /live HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`
  t.match(await statusLine(holdfast.admin, big), '431')
  t.match(await statusLine(holdfast.admin, '*1\r\n$4\r\nPING\r\n'), '400')
  const body = openRawAdmin(holdfast.admin, `GET /live HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello`)
  await body.closed
  t.match(body.received(), /^HTTP\/1\.1 200 OK[\s\S]*Connection: close/)
  t.strictSame(await probes(holdfast.admin), { startup: 200, ready: 200, live: 200 })
})

t.test('a client that sends half a request — is cut within seconds', async t => {
  const { holdfast } = await startSingle(t, { options })
  const slow = openRawAdmin(holdfast.admin, 'GET /live HTTP/1.1\r\nHost: x\r\n')
  const mute = openRawAdmin(holdfast.admin, '')
  await waitUntil('both are cut', () => slow.socket.closed && mute.socket.closed, { withinMs: 20_000 })
  t.equal((await ask(holdfast.admin, '/live')).status, 200)
})

t.test('status — tells sessions and links by identity — without any password', async t => {
  const secret = 'correct-horse-battery'
  const { holdfast, node } = await startSingle(t, {
    options: { ...options, 'redis-password': secret },
    serverConfig: [`requirepass ${secret}`],
    password: secret,
  })
  const client = await RespClient.connect(holdfast.port)
  t.equal(await client.send('SET', 'some-key', 'some-value'), 'OK')
  const status = await readStatus(holdfast.admin)
  t.match(status, {
    master: { address: `${node.host}:${node.port}` },
    gate: { state: 'open', cause: null },
    sessions: { open: 1 },
    links: { shared: 1, private: 0, retired: 0, identities: [{ identity: 'user default, db 0, RESP2', shared: 1 }] },
    held: { requests: 0, bytes: 0 },
    sentinels: { known: 1, reachable: 1 },
    failovers: [],
  })
  for (const path of ['/status', '/metrics']) {
    const { body } = await ask(holdfast.admin, path)
    for (const word of [secret, 'some-key', 'some-value']) t.notMatch(body, word)
  }
  await client.close()
})

t.test('metrics — count commands by class, bytes both ways and links — as they were used', async t => {
  const { holdfast } = await startSingle(t, { options })
  const before = await scrape(holdfast.admin)
  const client = await RespClient.connect(holdfast.port)
  await client.pipeline([
    ['GET', 'a'],
    ['GET', 'b'],
    ['SET', 'a', '1'],
    ['INCR', 'n'],
  ])
  await client.pipeline([['MULTI'], ['INCR', 'n'], ['GET', 'n'], ['EXEC']])
  await client.send('BLPOP', 'list', '0.01')
  await client.close()
  const after = await scrape(holdfast.admin)
  const grown = (name: string): number => (after.get(name) ?? Number.NaN) - (before.get(name) ?? Number.NaN)
  t.equal(grown('holdfast_commands_total{class="read"}'), 3)
  t.equal(grown('holdfast_commands_total{class="blocking"}'), 1)
  t.equal(grown('holdfast_sessions_accepted_total'), 1)
  const own =
    grown('holdfast_links_opened_total{kind="private"}') + (after.get('holdfast_links_opened_total{kind="spare"}') ?? 0)
  t.ok(own >= 1, 'BLPOP had a link of its own, dialled ahead or then')
  for (const metric of ['holdfast_client_bytes_total', 'holdfast_master_bytes_total']) {
    t.ok(grown(`${metric}{direction="in"}`) > 0, `${metric}: in`)
    t.ok(grown(`${metric}{direction="out"}`) > 0, `${metric}: out`)
  }
  t.equal(
    sumOf(after, 'holdfast_held_total'),
    sumOf(after, 'holdfast_held_ended_total') + sumOf(after, 'holdfast_held_requests'),
  )
})

/** What /metrics says where nothing has happened yet. */
async function firstMetrics(t: Test): Promise<string> {
  const sentinel = await FakeSentinel.start(t)
  sentinel.master = null
  const holdfast = await startHoldfast(t, { sentinels: [`${sentinel.host}:${sentinel.port}`], options })
  return (await ask(holdfast.admin, '/metrics')).body
}

t.test('metrics — are all there — before anything has happened', async t => {
  const body = await firstMetrics(t)
  const documented = readFileSync(`${root}docs/metrics.md`, 'utf8')
  const names = [...documented.matchAll(/^\| `([a-z_]+)`/gm)].map(match => match[1] ?? '')
  t.ok(names.length > 40)
  const missing = names.filter(name => !new RegExp(`^${name}(_count|\\{| )`, 'm').test(body))
  t.strictSame(missing, [], 'every documented metric has a series')
})

t.test('metrics — are what Prometheus reads — by promtool', { skip }, async t => {
  const body = await firstMetrics(t)
  const checked = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' })
  t.strictSame({ status: checked.status, said: checked.stdout + checked.stderr }, { status: 0, said: '' })
})

t.test('alert rules — are sound and do as their tests say — by promtool', { skip }, async t => {
  for (const words of [
    ['check', 'rules', 'alerts.yaml'],
    ['test', 'rules', 'alerts.test.yaml'],
  ]) {
    const { status, stdout, stderr } = spawnSync('promtool', words, { cwd: folder, encoding: 'utf8' })
    t.equal(status, 0, `promtool ${words.join(' ')}: ${stdout}${stderr}`)
  }
})

t.test('alert rules and dashboard — name metrics — that exist', async t => {
  const { holdfast } = await startSingle(t, { options: { ...options, 'replica-listen': '127.0.0.1:0' } })
  const series = [...(await scrape(holdfast.admin)).keys()].map(key => key.replace(/\{.*/, ''))
  const dashboard = JSON.parse(readFileSync(`${folder}/dashboard.json`, 'utf8'))
  for (const text of [readFileSync(`${folder}/alerts.yaml`, 'utf8'), JSON.stringify(dashboard)]) {
    const named = [...text.matchAll(/\b(?:holdfast|process|nodejs)_[a-z_]+\b/g)].map(([name]) => name)
    t.ok(named.length > 10)
    t.strictSame(
      [...new Set(named)].filter(name => !series.includes(name)),
      [],
      'named but not there',
    )
  }
})

t.test('dashboard — has the plots of the page — each from its metric', async t => {
  const dashboard: { panels: { type: string; targets?: { expr: string }[] }[] } = JSON.parse(
    readFileSync(`${folder}/dashboard.json`, 'utf8'),
  )
  const drawn = dashboard.panels.filter(({ type }) => type === 'timeseries')
  const exprs = drawn.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  for (const part of [
    'rate(holdfast_commands_total',
    'holdfast_held_requests',
    'holdfast_requests_in_flight',
    'histogram_quantile(0.5, sum by (le) (rate(holdfast_held_wait_seconds_bucket',
    'histogram_quantile(0.99, sum by (le) (rate(holdfast_held_wait_seconds_bucket',
    'holdfast_event_loop_delay_seconds',
    // What hatches the plots, and the tables beside them.
    'holdfast_gate_shut_seconds',
    'holdfast_paused',
    'holdfast_library_sessions',
    'holdfast_links{',
    'holdfast_replicas{',
    'holdfast_replica_lag_seconds',
  ])
    t.ok(
      exprs.some(expr => expr.includes(part)),
      part,
    )
})
