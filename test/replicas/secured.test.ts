// The port for replicas with TLS on every side and a password at every door: a replica killed, then the master.
import t from 'tap'
import { without } from '../support/needs.ts'
import { RespClient } from '../support/resp-client.ts'
import { TlsScene } from '../support/tls-scene.ts'
import { judge, left, open, sessionsLeave, sessionsReturn } from './scene.ts'

const REDIS = 'redis-password'
const CLIENT = 'client-password'
/** Holdfast's own user may do what README's access page says, and no more is needed for it. */
const USER = `user holdfast on >${REDIS} ~* &* +@all`

const name = 'TLS and passwords everywhere — a replica is killed, and then the master — delays alone'
t.test(name, { skip: without('openssl') }, async t => {
  const tls = await TlsScene.make(t)
  const connect = async (port: number): Promise<RespClient> => {
    const client = await RespClient.connect(port, '127.0.0.1', { tls: tls.clientOptions(tls.client) })
    const reply = await client.send('AUTH', CLIENT)
    if (reply !== 'OK') throw new Error(`AUTH: ${reply}`)
    return client
  }
  const scene = await open(
    t,
    {
      ...tls.holdfast('redis', 'sentinel', 'listen', 'mutual'),
      'redis-username': 'holdfast',
      'redis-password': REDIS,
      'sentinel-password': 'sentinel-password',
      'client-password': CLIENT,
      'replica-max-lag': '20s',
    },
    {
      set: { tls: tls.serverOptions(), requirePass: REDIS, sentinelPass: 'sentinel-password', dataConfig: [USER] },
      ledger: { connect },
    },
  )
  const { set, ledger, master, replicas, holdfast } = scene

  const stranger = await RespClient.connect(holdfast.replicaPort, '127.0.0.1', { tls: tls.clientOptions(tls.client) })
  t.teardown(() => stranger.close())
  t.match(await stranger.send('GET', 'ledger'), { message: /^NOAUTH/ }, 'nobody reads without the password')
  t.match(await stranger.send('AUTH', 'wrong'), { message: /^WRONGPASS/ })
  const noCertificate = RespClient.connect(holdfast.replicaPort, '127.0.0.1', { tls: tls.clientOptions() })
  const isRefused = await noCertificate.then(
    async client => (await client.send('PING').catch(() => 'refused')) === 'refused',
    () => true,
  )
  t.ok(isRefused, 'nobody comes in without a certificate')

  await set.kill(replicas[0])
  await sessionsLeave(scene, replicas[0])
  await ledger.goOn('all read on')
  await set.restart(replicas[0])
  await set.settle()
  await sessionsReturn(scene, ...replicas)
  const before = left(scene)
  await set.kill(master)
  const { node } = await set.waitForNewMaster(master, { withinMs: 20_000 })
  await sessionsLeave(scene, node)
  await ledger.goOn('all read on')
  t.ok(left(scene) > before, 'sessions have left the replica that is the master now')
  for (const server of [node, ...replicas.filter(one => one !== node)]) {
    const clients = String(await set.command(server, 'CLIENT', 'LIST'))
    t.match(clients, / user=holdfast /, `${server.name} knows Holdfast by its user`)
  }
  await judge(t, scene, { lagMs: 20_000 })
})
