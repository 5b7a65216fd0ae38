// --retry-policy once: somebody sets the marker back beside Holdfast, while a command is in flight. A marker that says
// less than what was answered before is no proof that the command has not run: it is told UNKNOWN, and runs once.
import t from 'tap'
import { startBehindFaultyLink } from '../support/behind-faulty-link.ts'
import { ask, RespClient, RespError, type Value } from '../support/resp-client.ts'
import type { Node } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

const soon = { withinMs: 20_000 }

const keyOf = async (node: Node): Promise<string> => String([await ask(node, ['KEYS', '__holdfast:*'])].flat()[0])

interface Way {
  readonly name: string
  /** Before the answered writes that the old marker does not have. Answers what sets it back. */
  prepare(node: Node, dump: (key: string) => Promise<Buffer>): Promise<() => Promise<Value>>
}

const ways: readonly Way[] = [
  {
    name: 'RESTORE of an older one',
    async prepare(node, dump) {
      const key = await keyOf(node)
      const old = await dump(key)
      return () => ask(node, ['RESTORE', key, '0', old, 'REPLACE'])
    },
  },
  {
    name: 'FLUSHALL, and RESTORE of an older one',
    async prepare(node, dump) {
      const key = await keyOf(node)
      const old = await dump(key)
      await ask(node, ['FLUSHALL'])
      return () => ask(node, ['RESTORE', key, '0', old, 'REPLACE'])
    },
  },
  {
    name: 'COPY, and RENAME of the copy',
    async prepare(node) {
      const key = await keyOf(node)
      await ask(node, ['COPY', key, 'copy'])
      return () => ask(node, ['RENAME', 'copy', key])
    },
  },
  {
    name: 'MOVE to another database, and back',
    async prepare(node) {
      const key = await keyOf(node)
      await ask(node, ['MOVE', key, '1'])
      return async () => {
        await ask(node, ['DEL', key])
        const client = await RespClient.connect(node.port)
        await client.send('SELECT', '1')
        const moved = await client.send('MOVE', key, '0')
        await client.close()
        return moved
      }
    },
  },
  {
    name: 'SWAPDB there and back',
    async prepare(node) {
      await ask(node, ['SWAPDB', '0', '1'])
      return () => ask(node, ['SWAPDB', '0', '1'])
    },
  },
]

/** Each answers what its client is told of the INCR. */
const increments: readonly { readonly name: string; run(client: RespClient): Promise<Value> }[] = [
  { name: 'a command', run: client => client.send('INCR', 'n') },
  {
    name: 'a transaction in one write',
    run: async client => (await client.pipeline([['MULTI'], ['INCR', 'n'], ['EXEC']])).at(-1) ?? null,
  },
  {
    name: 'a transaction command by command',
    async run(client) {
      await client.send('MULTI')
      await client.send('INCR', 'n')
      return await client.send('EXEC')
    },
  },
]

for (const { name, run } of increments)
  for (const way of name === 'a command' ? ways : ways.slice(0, 1))
    t.test(`a marker that is set back — ${way.name} — proves nothing of ${name}`, async t => {
      const links = name.endsWith('by command') ? 'private' : 'auto'
      const options = { 'retry-policy': 'once', links, 'retry-backoff-min': '5ms', 'retry-backoff-max': '20ms' }
      const { holdfast, node, wire } = await startBehindFaultyLink(t, { options })
      const [client, direct] = await Promise.all([
        RespClient.connect(holdfast.port),
        RespClient.connect(node.port, undefined, { buffers: true }),
      ])
      t.teardown(() => Promise.all([client.close(), direct.close()]))
      const count = async (): Promise<number> => Number(await ask(node, ['GET', 'n']))
      for (let i = 0; i < 3; i++) await run(client)
      const setBack = await way.prepare(node, async key => (await direct.send('DUMP', key)) as Buffer)
      for (let i = 0; i < 3; i++) await run(client)
      const before = await count()
      let isOpen = false
      if (name.endsWith('by command')) {
        // EXEC alone is in flight.
        await client.send('MULTI')
        await client.send('INCR', 'n')
        isOpen = true
      }
      wire.stall('down')
      const inFlight = isOpen ? client.send('EXEC') : run(client)
      await waitUntil('it has run', async () => (await count()) === before + 1, soon)
      await setBack()
      const after = await count()
      wire.cut()
      wire.resume()
      const told = await inFlight
      t.match(told instanceof RespError ? told.message : String(told), /^UNKNOWN holdfast: .* marker/)
      t.equal(await count(), after, 'it has not run again')
      await run(client)
      t.equal(await count(), after + 1, 'and what comes then runs')
    })
