// Users and passwords that Redis or Sentinel refuse: what clients are told, what the operator is told, how often is
// dialled.
import t, { type Test } from 'tap'
import { type InProcess, startHoldfast, startSingle } from '../support/holdfast.ts'
import { judgeUnlessStill } from '../support/judge-bound.ts'
import { openWindow } from '../support/pace.ts'
import { ask, RespClient } from '../support/resp-client.ts'
import { type Node, SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

async function connect(t: Test, holdfast: InProcess): Promise<RespClient> {
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  return client
}

async function accepted(node: Node): Promise<number> {
  const info = String(await ask(node, ['INFO', 'stats'], { password: node.password }))
  return Number(/total_connections_received:(\d+)/.exec(info)?.[1])
}

const wrongPass = '-WRONGPASS invalid username-password pair or user is disabled.\r\n'
const count = (holdfast: InProcess, event: string): number => holdfast.log.filter(line => line.event === event).length

interface Dials {
  readonly node: Node
  /** What it had accepted when they began. */
  readonly before: number
  /** In so long a time; on a slow machine the same takes longer, and there may be more. */
  readonly most: number
  readonly inMs: number
  readonly started: number
}

async function fewDials(t: Test, { node, before, most, inMs, started }: Dials): Promise<void> {
  const dials = (await accepted(node)) - before
  const ms = Math.max(inMs, performance.now() - started)
  t.ok(dials < (most * ms) / inMs, `${dials} connections in ${Math.round(ms)} ms`)
}

for (const [also, options] of [
  ['', {}],
  // It has a link of its own, which is refused as well.
  [' with --ack', { ack: 'replicated' }],
] as const)
  t.test(
    `wrong Redis password${also} — every command gets the node’s own error — and nobody dials without a pause`,
    async t => {
      const { holdfast, node } = await startSingle(t, {
        options: { 'redis-password': 'wrong-secret', ...options },
        serverConfig: ['requirepass right-secret'],
        password: 'right-secret',
        expectedErrors: ['link.refused', 'master.probe_refused'],
      })
      const clients = await Promise.all([1, 2, 3, 4, 5].map(() => connect(t, holdfast)))
      const before = await accepted(node)
      const started = performance.now()
      while (performance.now() - started < 3000)
        for (const client of clients) t.equal(String(await client.sendForBytes('GET', 'k')), wrongPass)
      await fewDials(t, { node, before, most: 25, inMs: 3000, started })
      t.equal(count(holdfast, 'link.refused'), 1, 'told once')
      t.match(holdfast.find('link.refused'), {
        level: 'error',
        reply: /WRONGPASS/,
        msg: /same password .* on every node/,
      })
      t.notMatch(JSON.stringify(holdfast.log), /wrong-secret|right-secret/)
      await ask(node, ['CONFIG', 'SET', 'requirepass', 'wrong-secret'], { password: 'right-secret' })
      const [client] = clients
      await waitUntil('it is let in', async () => (await client?.send('GET', 'k')) === null, { withinMs: 5000 })
    },
  )

for (const [what, given, words] of [
  ['wrong', { 'sentinel-password': 'wrong-secret' }, /correct --sentinel-username and --sentinel-password/],
  ['missing', {}, /set --sentinel-password/],
] as const) {
  t.test(`Sentinel password ${what} — commands wait for the hold time — and nobody dials without a pause`, async t => {
    const set = await SentinelSet.start({ replicas: 0, requirePass: 'node-secret', sentinelPass: 'watch-secret' })
    t.teardown(() => set.stopAll())
    const [sentinel] = set.sentinels
    if (sentinel === undefined) throw new Error('no Sentinel')
    const before = await accepted(sentinel)
    const readPace = openWindow()
    const started = performance.now()
    const holdfast = await startHoldfast(t, {
      sentinels: set.sentinelAddresses(),
      options: { 'redis-password': 'node-secret', 'hold-timeout': '3s', ...given },
      expectedErrors: ['sentinel.trouble', 'sentinels.trouble', 'gate.tripped'],
    })
    const client = await connect(t, holdfast)
    const sentAt = performance.now()
    t.match(String(await client.sendForBytes('GET', 'k')), /^-TRYAGAIN holdfast: no master in time/)
    t.ok(performance.now() - sentAt >= 2900, 'held for the hold time')
    await fewDials(t, { node: sentinel, before, most: 15, inMs: 3000, started })
    const told = count(holdfast, 'sentinel.trouble')
    t.ok(told >= set.sentinels.length, 'told for each')
    // A Sentinel that was silent for so long is told of as well.
    judgeUnlessStill(t, `told once for each: ${told}`, told <= set.sentinels.length, readPace())
    t.match(holdfast.find('sentinel.trouble'), { level: 'error', remedy: words })
    t.notMatch(JSON.stringify(holdfast.log), /-secret/)
  })
}

t.test('separate users and passwords for Redis and Sentinel — each at its own side', async t => {
  const set = await SentinelSet.start({
    replicas: 0,
    requirePass: 'node-secret',
    sentinelPass: 'watch-secret',
    dataConfig: ['user app on >app-secret ~* &* +@all'],
    sentinelConfig: ['user watcher on >watcher-secret ~* &* +@all'],
  })
  t.teardown(() => set.stopAll())
  const holdfast = await startHoldfast(t, {
    sentinels: set.sentinelAddresses(),
    options: {
      'redis-username': 'app',
      'redis-password': 'app-secret',
      'sentinel-username': 'watcher',
      'sentinel-password': 'watcher-secret',
    },
  })
  const client = await connect(t, holdfast)
  t.equal(await client.send('ACL', 'WHOAMI'), 'app')
  // Two of the three are enough to be served: the third may still be on its way.
  for (const sentinel of set.sentinels) {
    const known = async (): Promise<boolean> =>
      /name=holdfast .*user=watcher/.test(String(await set.command(sentinel, 'CLIENT', 'LIST')))
    await waitUntil(`${sentinel.name} knows the user`, known, { withinMs: 5000 })
  }
})

async function startWithUser(t: Test, rules: string, expectedErrors: string[] = []) {
  const { holdfast, node } = await startSingle(t, {
    serverConfig: [`user app on >app-secret ${rules}`],
    expectedErrors,
  })
  const client = await connect(t, holdfast)
  t.equal(String(await client.sendForBytes('AUTH', 'app', 'wrong')), wrongPass)
  t.equal(await client.send('ACL', 'WHOAMI'), 'default', 'a refused login changes nothing')
  t.equal(await client.send('AUTH', 'app', 'app-secret'), 'OK')
  t.equal(await client.send('SET', 'k', 'v'), 'OK')
  return { holdfast, node, client }
}

t.test('pass-through — a user who loses a right — is told by the server, and keeps the others', async t => {
  const { node, client } = await startWithUser(t, '~* +@all')
  await ask(node, ['ACL', 'SETUSER', 'app', '-set'])
  t.match(
    String(await client.sendForBytes('SET', 'k', 'w')),
    // Before Redis 7.2: "this user".
    /^-NOPERM (?:User app|this user) has no permissions to run the 'set' command/,
  )
  t.equal(await client.send('GET', 'k'), 'v')
})

t.test(
  'pass-through — a user who is deleted — gets WRONGPASS for each command, until another one signs in',
  async t => {
    const { holdfast, node, client } = await startWithUser(t, '~* +@all', ['link.refused'])
    const before = await accepted(node)
    t.equal(await ask(node, ['ACL', 'DELUSER', 'app']), 1)
    const started = performance.now()
    while (performance.now() - started < 2000) t.equal(String(await client.sendForBytes('GET', 'k')), wrongPass)
    await fewDials(t, { node, before, most: 25, inMs: 2000, started })
    t.equal(count(holdfast, 'link.refused'), 1)
    await ask(node, ['ACL', 'SETUSER', 'second', 'on', '>second-secret', '~*', '+@all'])
    t.equal(await client.send('AUTH', 'second', 'second-secret'), 'OK')
    t.equal(await client.send('GET', 'k'), 'v')
  },
)
