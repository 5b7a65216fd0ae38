// `holdfast check` beside a running proxy: it reads who is connected, and /status and /metrics say the same.
import { createClient } from 'redis'
import t from 'tap'
import { runCheck } from '../support/check.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'

t.test('check — reads the sessions of the proxy — and names libraries that give up in a hold', async t => {
  const set = await SentinelSet.start({ replicas: 1 })
  t.teardown(() => set.stopAll())
  const sentinels = set.sentinelAddresses()
  const holdfast = await startHoldfast(t, { sentinels, options: { 'admin-listen': '127.0.0.1:0' } })
  const jedis = await RespClient.connect(holdfast.port)
  await jedis.send('CLIENT', 'SETINFO', 'LIB-NAME', 'jedis')
  await jedis.send('CLIENT', 'SETINFO', 'LIB-VER', '8.0.2')
  const nodeRedis = createClient({ RESP: 3, socket: { host: '127.0.0.1', port: holdfast.port } })
  await nodeRedis.connect()
  t.teardown(() => Promise.all([jedis.close(), nodeRedis.destroy()]))

  const status = (await (await fetch(`${holdfast.admin}/status`)).json()) as {
    sessions: { libraries: { library: string; sessions: number; toldOfHolds: number }[] }
  }
  const libraries = Object.fromEntries(status.sessions.libraries.map(({ library, ...rest }) => [library, rest]))
  t.match(libraries, { jedis: { sessions: 1, toldOfHolds: 0 }, 'node-redis': { sessions: 1, toldOfHolds: 1 } })
  const metrics = await (await fetch(`${holdfast.admin}/metrics`)).text()
  t.match(metrics, /^holdfast_library_sessions\{library="Jedis",told="no"\} 1$/m)
  t.match(metrics, /^holdfast_library_sessions\{library="node-redis",told="yes"\} 1$/m)
  t.match(metrics, /^holdfast_library_sessions\{library="node-redis",told="no"\} 0$/m)

  const asked = { sentinels: sentinels.join(','), 'admin-listen': holdfast.admin.replace('http://', '') }
  const { warnings, output } = await runCheck(asked)
  t.match(output, / ok +clients +2 sessions at the proxy: .*node-redis \S+ \(1, 1 told of holds\)/)
  const about = warnings.filter(line => line.startsWith('clients: '))
  t.match(about, [/^clients: 1 session of jedis 8\.0\.2: by default Jedis gives a command up after 2 s/])
  t.match(about, [/\[remedy: set socketTimeoutMillis of Jedis above --hold-timeout/])

  const without = await runCheck({ sentinels: sentinels.join(',') })
  t.notMatch(without.output, /sessions at the proxy/, 'the admin port is not configured')
  const closed = await runCheck({ ...asked, 'admin-listen': `127.0.0.1:${set.nodes[0]?.port}` })
  t.notMatch(closed.output, /sessions at the proxy/, 'what answers there is no Holdfast')
})
