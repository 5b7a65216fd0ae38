// Passwords of clients together with everything else: by TLS, over the Unix socket, on private links, through a kill
// -9; and passwords of servers and clients that change around a kill -9.
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { type InProcess, startHoldfast } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { RespClient, RespError } from '../support/resp-client.ts'
import { type Node, SentinelSet } from '../support/sentinel-set.ts'
import { TlsScene } from '../support/tls-scene.ts'
import { waitUntil } from '../support/wait-until.ts'

const skip = without('openssl')

const password = 'of-the-clients'
const noAuth = 'NOAUTH Authentication required.'

function textOf(reply: unknown): string {
  return reply instanceof RespError ? reply.message : String(reply)
}

interface Door {
  readonly name: string
  readonly client: Redis
}

/** ioredis by both doors: TLS at the port, plain over the socket. */
function doors(t: Test, given: { holdfast: InProcess; tls: TlsScene; path: string; password: string }): Door[] {
  const { holdfast, tls, path } = given
  const common = { password: given.password, retryStrategy: () => null, lazyConnect: true }
  const byTls = new Redis({ ...common, host: 'localhost', port: holdfast.port, tls: tls.clientOptions() })
  const bySocket = new Redis({ ...common, path })
  for (const client of [byTls, bySocket]) {
    client.on('error', () => undefined)
    t.teardown(() => client.disconnect())
  }
  return [
    { name: 'TLS', client: byTls },
    { name: 'socket', client: bySocket },
  ]
}

async function change(tls: TlsScene, name: string, text: string): Promise<string> {
  const path = join(tls.dir, name)
  writeFileSync(`${path}.new`, `${text}\n`)
  renameSync(`${path}.new`, path)
  return path
}

async function must(set: SentinelSet, node: Node, ...args: string[]): Promise<void> {
  const reply = await set.command(node, ...args)
  if (reply instanceof RespError) throw new Error(`${node.name}: ${args.slice(0, 2).join(' ')}: ${reply.message}`)
}

for (const links of ['auto', 'private'] as const) {
  t.test(
    `clients that sign in by TLS and over the socket — stay so through kill -9 — --links ${links}`,
    { skip },
    async t => {
      const tls = await TlsScene.make(t)
      const set = await SentinelSet.start({ requirePass: 'of-redis', failoverTimeoutMs: 5000 })
      t.teardown(() => set.stopAll())
      const path = join(tls.dir, 'h.sock')
      const holdfast = await startHoldfast(t, {
        sentinels: set.sentinelAddresses(),
        options: {
          ...tls.holdfast('listen'),
          'listen-socket': path,
          'client-password': password,
          'redis-password': 'of-redis',
          links,
        },
      })
      const signedOut = await RespClient.connect(holdfast.port, 'localhost', { tls: tls.clientOptions() })
      t.teardown(() => signedOut.close())
      t.equal(textOf(await signedOut.send('GET', 'k')), noAuth)
      t.match(
        textOf(await signedOut.send('AUTH', 'of-redis')),
        /^WRONGPASS/,
        "the servers' password is not the clients'",
      )
      for (const { name, client } of doors(t, { holdfast, tls, path, password: 'wrong' })) {
        const told = new Promise<string>(resolve => client.once('error', error => resolve(error.message)))
        await t.rejects(client.connect(), `${name}: a wrong password lets nobody in`)
        t.match(await told, /^WRONGPASS/, `${name}: and is called so`)
      }

      const all = doors(t, { holdfast, tls, path, password })
      for (const { name, client } of all) {
        await client.connect()
        t.equal(await client.set(`k:${name}`, name), 'OK')
        t.equal(
          await client
            .multi()
            .incr(`n:${name}`)
            .exec()
            .then(replies => replies?.[0]?.[1]),
          1,
        )
      }
      const old = await set.currentMaster()
      await set.kill(old)
      const held = all.map(({ name, client }) => client.append(`k:${name}`, '+'))
      const stillOut = signedOut.send('GET', 'k')
      t.equal(textOf(await stillOut), noAuth, 'who is signed out is told at once, and not held')
      await set.waitForNewMaster(old, { withinMs: 30_000 })
      t.strictSame(await Promise.all(held), [4, 7])
      for (const { name, client } of all) {
        t.equal(await client.get(`k:${name}`), `${name}+`)
        t.equal(
          await client
            .multi()
            .incr(`n:${name}`)
            .exec()
            .then(replies => replies?.[0]?.[1]),
          2,
        )
      }
      t.equal(textOf(await signedOut.send('GET', 'k')), noAuth, 'a failover signs nobody in')
      t.notMatch(JSON.stringify(holdfast.log), /of-the-clients|of-redis/, 'no password is logged')
    },
  )
}

