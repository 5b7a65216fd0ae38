// The rights of docs/access.md are enough: a client password in front, and nothing but those rules behind it, through a
// kill of the master and a planned failover, on Redis and Valkey.
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { startHoldfast } from '../support/holdfast.ts'
import { imbalance } from '../support/imbalance.ts'
import { without } from '../support/needs.ts'
import { RespClient } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import type { Flavour } from '../support/servers.ts'
import { rulesOfMarkers } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'

const page = readFileSync(new URL('../../docs/access.md', import.meta.url), 'utf8')
const rulesOf = (user: string): string =>
  new RegExp(`^ACL SETUSER ${user} on >\\S+ (.*)$`, 'm').exec(page)?.[1] ?? 'none'

for (const flavour of ['redis', 'valkey'] as const) {
  const title = `least rights (${flavour}) — serve a signed-in session — through a kill and a planned failover`
  t.test(title, { skip: without(`${flavour}-server`) }, t => play(t, flavour))
}

async function play(t: Test, flavour: Flavour): Promise<void> {
  const set = await SentinelSet.start({
    flavour,
    replicas: 3,
    failoverTimeoutMs: 5000,
    requirePass: 'set-secret',
    sentinelPass: 'set-watch-secret',
    dataConfig: [
      `user holdfast on >node-secret ${rulesOf('holdfast')} ~app:* +get +incr +evalsha +eval ${rulesOfMarkers}`,
    ],
    sentinelConfig: [`user watcher on >watch-secret ${rulesOf('watcher')}`],
  })
  t.teardown(() => set.stopAll())
  const holdfast = await startHoldfast(t, {
    sentinels: set.sentinelAddresses(),
    options: {
      'redis-username': 'holdfast',
      'redis-password': 'node-secret',
      'sentinel-username': 'watcher',
      'sentinel-password': 'watch-secret',
      'client-password': 'door-secret',
    },
  })
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  t.equal(await client.send('AUTH', 'door-secret'), 'OK')
  t.equal(await client.send('EVAL', 'return 7', '0'), 7)
  let wanted = 0
  for (const fault of ['kill', 'planned'] as const) {
    await set.settle()
    const old = await set.currentMaster()
    const from = holdfast.log.length
    const coming = set.waitForNewMaster(old, { withinMs: 30_000 })
    coming.catch(() => {})
    t.equal(await client.send('INCR', 'app:n'), ++wanted)
    await set.settle()
    await (fault === 'kill' ? set.kill(old) : set.failover())
    await waitUntil('commands are held', () => holdfast.find('hold.start', from), { withinMs: 10_000, everyMs: 1 })
    t.equal(await client.send('INCR', 'app:n'), ++wanted, `${fault}: held, and run once`)
    await coming
    t.equal(await client.send('GET', 'app:n'), String(wanted), `${fault}: still signed in`)
    t.equal(await client.send('EVAL', 'return 7', '0'), 7)
  }
  t.equal(holdfast.find('rights.missing'), undefined, 'no right is missing')
  t.equal(imbalance(holdfast.counters), undefined)
}
