import t, { type Test } from 'tap'
import { isLoopback } from '../../src/address.ts'
import { exposures } from '../../src/config/exposed-listeners.ts'
import { type Config, readConfig } from '../../src/config.ts'
import { Authority } from '../support/certificates.ts'
import { without } from '../support/needs.ts'

const skip = without('openssl')

function configOf(flags: Readonly<Record<string, string>>): Config {
  const all = { sentinels: '10.0.0.1:26379', master: 'm', ...flags }
  const read = readConfig(
    Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]),
    {},
  )
  if (read.kind !== 'config') throw new Error(JSON.stringify(read))
  return read.config
}

const eventsOf = (flags: Readonly<Record<string, string>>): string[] =>
  exposures([configOf(flags)]).map(one => one.event)

/** Options of a listener that speaks TLS. */
function listenTls(t: Test): Record<string, string> {
  const { cert, key } = new Authority(t.testdir()).issue('holdfast')
  return { 'listen-tls-cert': cert, 'listen-tls-key': key }
}

t.test('exposure — of a port that other machines reach — is told once for each door', async t => {
  t.strictSame(eventsOf({ listen: '0.0.0.0:6379', 'admin-listen': '0.0.0.0:9999' }), [
    'listen.exposed',
    'admin.exposed',
  ])
  t.strictSame(eventsOf({ listen: '[::]:6379' }), ['listen.exposed'])
  t.strictSame(eventsOf({ listen: '192.168.1.2:6379' }), ['listen.exposed'])
})

t.test('exposure — of what stays on this machine, or asks for something — is none', async t => {
  t.strictSame(eventsOf({}), [])
  t.strictSame(eventsOf({ listen: 'none', 'listen-socket': '/run/h.sock' }), [])
  t.strictSame(eventsOf({ listen: '0.0.0.0:6379', 'client-password': 'pw' }), [])
})

t.test('exposure — of a port that speaks TLS — is none', { skip }, async t => {
  t.strictSame(eventsOf({ listen: '0.0.0.0:6379', ...listenTls(t) }), [])
})

t.test('exposure — of the admin port — is not ended by what clients must show', { skip }, async t => {
  const shown = { 'client-password': 'pw', ...listenTls(t) }
  t.strictSame(eventsOf({ 'admin-listen': '0.0.0.0:9999', ...shown }), ['admin.exposed'])
})

t.test('exposure — of the Sentinel port — is told like that of a port for clients', async t => {
  const lines = exposures([configOf({ listen: '127.0.0.1:6379', 'sentinel-listen': '0.0.0.0:26379' })])
  t.match(lines, [{ event: 'listen.exposed', address: '0.0.0.0:26379', msg: /Sentinel port.*--client-password-file/ }])
  t.equal(lines.length, 1)
  t.strictSame(eventsOf({ 'sentinel-listen': '26379' }), [], 'on the loopback where no host is given')
  t.strictSame(eventsOf({ 'sentinel-listen': '0.0.0.0:26379', 'client-password': 'pw' }), [])
})

t.test('exposure — of the Sentinel port of several masters — ends where all of them ask for a password', async t => {
  const port = { 'sentinel-listen': '0.0.0.0:26379' }
  const asks = configOf({ ...port, master: 'a', 'client-password': 'pw' })
  const open = configOf({ ...port, master: 'b' })
  t.strictSame(exposures([asks, asks]), [])
  for (const pair of [
    [asks, open],
    [open, asks],
  ] as const)
    t.match(exposures(pair), [{ event: 'listen.exposed', msg: /for every master/ }])
})

t.test('exposure — of the Sentinel port that speaks TLS — is none', { skip }, async t => {
  t.strictSame(eventsOf({ 'sentinel-listen': '0.0.0.0:26379', ...listenTls(t) }), [])
})

t.test('exposure — names address, cause and remedy, and the rights that are given away', async t => {
  const [line] = exposures([configOf({ listen: '0.0.0.0:6379' })])
  t.match(line, { address: '0.0.0.0:6379', msg: /neither TLS nor a password: .* in the clear.*--client-password-file/ })
  const [given] = exposures([configOf({ listen: '0.0.0.0:6379', 'redis-password': 'hunter2' })])
  t.match(given, { msg: /rights of --redis-username, without a password/ })
  t.notMatch(JSON.stringify(given), 'hunter2')
})

t.test('isLoopback — knows every form of this machine, and no other', async t => {
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost', 'LOCALHOST.', '::ffff:127.0.0.1'])
    t.equal(isLoopback(host), true, host)
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', 'localhost.example.com', '127.0.0.1.nip.io', 'app'])
    t.equal(isLoopback(host), false, host)
})
