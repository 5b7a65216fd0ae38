// A process that may open few files and has several ports: clients of all ports together have what there is, and whoever
// is turned away is told, counted and logged, at the Sentinel port too.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { type AsProcess, startHoldfastProcess, startSingle, startSingleProcess } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { TlsScene } from '../support/tls-scene.ts'
import {
  crowd,
  isServed,
  isTurnedAway,
  LIMIT,
  metric,
  servesByTls,
  sessionsAllowed,
  stayInHandshake,
  under,
} from './few-files.ts'

const launcher = under(LIMIT)

function portsOf(holdfast: AsProcess, field: string): number[] {
  const line = JSON.stringify(holdfast.find('process.listening'))
  return [...line.matchAll(new RegExp(`"${field}":"[^"]*:(\\d+)"`, 'g'))].map(([, port]) => Number(port))
}

t.test('more clients of the Sentinel port than files — each is answered or told — and counted', async t => {
  const options = { 'admin-listen': '127.0.0.1:0', 'sentinel-listen': '127.0.0.1:0' }
  const { holdfast } = await startSingleProcess(t, { launcher, options })
  const most = sessionsAllowed(holdfast)
  const [port = 0] = portsOf(holdfast, 'sentinel')
  const guests = await crowd(t, port, most + 40)
  t.equal(guests.filter(isServed).length, most)
  t.equal(guests.filter(isTurnedAway).length, 40)
  t.equal(await metric(holdfast, 'holdfast_sessions_refused_total'), 40)
  t.match(holdfast.find('session.refused'), {
    ...{ level: 'warn', port: 'sentinel-listen', by: 'open files', limit: most },
    peer: '127.0.0.1',
  })
})

t.test('more clients of the Sentinel port than --max-sessions — each is answered or told — and counted', async t => {
  const options = { 'sentinel-listen': '127.0.0.1:0', 'max-sessions': '3' }
  const { holdfast } = await startSingle(t, { options })
  const guests = await crowd(t, holdfast.sentinelPort, 8)
  t.equal(guests.filter(isServed).length, 3)
  t.equal(guests.filter(isTurnedAway).length, 5)
  t.equal(holdfast.counters.sessionsRefused, 5)
  t.match(holdfast.find('session.refused'), { port: 'sentinel-listen', by: '--max-sessions', limit: 3 })
})

t.test('the limit on sessions — is what clients of other masters leave', async t => {
  const { sentinel } = await startSingle(t)
  const holdfast = await startHoldfastProcess(t, {
    sentinels: [`${sentinel.host}:${sentinel.port}`],
    masterName: 'mymaster=127.0.0.1:0,unknown=127.0.0.1:0',
    options: { 'admin-listen': '127.0.0.1:0' },
    launcher,
  })
  const most = sessionsAllowed(holdfast)
  const limitOf = (name: string): Promise<number> => metric(holdfast, 'holdfast_sessions_limit', `"${name}"`)
  t.strictSame([await limitOf('mymaster'), await limitOf('unknown')], [most, most], 'without a client')
  const [here = 0] = portsOf(holdfast, 'address')
  t.ok((await crowd(t, here, most - 4)).every(isServed))
  t.strictSame([await limitOf('mymaster'), await limitOf('unknown')], [most, 4])
  t.equal((await crowd(t, here, 6)).filter(isTurnedAway).length, 2)
  t.equal(await limitOf('unknown'), 1, 'never 0: that means that there is none')
})

t.test('no file is left — who is connected to the admin port is answered', { skip: without('prlimit') }, async t => {
  const { holdfast } = await startSingleProcess(t, { options: { 'admin-listen': '127.0.0.1:0' } })
  const setLimit = (limit: number): void => {
    spawnSync('prlimit', ['--pid', String(holdfast.pid), `--nofile=${limit}:`])
  }
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const scrape = async (): Promise<[number | undefined, string]> => {
    const [response] = (await once(get(`${holdfast.admin}/metrics`, { agent }), 'response')) as [IncomingMessage]
    return [response.statusCode, await text(response)]
  }
  await scrape()
  setLimit(3)
  const [status, body] = await scrape()
  setLimit(1000)
  t.equal(status, 200)
  t.match(body, /^process_resident_memory_bytes nan$/im)
})

t.test(
  'clients in their TLS handshake at several ports — leave what Holdfast needs',
  { skip: without('openssl') },
  async t => {
    const tls = await TlsScene.make(t)
    const options = {
      ...tls.holdfast('listen'),
      ...{ 'admin-listen': '127.0.0.1:0', 'sentinel-listen': '127.0.0.1:0', 'replica-listen': '127.0.0.1:0' },
    }
    const { holdfast } = await startSingleProcess(t, { launcher, options })
    const ports = ['address', 'sentinel', 'replicas'].flatMap(field => portsOf(holdfast, field))
    t.equal(ports.length, 3)
    const counters = ['holdfast_sessions_refused_total', 'holdfast_replica_sessions_refused_total']
    const { openFiles, leave } = await stayInHandshake(t, holdfast, { ports, each: 150, counters })
    t.ok(openFiles < LIMIT - 8, `${openFiles} files are open`)
    leave()
    await servesByTls(t, holdfast, tls)
  },
)