t.test(
  'passwords of servers, Sentinels and clients — all changed around a kill -9 — without an error',
  { skip },
  async t => {
    const tls = await TlsScene.make(t)
    const set = await SentinelSet.start({ requirePass: 'redis-1', sentinelPass: 'sentinel-1', failoverTimeoutMs: 5000 })
    t.teardown(() => set.stopAll())
    const path = join(tls.dir, 'h.sock')
    const holdfast = await startHoldfast(t, {
      sentinels: set.sentinelAddresses(),
      options: {
        ...tls.holdfast('listen'),
        'listen-socket': path,
        'redis-password-file': await change(tls, 'redis', 'redis-1'),
        'sentinel-password-file': await change(tls, 'sentinel', 'sentinel-1'),
        'client-password-file': await change(tls, 'client', 'client-1'),
      },
    })
    const before = doors(t, { holdfast, tls, path, password: 'client-1' })
    for (const { client } of before) await client.connect()
    for (const { client } of before) await client.incr('n')

    // The files first: nothing at the servers has changed when the master dies.
    for (const name of ['redis', 'sentinel', 'client']) await change(tls, name, `${name}-2`)
    const read = (): boolean => holdfast.log.filter(({ event }) => event === 'password.reloaded').length === 3
    await waitUntil('all three files are read', read, { withinMs: 10_000 })
    const old = await set.currentMaster()
    await set.kill(old)
    const held = before.map(({ client }) => client.incr('n'))
    await set.waitForNewMaster(old, { withinMs: 30_000 })
    t.strictSame((await Promise.all(held)).sort(), [3, 4], 'the password before still opens the new master')

    // Now the servers, and the dead node as well, which comes back with the old one and is told.
    await set.restart(old)
    await set.settle()
    for (const node of set.nodes) {
      await must(set, node, 'CONFIG', 'SET', 'masterauth', 'redis-2')
      await must(set, node, 'CONFIG', 'SET', 'requirepass', 'redis-2')
      node.password = 'redis-2'
    }
    for (const node of set.sentinels) {
      await must(set, node, 'SENTINEL', 'SET', set.masterName, 'auth-pass', 'redis-2')
      await must(set, node, 'SENTINEL', 'CONFIG', 'SET', 'sentinel-pass', 'sentinel-2')
      await must(set, node, 'ACL', 'SETUSER', 'default', 'resetpass', '>sentinel-2')
      node.password = 'sentinel-2'
    }
    await set.settle()
    const second = await set.currentMaster()
    await set.kill(second)
    const again = before.map(({ client }) => client.incr('n'))
    await set.waitForNewMaster(second, { withinMs: 30_000 })
    t.strictSame((await Promise.all(again)).sort(), [5, 6], 'the new one opens the next')

    for (const given of ['client-1', 'client-2']) {
      for (const { name, client } of doors(t, { holdfast, tls, path, password: given })) {
        await client.connect()
        t.equal(await client.get('n'), '6', `${given} by ${name}`)
      }
    }
    t.notMatch(JSON.stringify(holdfast.log), /(redis|sentinel|client)-[12]"/, 'no password is logged')
  },
)
