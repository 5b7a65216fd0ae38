// A reply, or a write, that is more than the server lets a client have: the server ends each connection over it. Under
// every policy its command alone gets an error, and what others sent runs once.
import t, { type Test } from 'tap'
import { readStatus } from '../support/admin.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { type InProcess, startHoldfast, startReplica } from '../support/holdfast.ts'
import { RespClient, RespError, type Value } from '../support/resp-client.ts'
import { anyFlavour, endServer, makeFolder, type Node, removeFolder, startServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

const MB = 1024 * 1024

async function start(t: Test, options: Record<string, string>): Promise<{ holdfast: InProcess; node: Node }> {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const node = await startServer({ flavour: anyFlavour(), kind: 'data', name: 'one', dir, config: ['save ""'] })
  t.teardown(() => endServer(node))
  await startReplica(t, node, { dir })
  const sentinel = await FakeSentinel.start(t, { master: { host: node.host, port: node.port } })
  const holdfast = await startHoldfast(t, { sentinels: [`${sentinel.host}:${sentinel.port}`], options })
  await waitUntil('the master is served', () => holdfast.find('hold.end'), { withinMs: 20_000 })
  return { holdfast, node }
}

async function connect(t: Test, { port }: { readonly port: number }): Promise<RespClient> {
  const client = await RespClient.connect(port)
  t.teardown(() => client.close())
  return client
}

const says = (reply: Value, pattern: RegExp): boolean => reply instanceof RespError && pattern.test(reply.message)

/** One command after the other, each with its reply, until it is told to end. */
async function repeat(
  client: RespClient,
  ...words: string[]
): Promise<() => Promise<{ sent: number; replies: Value[] }>> {
  let goes = true
  const replies: Value[] = []
  const work = (async () => {
    while (goes) replies.push(await client.send(...words))
  })()
  await waitUntil('it is answered', () => replies.length > 0, { withinMs: 5000 })
  return async () => {
    goes = false
    await work
    return { sent: replies.length, replies }
  }
}

/** Without the rule the command takes each link for so long. */
const HOLD = '20s'

const arms: readonly Record<string, string>[] = [
  { 'retry-policy': 'safe', ack: 'master', reads: 'plain' },
  { 'retry-policy': 'once', ack: 'master', reads: 'plain' },
  { 'retry-policy': 'once', ack: 'replicated', reads: 'plain' },
  { 'retry-policy': 'once', ack: 'replicated', reads: 'committed' },
]
for (const options of arms) {
  const name = Object.values(options).join(', ')
  t.test(`a reply that the server ends each link for — is an error — and others go on, once each: ${name}`, async t => {
    const { holdfast, node } = await start(t, { 'hold-timeout': HOLD, ...options })
    const direct = await connect(t, node)
    await direct.send('SET', 'large', Buffer.alloc(4 * MB, 'x'))
    await direct.send('CONFIG', 'SET', 'client-output-buffer-limit', 'normal 1mb 0 0')
    const [asks, writes, reads] = [await connect(t, holdfast), await connect(t, holdfast), await connect(t, holdfast)]
    const end = await repeat(writes, 'INCR', 'n')

    // A write behind it in the same write would be in the same block: its marker tells of both.
    t.equal(await asks.send('INCR', 'before'), 1)
    const got = await asks.pipeline([
      ['GET', 'before'],
      ['GETRANGE', 'large', '0', '-1'],
      ['GET', 'before'],
    ])
    t.match(got, [
      '1',
      { message: /^ERR holdfast: the server closed the connection each .*; nothing was changed$/ },
      '1',
    ])
    t.equal(await asks.send('INCR', 'behind'), 1)
    t.match(await reads.send('GET', 'n'), /^\d+$/, 'others are answered')
    const stats = String(await direct.send('INFO', 'commandstats'))
    const calls = Number(/cmdstat_getrange:calls=(\d+)/.exec(stats)?.[1])
    t.ok(calls < 20, `it was sent ${calls} times`)

    const { sent, replies: said } = await end()
    const odd = said.filter(reply => typeof reply !== 'number' && !says(reply, /^(APPLIED|UNKNOWN) holdfast/))
    t.strictSame(odd, [])
    const runs = Number(await direct.send('GET', 'n'))
    const unknown = said.filter(reply => says(reply, /^UNKNOWN/)).length
    t.ok(runs <= sent && runs >= sent - unknown, `${runs} of ${sent} have run, ${unknown} are unknown`)
    if (options['retry-policy'] === 'once') t.equal(unknown, 0)
  })
}

// Some of what runs together, and what the server counts once for each time that something runs.
const kinds = [
  { name: 'writes, each in a block of its own', command: 'INCR', once: /cmdstat_exec:calls=(\d+)/ },
  { name: 'reads, each in a read of its own', command: 'GET', once: /total_reads_processed:(\d+)/ },
]
for (const { name, command, once } of kinds) {
  t.test(
    `a reply that the server ends each link for — is over with its error — others go together: ${name}`,
    async t => {
      const { holdfast, node } = await start(t, { 'hold-timeout': HOLD, 'retry-policy': 'once', ack: 'replicated' })
      const direct = await connect(t, node)
      await direct.send('SET', 'large', Buffer.alloc(4 * MB, 'x'))
      await direct.send('CONFIG', 'SET', 'client-output-buffer-limit', 'normal 1mb 0 0')
      const asks = await connect(t, holdfast)
      const ends = []
      for (let i = 0; i < 10; i++) ends.push(await repeat(await connect(t, holdfast), command, 'n'))
      t.match(await asks.send('GETRANGE', 'large', '0', '-1'), {
        message: /^ERR holdfast: the server closed .*nothing was changed/,
      })

      /** Commands that did not come alone. */
      const together = async (): Promise<number> => {
        const info = String(await direct.send('INFO', 'all'))
        const calls = new RegExp(`cmdstat_${command.toLowerCase()}:calls=(\\d+)`).exec(info)?.[1]
        return Number(calls) - Number(once.exec(info)?.[1])
      }
      const before = await together()
      await waitUntil('they go together', async () => (await together()) > before + 20, { withinMs: 30_000 })
      for (const end of ends) await end()
    },
  )
}

for (const policy of ['always', 'once']) {
  t.test(
    `a write that the server does not take — is told so — although the server ends idle links: ${policy}`,
    async t => {
      const { holdfast, node } = await start(t, {
        // A busy machine may end both in the same moment, and then nobody is blamed for five seconds.
        'hold-timeout': '60s',
        'retry-policy': policy,
        ack: 'master',
        reads: 'plain',
        'admin-listen': '127.0.0.1:0',
      })
      const direct = await connect(t, node)
      const client = await connect(t, holdfast)
      t.equal(await client.send('SET', 'k', 'v'), 'OK')
      await direct.send('CONFIG', 'SET', 'client-query-buffer-limit', '1mb')
      const hasSpare = async (): Promise<boolean> => (await readStatus(holdfast.admin)).links.idle > 0
      await waitUntil('there is a spare', hasSpare, { withinMs: 10_000 })
      const ids = async (): Promise<string[]> =>
        [...String(await direct.send('CLIENT', 'LIST', 'TYPE', 'normal')).matchAll(/^id=(\d+)/gm)].map(([id]) => id)
      const own = `id=${await direct.send('CLIENT', 'ID')}`
      const before = (await ids()).filter(id => id !== own)
      await direct.send('CONFIG', 'SET', 'timeout', '1')
      const areEnded = async (): Promise<boolean> => !(await ids()).some(id => before.includes(id))
      await waitUntil('the server ends what is idle', areEnded, { withinMs: 20_000 })
      const reply = await client.send('SET', 'k', Buffer.alloc(4 * MB, 'x'))
      t.match(reply, { message: /holdfast: the server closed the connection each time/ })
      t.equal(await client.send('GET', 'k'), 'v')
    },
  )
}

async function insideMulti(t: Test, writes: RespClient, value: Buffer): Promise<void> {
  const inside = [['MULTI'], ['INCR', 'inside'], ['SET', 'large', value], ['EXEC']]
  const closed = { message: /^UNKNOWN holdfast: the server closed the connection each time/ }
  t.match(await writes.pipeline(inside), ['OK', 'QUEUED', closed, { message: /^EXECABORT/ }])
  t.equal(await writes.send('INCR', 'behind'), 2)
}

const tooSmall = [
  { ack: 'master', limit: 'client-query-buffer-limit' },
  { ack: 'replicated', limit: 'client-query-buffer-limit' },
  { ack: 'master', limit: 'proto-max-bulk-len' },
]
for (const { ack, limit } of tooSmall) {
  t.test(
    `a write that the server does not take — is an error that says so — others go on: ${ack}, ${limit}`,
    async t => {
      const { holdfast, node } = await start(t, { 'hold-timeout': HOLD, 'retry-policy': 'once', ack })
      const direct = await connect(t, node)
      await direct.send('CONFIG', 'SET', limit, '1mb')
      const value = Buffer.alloc(4 * MB, 'x')
      const notTaken = {
        message: /^ERR holdfast: .* \(client-query-buffer-limit, proto-max-bulk-len\); it was not run$/,
      }
      const [writes, others] = [await connect(t, holdfast), await connect(t, holdfast)]
      const end = await repeat(others, 'INCR', 'n')
      t.match(
        await writes.pipeline([
          ['INCR', 'before'],
          ['SET', 'large', value],
          ['INCR', 'behind'],
        ]),
        [1, notTaken, 1],
      )
      // On a link of its own the server's word on a bulk that is too long may come through.
      if (limit === 'client-query-buffer-limit') await insideMulti(t, writes, value)
      const { sent, replies: said } = await end()
      t.strictSame(
        said.filter(reply => typeof reply !== 'number' && !says(reply, /^APPLIED holdfast/)),
        [],
      )
      t.equal(await direct.send('GET', 'n'), String(sent), 'each has run once')
      t.strictSame(await direct.send('EXISTS', 'large', 'inside'), 0)
    },
  )
}
