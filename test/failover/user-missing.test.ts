// A new master that lacks the user of a client (ACLs are not replicated): commands wait for it for the hold time, those
// too whose connection was lost after they were sent. So a user that comes back in time is a delay, and no error.
import t, { type Test } from 'tap'
import { startHoldfast } from '../support/holdfast.ts'
import { ask, RespClient } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

const user = ['ACL', 'SETUSER', 'app', 'on', '>pw', '~*', '&*', '+@all']

async function signIn(t: Test, port: number): Promise<RespClient> {
  const client = await RespClient.connect(port)
  t.teardown(() => client.close())
  t.equal(await client.send('AUTH', 'app', 'pw'), 'OK')
  return client
}

t.test(
  'a new master lacks the user — which is made there in time — each write has run once, and nobody sees an error',
  async t => {
    const set = await SentinelSet.start()
    t.teardown(() => set.stopAll())
    const old = await set.currentMaster()
    t.equal(await set.command(old, ...user), 'OK')
    const holdfast = await startHoldfast(t, {
      sentinels: set.sentinelAddresses(),
      options: { 'retry-policy': 'once', 'hold-timeout': '5m' },
      expectedErrors: ['link.refused'],
    })
    const clients = await Promise.all([1, 2, 3].map(() => signIn(t, holdfast.port)))
    await clients[0]?.send('CLIENT', 'NO-EVICT', 'ON') // on a link of its own
    for (const [i, client] of clients.entries()) t.equal(await client.send('INCR', `n${i}`), 1)
    await set.settle()

    const coming = set.waitForNewMaster(old, { withinMs: 60_000 })
    coming.catch(() => {})
    const { commands } = holdfast.counters
    const from = holdfast.log.length
    await set.stop(old)
    const inDoubt = clients.map((client, i) => client.send('INCR', `n${i}`))
    await waitUntil('they are sent', () => holdfast.counters.commands === commands + 3, { withinMs: 5000 })
    await set.kill(old)
    const behind = clients.map((client, i) => client.send('INCR', `n${i}`))
    const { node } = await coming
    await waitUntil('the login is refused', () => holdfast.find('link.refused'), { withinMs: 20_000 })
    t.match(holdfast.find('link.refused'), { identity: /app/, msg: /ACLs are not replicated.* commands wait/ })
    await waitUntil('the hold of others is over', () => holdfast.find('hold.end', from), { withinMs: 20_000 })
    t.ok(holdfast.counters.waitingForUser >= 3)
    t.equal(await set.command(node, ...user), 'OK')
    t.strictSame(await Promise.all(inDoubt), [2, 2, 2])
    t.strictSame(await Promise.all(behind), [3, 3, 3])
    t.equal(holdfast.counters.detail.replays.get('non-idempotent lost'), 3, 'they were in doubt')
    t.equal(holdfast.counters.waitingForUser, 0)
    t.equal(holdfast.find('gate.tripped'), undefined)
  },
)

t.test(
  'a new master asks for a password that clients do not have — and no more in time — each write has run once',
  async t => {
    const set = await SentinelSet.start()
    t.teardown(() => set.stopAll())
    const old = await set.currentMaster()
    const password = 'for-servers'
    for (const sentinel of set.sentinels) await ask(sentinel, ['SENTINEL', 'SET', 'mymaster', 'auth-pass', password])
    for (const node of set.nodes) await ask(node, ['CONFIG', 'SET', 'masterauth', password])
    const holdfast = await startHoldfast(t, {
      sentinels: set.sentinelAddresses(),
      options: { 'retry-policy': 'once', 'hold-timeout': '5m' },
      expectedErrors: ['link.refused'],
    })
    const client = await RespClient.connect(holdfast.port)
    t.teardown(() => client.close())
    t.equal(await client.send('INCR', 'n'), 1)
    await set.settle()

    const replicas = set.nodes.filter(node => node !== old)
    for (const node of replicas) await ask(node, ['CONFIG', 'SET', 'requirepass', password])
    const coming = set.waitForNewMaster(old, { withinMs: 60_000 })
    coming.catch(() => {})
    const { commands } = holdfast.counters
    await set.stop(old)
    const inDoubt = client.send('INCR', 'n')
    let isSaid = false
    void inDoubt.finally(() => {
      isSaid = true
    })
    await waitUntil('it is sent', () => holdfast.counters.commands === commands + 1, { withinMs: 5000 })
    await set.kill(old)
    const { node } = await coming
    await waitUntil('the link is refused', () => isSaid || holdfast.find('link.refused'), { withinMs: 20_000 })
    await ask(node, ['CONFIG', 'SET', 'requirepass', ''], { password })
    t.equal(await inDoubt, 2)
    t.match(holdfast.find('link.refused'), { identity: /no login/, reply: /^NOAUTH/, msg: /commands wait/ })
    t.equal(holdfast.counters.unknownOutcomes, 0)
  },
)
