// A new master that a script keeps busy: what a session has told the old one is told again when the script is over.
import t, { type Test } from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { RespClient, type Value } from '../support/resp-client.ts'
import { RespPush } from '../support/resp-decoder.ts'
import { endServer, makeFolder, type Node, removeFolder, startServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

interface Scene {
  readonly port: number
  readonly second: Node
  /** The first master is gone, and the second runs a script for too long. Answers when a link was refused for that. */
  readonly failOver: () => Promise<void>
  readonly endScript: () => Promise<void>
}

async function start(t: Test): Promise<Scene> {
  // The second one has no replica that could confirm a write.
  const single = await startSingle(t, { options: { ack: 'master', reads: 'plain' } })
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const config = ['save ""', 'busy-reply-threshold 10']
  const second = await startServer({ flavour: single.node.flavour, kind: 'data', name: 'two', dir, config })
  t.teardown(() => endServer(second))
  const direct = await RespClient.connect(second.port)
  t.teardown(() => direct.close())
  let script: Promise<Value> = Promise.resolve(null)
  return {
    port: single.holdfast.port,
    second,
    failOver: async () => {
      const caller = await RespClient.connect(second.port)
      t.teardown(() => caller.close())
      script = caller.send('EVAL', 'while true do end', '0')
      await waitUntil('it is busy', async () => /BUSY/.test(String(await direct.sendForBytes('GET', 'k'))), {
        withinMs: 10_000,
      })
      await endServer(single.node)
      single.sentinel.switchMaster({ host: second.host, port: second.port }, 2)
      const refused = (): boolean => single.holdfast.log.some(({ reply = '' }) => String(reply).startsWith('BUSY'))
      await waitUntil('a link is refused', refused, { withinMs: 10_000 })
    },
    endScript: async () => {
      t.equal(await direct.send('SCRIPT', 'KILL'), 'OK')
      await script
    },
  }
}

async function connect(t: Test, port: number): Promise<RespClient> {
  const client = await RespClient.connect(port)
  t.teardown(() => client.close())
  return client
}

const heard = ({ pushes }: RespClient, kind: string): number =>
  pushes.filter(push => push instanceof RespPush && push.items[0] === kind).length

t.test('subscription — is there again — when the new master was busy at first', async t => {
  const { port, failOver, endScript } = await start(t)
  const [listener, publisher] = [await connect(t, port), await connect(t, port)]
  await listener.send('HELLO', '3')
  await listener.send('SUBSCRIBE', 'ch')
  t.equal(await publisher.send('PUBLISH', 'ch', 'one'), 1)
  await failOver()
  await endScript()
  const reaches = async (): Promise<boolean> => (await publisher.send('PUBLISH', 'ch', 'two')) === 1
  await waitUntil('a message reaches the subscriber', reaches, { withinMs: 20_000 })
  await waitUntil('it has it', () => heard(listener, 'message') >= 2, { withinMs: 5000 })
})

t.test('SCRIPT KILL — of a session that the busy master cannot be told of — ends the script', async t => {
  const { port, failOver } = await start(t)
  const [listener, publisher] = [await connect(t, port), await connect(t, port)]
  await listener.send('HELLO', '3')
  await listener.send('SELECT', '9')
  await listener.send('SUBSCRIBE', 'ch')
  await failOver()
  await waitUntil('it is told so', async () => /BUSY/.test(String(await listener.sendForBytes('GET', 'k'))), {
    withinMs: 10_000,
  })
  t.equal(await listener.send('SCRIPT', 'KILL'), 'OK')
  // The script ends a moment later.
  await waitUntil('it writes', async () => (await listener.send('SET', 'k', 'v')) === 'OK', { withinMs: 10_000 })
  t.equal(await publisher.send('GET', 'k'), null, 'in its own database')
  const reaches = async (): Promise<boolean> => (await publisher.send('PUBLISH', 'ch', 'two')) === 1
  await waitUntil('a message reaches the subscriber', reaches, { withinMs: 20_000 })
  await waitUntil('it has it', () => heard(listener, 'message') >= 1, { withinMs: 5000 })
})

t.test('CLIENT TRACKING — is there again — when the new master was busy at first', async t => {
  const { port, failOver, endScript } = await start(t)
  const [cache, writer] = [await connect(t, port), await connect(t, port)]
  await cache.send('HELLO', '3')
  t.equal(await cache.send('CLIENT', 'TRACKING', 'ON'), 'OK')
  t.equal(await cache.send('GET', 'k'), null)
  await failOver()
  await endScript()
  await waitUntil('the key is read again', async () => (await cache.send('GET', 'k')) === null, { withinMs: 20_000 })
  const before = heard(cache, 'invalidate')
  t.equal(await writer.send('SET', 'k', 'v'), 'OK')
  await waitUntil('it is told of the change', () => heard(cache, 'invalidate') > before, { withinMs: 10_000 })
})

t.test('MULTI — is open again — when the new master was busy at first', async t => {
  const { port, failOver, endScript } = await start(t)
  const client = await connect(t, port)
  t.equal(await client.send('MULTI'), 'OK')
  t.equal(await client.send('INCR', 'n'), 'QUEUED')
  await failOver()
  await endScript()
  t.strictSame(await client.send('EXEC'), [1])
})
