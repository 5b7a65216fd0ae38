// A MULTI that is given up for want of a master: nothing of it runs on its own, and the session can open another.
import t, { type Test } from 'tap'
import { type SingleServer, startSingle } from '../support/holdfast.ts'
import { RespClient, RespError, type Value } from '../support/resp-client.ts'
import { endServer, restartServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

async function start(t: Test, holdTimeout: string): Promise<SingleServer & { readonly client: RespClient }> {
  const single = await startSingle(t, {
    options: { 'hold-timeout': holdTimeout },
    expectedErrors: ['gate.tripped', 'ack.tripped'],
  })
  const client = await RespClient.connect(single.holdfast.port)
  t.teardown(() => client.close())
  return { ...single, client }
}

const codeOf = (value: Value | undefined): Value | undefined => (value instanceof RespError ? value.code : value)

/** Waits for commands of another session to be served. */
async function served(t: Test, port: number): Promise<RespClient> {
  const other = await RespClient.connect(port)
  t.teardown(() => other.close())
  const works = async (): Promise<boolean> => (await other.send('SET', 'other', '1')) === 'OK'
  await waitUntil('the master serves again', works, { withinMs: 20_000, everyMs: 20 })
  return other
}

t.test('MULTI — opens a new transaction — when the one before was given up and nothing followed it', async t => {
  const { client, node, holdfast } = await start(t, '300ms')
  await endServer(node)
  t.equal(codeOf(await client.send('MULTI')), 'TRYAGAIN')
  t.equal(codeOf(await client.send('MULTI')), 'TRYAGAIN', 'with the breaker open')
  await restartServer(node)
  await served(t, holdfast.port)
  const replies = [
    ['MULTI'],
    ['SET', 'k', 'v'],
    ['EXEC'],
    ['GET', 'k'],
    ['MULTI'],
    ['INCR', 'n'],
    ['EXEC'],
    ['GET', 'n'],
  ]
  const wanted = ['OK', 'QUEUED', ['OK'], 'v', 'OK', 'QUEUED', [1], '1']
  const seen: Value[] = []
  for (const command of replies) seen.push(await client.send(...command))
  t.strictSame(seen, wanted)
})

t.test(
  'a queued command — never runs on its own — when its MULTI was given up before the master came back',
  async t => {
    const { client, node, holdfast } = await start(t, '2s')
    await endServer(node)
    const begun = performance.now()
    const first = client.send('MULTI')
    const waits = (): boolean => performance.now() - begun > 1700
    await waitUntil('most of the hold is over', waits, { withinMs: 4000 })
    const rest = client.pipeline([['SET', 'k', 'v'], ['MULTI'], ['DISCARD'], ['MULTI'], ['INCR', 'n'], ['EXEC']])
    t.equal(codeOf(await first), 'TRYAGAIN')
    await restartServer(node)
    const other = await served(t, holdfast.port)
    const [set] = await rest
    t.equal(codeOf(set), 'TRYAGAIN')
    t.equal(await other.send('GET', 'k'), null, 'it was not run')
    t.equal(await client.send('SET', 'plain', '1'), 'OK', 'no transaction is left open')
  },
)

t.test('a client that reads that its MULTI failed — is served plain commands again — a second later', async t => {
  const { client, node, holdfast } = await start(t, '300ms')
  await endServer(node)
  t.equal(codeOf(await client.send('MULTI')), 'TRYAGAIN')
  await restartServer(node)
  await served(t, holdfast.port)
  const works = async (): Promise<boolean> => codeOf(await client.send('SET', 'plain', '1')) === 'OK'
  await waitUntil('a plain command is run', works, { withinMs: 5000, everyMs: 50 })
  t.strictSame(await client.pipeline([['MULTI'], ['INCR', 'n'], ['EXEC']]), ['OK', 'QUEUED', [1]])
})
