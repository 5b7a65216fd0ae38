// Several masters by the --config file: what each has of its own, and what probes, /status and `check` say of one that no
// Sentinel knows.
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ask } from '../support/admin.ts'
import { runCheck } from '../support/check.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { type InProcess, startHoldfast } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { anyFlavour, endServer, makeFolder, type Node, removeFolder, startServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

interface Scene {
  readonly node: Node
  readonly sentinels: readonly string[]
  /** Starts Holdfast with this file. */
  start(file: string, expectedErrors?: readonly string[]): Promise<InProcess>
}

async function makeScene(t: Test): Promise<Scene> {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const node = await startServer({ flavour: anyFlavour(), kind: 'data', name: 'one', dir, config: ['save ""'] })
  t.teardown(() => endServer(node))
  const sentinel = await FakeSentinel.start(t, { masterName: 'cache', master: { host: node.host, port: node.port } })
  const sentinels = [`${sentinel.host}:${sentinel.port}`]
  const start = (file: string, expectedErrors: readonly string[] = []): Promise<InProcess> => {
    const config = join(dir, 'holdfast.yaml')
    writeFileSync(config, file)
    const options = { config, 'admin-listen': '127.0.0.1:0' }
    return startHoldfast(t, { sentinels, masterName: '', options, expectedErrors })
  }
  return { node, sentinels, start }
}

async function client(t: Test, port: number): Promise<RespClient> {
  const made = await RespClient.connect(port)
  t.teardown(() => made.close())
  return made
}

t.test('/startup — waits for every required master — and for no other', async t => {
  const { start } = await makeScene(t)
  const waiting = await start('masters:\n  cache: { listen: 0 }\n  ghost: { listen: 0 }\n')
  const isServed = (): boolean => waiting.log.some(line => line.event === 'hold.end' && line['masterName'] === 'cache')
  await waitUntil('cache is served', isServed, { withinMs: 5000 })
  const said = /^no master has been served yet: ghost: no Sentinel gives a master for the name "ghost"/
  await waitUntil('it says why', async () => said.test((await ask(waiting.admin, '/startup')).body), { withinMs: 5000 })
  t.equal((await ask(waiting.admin, '/startup')).status, 503)
  t.equal((await ask(waiting.admin, '/ready')).status, 200)

  const started = await start('masters:\n  cache: { listen: 0 }\n  ghost: { listen: 0, required: false }\n')
  await waitUntil('it has started', async () => (await ask(started.admin, '/startup')).status === 200, {
    withinMs: 5000,
  })
  const status: unknown = JSON.parse((await ask(started.admin, '/status')).body)
  t.match(status, {
    masters: [
      { masterName: 'cache', required: true },
      { masterName: 'ghost', required: false, master: null },
    ],
  })
})

t.test('each master — has its own options — and its own counters', async t => {
  const { start } = await makeScene(t)
  const file = `masters:
  cache: { listen: 0, deny-commands: +incr, client-password: hunter2 }
  ghost: { listen: 0, hold-timeout: 200ms }
`
  const holdfast = await start(file, ['gate.tripped'])
  const { masters } = holdfast
  const cache = await client(t, masters.get('cache')?.port ?? 0)
  t.match(await cache.send('GET', 'k'), { message: /^NOAUTH/ })
  t.equal(await cache.send('AUTH', 'hunter2'), 'OK')
  t.match(await cache.send('INCR', 'k'), { message: /^NOPERM holdfast: 'INCR'/ })
  const ghost = await client(t, masters.get('ghost')?.port ?? 0)
  t.match(await ghost.send('GET', 'k'), { message: /^TRYAGAIN holdfast: no master in time/ })
  t.equal(masters.get('ghost')?.counters.expired, 1)
  t.equal(masters.get('cache')?.counters.expired, 0)
  t.equal(masters.get('cache')?.counters.sessionsTotal, 1)
})

t.test('a port that is taken — is named with its master — and nothing stays open', async t => {
  const { start } = await makeScene(t)
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0
  await t.rejects(start(`masters:\n  cache: { listen: 0 }\n  queue: { listen: ${port} }\n`), {
    code: 'EADDRINUSE',
    option: 'listen',
    masterName: 'queue',
  })
})

t.test('check — looks at every master — and a problem of one is a problem', async t => {
  const { sentinels } = await makeScene(t)
  const { code, output } = await runCheck({ sentinels: sentinels.join(), master: 'cache=0,ghost=0' })
  t.equal(code, 1)
  t.match(output, /Holdfast check of master cache\n/)
  t.match(output, /Holdfast check of master ghost\n.*does not know the master name ghost; it knows: cache/s)
})
