// `holdfast check` beside a running proxy: it reads who is connected, and /status and /metrics say the same.
import { createClient } from 'redis'
import t from 'tap'
import { runCheck } from '../support/check.ts'
import { startHoldfast, startHoldfastProcess } from '../support/holdfast.ts'
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
  t.notMatch(without.output, /sessions (at|of) the proxy/, 'the admin port is not configured')
  const { port } = set.nodes[0] ?? { port: 0 }
  const closed = await runCheck({ ...asked, 'admin-listen': `127.0.0.1:${port}` })
  t.notMatch(closed.output, /sessions at the proxy/, 'what answers there is no Holdfast')
  t.match(closed.output, leftOut(`127.0.0.1:${port} cannot be asked (`))
  const other = await runCheck({ ...asked, master: 'other' })
  t.match(other.output, leftOut(`${asked['admin-listen']} does not tell them of the master other`))
})

function leftOut(why: string): RegExp {
  const text = `the sessions of the proxy are left out: the admin port ${why}`
  return new RegExp(` note +clients +${text.replace(/[.()]/g, '\\$&')}`)
}

t.test('check — says that it leaves out the sessions, and why — where the proxy stands still or has ended', async t => {
  const sentinels = ['127.0.0.1:1']
  const holdfast = await startHoldfastProcess(t, { sentinels, options: { 'admin-listen': '127.0.0.1:0' } })
  const admin = holdfast.admin.replace('http://', '')
  const asked = { sentinels: '127.0.0.1:1', 'admin-listen': admin }
  process.kill(holdfast.pid, 'SIGSTOP')
  const still = await runCheck(asked)
  process.kill(holdfast.pid, 'SIGCONT')
  t.match(still.output, leftOut(`${admin} has not answered within 2000 ms`))
  await holdfast.stop()
  const gone = await runCheck(asked)
  t.match(gone.output, leftOut(`${admin} cannot be asked (ECONNREFUSED)`))
})
