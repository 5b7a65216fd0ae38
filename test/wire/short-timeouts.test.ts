// Libraries that give up sooner than a hold ends are named: in the log of a proxy that holds, and by what the check
// asks.
import t from 'tap'
import { nodeEvidence } from '../../src/check/node-evidence.ts'
import { startSingle } from '../support/holdfast.ts'
import { isOlder } from '../support/needs.ts'
import { RespClient } from '../support/resp-client.ts'
import { anyFlavour, endServer, makeFolder, removeFolder, startServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

t.test('a library that gives up sooner than the hold ends — is named in the log', async t => {
  const { holdfast, node } = await startSingle(t)
  const client = await RespClient.connect(holdfast.port)
  await client.send('CLIENT', 'SETINFO', 'LIB-NAME', 'jedis')
  const servedAt = performance.now()
  // Who looks in the hold of the start ends within a quarter of a second: the next hold has to begin anew.
  await waitUntil('the hold of the start is past', () => performance.now() - servedAt > 500, { withinMs: 10_000 })
  await endServer(node)
  const held = client.send('GET', 'k')
  await waitUntil('the library is named', () => holdfast.find('client.short_timeout'), { withinMs: 15_000 })
  t.match(holdfast.find('client.short_timeout'), { level: 'warn', library: 'Jedis', defaultMs: 2000, sessions: 1 })
  t.ok(Number(holdfast.find('client.short_timeout')?.heldMs) >= 2000)
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const { flavour, port } = node
  const again = await startServer({ flavour, kind: 'data', name: 'again', dir, port, config: ['save ""'] })
  t.teardown(() => endServer(again))
  t.equal(await held, null)
  await client.close()
})

const untold = isOlder(anyFlavour(), 7.2) && 'Redis before 7.2 knows no libraries'

t.test('a node — tells the libraries of its clients', { skip: untold }, async t => {
  const { node } = await startSingle(t)
  const client = await RespClient.connect(node.port)
  t.teardown(() => client.close())
  await client.send('CLIENT', 'SETINFO', 'LIB-NAME', 'redisson')
  await client.send('CLIENT', 'SETINFO', 'LIB-VER', '4.7.0')
  const route = { address: node, tls: null, keep: () => undefined }
  const target = { route, username: null, password: null }
  const { libraries } = await nodeEvidence({ target, announced: node, listed: 'master' })
  t.ok(
    libraries.some(([name, version]) => name === 'redisson' && version === '4.7.0'),
    JSON.stringify(libraries),
  )
})
