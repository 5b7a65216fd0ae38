// The page at / of the admin port over HTTP: what is served and how, the stream that fills it, its bounds, and what is
// never in it. test/browser has it in a browser.
import { readFileSync } from 'node:fs'
import { get, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import t from 'tap'
import { ask, readStatus, scrape } from '../support/admin.ts'
import { startSingle } from '../support/holdfast.ts'
import { nextEvent, openFeed, type PageFeed } from '../support/page-feed.ts'
import { RespClient } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'

const options = { 'admin-listen': '127.0.0.1:0' }

interface Full {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

function fetchFile(admin: string, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Full> {
  return new Promise((resolve, reject) => {
    const request = get(`${admin}${path}`, { agent: false, headers, method }, response => {
      let body = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        body += part
      })
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    request.once('error', reject)
  })
}

/** All files that these texts name. */
function filesIn(...texts: string[]): string[] {
  const named = texts.flatMap(text => [
    ...[...text.matchAll(/(?:href|src)="(\/page\/[^"]+)"/g)].map(([, path = '']) => path),
    ...[...text.matchAll(/from '\.\/([^']+)'/g)].map(([, name = '']) => `/page/${name}`),
  ])
  return [...new Set(named)]
}

t.test('page — is served whole from the port alone — under a policy that lets nothing else in', async t => {
  const { holdfast } = await startSingle(t, { options })
  const { status, headers, body } = await fetchFile(holdfast.admin, '/')
  t.equal(status, 200)
  t.equal(headers['content-type'], 'text/html; charset=utf-8')
  const policy = String(headers['content-security-policy'])
  for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"])
    t.ok(policy.includes(rule), rule)
  t.notMatch(policy, /unsafe|https?:|\*/, 'no exception')
  t.equal(headers['x-content-type-options'], 'nosniff')
  t.equal(headers['cross-origin-resource-policy'], 'same-origin')
  t.notMatch(body, /<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=/, 'nothing in the HTML runs or dresses')
  t.notMatch(body, /https?:/, 'nothing comes from elsewhere')

  const known = filesIn(body)
  for (const path of known) {
    const file = await fetchFile(holdfast.admin, path)
    t.equal(file.status, 200, path)
    t.equal(file.headers['x-content-type-options'], 'nosniff', path)
    t.match(file.headers['content-type'], path.endsWith('.js') ? /^text\/javascript/ : /^(text\/css|image\/svg)/, path)
    for (const more of filesIn(file.body)) if (!known.includes(more)) known.push(more)
  }
  t.ok(known.length > 15, `${known.length} files`)
})

t.test('page — is asked for again by its tag — and never changes anything', async t => {
  const { holdfast } = await startSingle(t, { options })
  const first = await fetchFile(holdfast.admin, '/')
  const etag = String(first.headers.etag)
  t.equal(first.headers['cache-control'], 'no-cache')
  const again = await fetchFile(holdfast.admin, '/', { 'If-None-Match': etag })
  t.strictSame([again.status, again.body], [304, ''])
  const head = await fetchFile(holdfast.admin, '/', {}, 'HEAD')
  t.strictSame([head.status, head.body, head.headers.etag], [200, '', etag])
  for (const path of ['/', '/page/feed', '/page/main.js']) {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'])
      t.equal((await fetchFile(holdfast.admin, path, {}, method)).status, 405, `${method} ${path}`)
  }
  for (const path of ['/page/', '/page/none.js', '/page/../admin.ts', '/page/%2e%2e/admin.ts', '/page/tsconfig.json'])
    t.equal(await rawStatus(holdfast.admin, path), '404', path)
})

/** The status of a path that no client library would send. */
function rawStatus(admin: string, path: string): Promise<string> {
  return new Promise(resolve => {
    const socket = connect(Number(new URL(admin).port), '127.0.0.1')
    socket.once('data', data => {
      socket.destroy()
      resolve(data.toString('latin1').split(' ')[1] ?? '')
    })
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
  })
}

t.test('page — is for its own site alone — not for a rebound name and not for the page of a stranger', async t => {
  const { holdfast } = await startSingle(t, { options })
  for (const path of ['/', '/page/main.js', '/page/feed'])
    t.equal((await fetchFile(holdfast.admin, path, { Host: 'evil.example' })).status, 421, path)
  for (const site of ['cross-site', 'same-site']) {
    const feed = await openFeed(t, holdfast.admin, { 'Sec-Fetch-Site': site })
    t.equal(feed.status, 403, site)
  }
  t.equal((await openFeed(t, holdfast.admin, { 'Sec-Fetch-Site': 'same-origin' })).status, 200)
})

/** What is looked at here of a master in a sample. */
interface Present {
  readonly gate: { readonly cause: string | null }
}

t.test('feed — says everything at first and one sample a second then — as /status does', async t => {
  const { holdfast, node } = await startSingle(t, { options })
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  await client.send('CLIENT', 'SETINFO', 'LIB-NAME', 'some-library')
  await client.send('SUBSCRIBE', 'channel')
  const feed = await openFeed(t, holdfast.admin)
  t.equal(feed.headers['content-type'], 'text/event-stream')
  const hello = await nextEvent(feed, 'hello')
  t.match(hello.data, {
    pid: process.pid,
    columns: ['commands', 'held', 'inFlight', 'waitP50', 'waitP99', 'gate'],
  })
  // A standstill of this process may have a story of its own, which is younger.
  const [stories = []] = (hello.data as { stories: readonly (readonly unknown[])[] }).stories
  t.match(stories.at(-1), { kind: 'start', to: `${node.host}:${node.port}`, from: null })
  // From here on the time of each sample is known.
  await nextEvent(feed, 'tick')
  const commands = 500
  const load = await RespClient.connect(holdfast.port)
  t.teardown(() => load.close())
  await load.pipeline(Array.from({ length: commands }, () => ['GET', 'a']))
  const seen = (): number => {
    let sum = 0
    let last = Number.NaN
    for (const { name, data } of feed.events) {
      const sample = (data as { sample?: { time: number; masters: number[][] } }).sample
      if (name !== 'tick' || !sample) continue
      if (!Number.isNaN(last)) sum += ((sample.masters[0]?.[0] ?? 0) * (sample.time - last)) / 1000
      last = sample.time
    }
    return sum
  }
  await waitUntil('the commands are in the samples', () => seen() > commands * 0.9, { withinMs: 10_000 })
  const status = await readStatus(holdfast.admin)
  let present: Present | undefined
  // A sample of a moment in which the machine stands still says so.
  while (present === undefined || present.gate.cause === 'stood-still') {
    const { data } = await nextEvent(feed, 'tick', feed.events.length)
    present = (data as { present: { masters: Present[] } }).present.masters[0]
  }
  t.match(present, {
    master: status.master,
    gate: { state: 'open', cause: null },
    sessions: { open: 2, states: { subscribed: 1, idle: 1, awaitingReplies: 0, withOwnLink: 1 } },
    sentinels: { known: 1, majority: 1 },
  })
})

t.test('feed — is no place for secrets, keys, values and arguments — neither are the files', async t => {
  const secret = 'correct-horse-battery'
  const { holdfast } = await startSingle(t, {
    options: { ...options, 'redis-password': secret, 'client-password': `${secret}-too` },
    serverConfig: [`requirepass ${secret}`],
    password: secret,
  })
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  await client.send('AUTH', `${secret}-too`)
  await client.send('SET', 'some-key', 'some-value')
  await client.send('EVAL', 'return ARGV[1]', '0', 'some-argument')
  const feed = await openFeed(t, holdfast.admin)
  await nextEvent(feed, 'tick')
  const all = JSON.stringify(feed.events)
  for (const word of [secret, 'some-key', 'some-value', 'some-argument', 'return ARGV'])
    t.notOk(all.includes(word), word)
  t.ok(all.includes('[secret]'), 'that there is one is told')
})

t.test('feed — has room for 64 and tells the next one clearly — and for one more when one has left', async t => {
  const { holdfast } = await startSingle(t, { options })
  const feeds: PageFeed[] = []
  for (let i = 0; i < 64; i++) feeds.push(await openFeed(t, holdfast.admin))
  t.ok(feeds.every(({ status }) => status === 200))
  const refused = await openFeed(t, holdfast.admin)
  t.equal(refused.status, 503)
  t.equal(refused.headers['retry-after'], '10')
  await waitUntil('it says why', () => refused.text().includes('64 pages are open already'), { withinMs: 5000 })
  t.equal((await fetchFile(holdfast.admin, '/page/feed', {}, 'HEAD')).status, 503, 'a page can ask without a stream')
  t.equal((await ask(holdfast.admin, '/live')).status, 200, 'probes are served as before')
  t.equal((await scrape(holdfast.admin)).get('holdfast_page_viewers'), 64)
  t.equal((await scrape(holdfast.admin)).get('holdfast_page_viewers_refused_total'), 1)
  for (const feed of feeds) await nextEvent(feed, 'tick')

  // One that reads nothing is nobody's loss: neither the others' nor a client's.
  feeds[1]?.pause()
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  const lively = feeds.slice(2)
  const from = lively.map(({ events }) => events.length)
  t.equal(await client.send('SET', 'k', 'v'), 'OK')
  for (const [i, feed] of lively.entries()) await nextEvent(feed, 'tick', from[i])
  t.equal(await client.send('GET', 'k'), 'v')
  t.equal((await scrape(holdfast.admin)).get('holdfast_page_viewers'), 64, 'nobody was sent away')
  feeds[0]?.close()
  await waitUntil('there is room', async () => (await scrape(holdfast.admin)).get('holdfast_page_viewers') === 63, {
    withinMs: 5000,
  })
  t.equal((await openFeed(t, holdfast.admin)).status, 200)
})

t.test('feed — ends with the program — at once', async t => {
  const { holdfast } = await startSingle(t, { options })
  const feed = await openFeed(t, holdfast.admin)
  await nextEvent(feed, 'tick')
  await holdfast.stop()
  await waitUntil('the stream has ended', () => feed.isClosed(), { withinMs: 5000 })
})

t.test('page — knows each file that it serves — and serves each that there is', async t => {
  const { assetPaths } = await import('../../src/page/assets.ts')
  const { readdirSync } = await import('node:fs')
  const folder = new URL('../../src/page/browser/', import.meta.url)
  const there = readdirSync(folder).filter(name => /\.(?:js|css|svg)$/.test(name))
  const served = assetPaths
    .filter(path => path !== '/' && !path.includes('uplot'))
    .map(path => path.slice('/page/'.length))
  t.strictSame([...served].sort(), there.sort())
  const html = readFileSync(new URL('index.html', folder), 'utf8')
  const preloaded = filesIn(html)
  for (const name of there.filter(name => name.endsWith('.js')))
    t.ok(preloaded.includes(`/page/${name}`), `${name} is loaded at once`)
})
