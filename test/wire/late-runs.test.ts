// A client is told UNKNOWN, and the command may still lie in the server's socket. What the client sends then comes to the
// server behind the end of the lost link: what it sees of its data is final.
import type { Socket } from 'node:net'
import t, { type Test } from 'tap'
import { ask } from '../support/admin.ts'
import { type Answer, type Context, FakeRedis } from '../support/fake-redis.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { RespClient, RespError } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'

const soon = { withinMs: 20_000, everyMs: 5 }

const execIsCut = ([name]: string[]): Answer => {
  if (name === 'MULTI') return '+OK\r\n'
  if (name === 'INCR') return '+QUEUED\r\n'
  return name === 'EXEC' ? 'cut' : undefined
}

async function stage(t: Test, answer: (argv: string[], context: Context) => Answer) {
  const fake = await FakeRedis.start(t, (argv, context) => (argv[1] === 'KILL' ? ':1\r\n' : answer(argv, context)))
  const sentinel = await FakeSentinel.start(t, { master: fake })
  // A node that is played knows no WAIT.
  const options = { 'retry-policy': 'safe', ack: 'master', reads: 'plain', 'admin-listen': '127.0.0.1:0' }
  const holdfast = await startHoldfast(t, { sentinels: [`${sentinel.host}:${sentinel.port}`], options })
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  await client.send('PING')
  const at = (words: string): number => fake.received.findIndex(({ argv }) => argv.join(' ').startsWith(words))
  return { fake, client, holdfast, at }
}

t.test('what ran on a link of its own and is UNKNOWN — is ended before the session goes on', async t => {
  const { client, at } = await stage(t, execIsCut)
  await client.send('MULTI')
  await client.send('INCR', 'k')
  const reply = await client.send('EXEC')
  t.equal(reply instanceof RespError ? reply.code : reply, 'UNKNOWN')
  await client.send('GET', 'k')
  t.not(at('CLIENT KILL ID'), -1, 'the lost link is ended at the server')
  t.ok(at('CLIENT KILL ID') < at('GET k'), 'and the client looks at its data then')
})

t.test('a session that says nothing more — leaves the link of its own when that is up', async t => {
  const { client, holdfast } = await stage(t, execIsCut)
  await client.send('MULTI')
  await client.send('INCR', 'k')
  await client.send('EXEC')
  const hasLeft = async (): Promise<boolean> => {
    const { links } = JSON.parse((await ask(holdfast.admin, '/status')).body)
    const last = holdfast.log.findLast(
      ({ event, kind }) => ['link.ready', 'link.lost'].includes(event ?? '') && kind === 'private',
    )
    return last?.event === 'link.ready' && links.private === 0
  }
  await waitUntil('its link was up, and is an idle one', hasLeft, soon)
})

/** Links of one kind that are up. */
async function links(admin: string, kind: 'idle' | 'retired'): Promise<number> {
  return JSON.parse((await ask(admin, '/status')).body).links[kind]
}

t.test(
  'what ran on a shared link and is UNKNOWN — is ended before the session goes on with a link of its own',
  async t => {
    const { client, holdfast, at } = await stage(t, ([name]) => (name === 'INCR' ? 'cut' : undefined))
    await waitUntil('a link waits for whoever needs one', async () => (await links(holdfast.admin, 'idle')) > 0, soon)
    const reply = await client.send('INCR', 'k')
    t.equal(reply instanceof RespError ? reply.code : reply, 'UNKNOWN')
    await client.send('WATCH', 'k')
    await client.send('GET', 'k')
    t.not(at('CLIENT KILL ID'), -1, 'the lost link is ended at the server')
    t.ok(at('CLIENT KILL ID') < at('WATCH k'), 'and the client looks at its data then')
  },
)

t.test(
  'what ran on a retired link and is UNKNOWN — is ended before the session goes on with the fresh one',
  async t => {
    const sockets: Socket[] = []
    const { client, holdfast, at } = await stage(t, ([name], { socket }) => {
      if (name !== 'INCR') return undefined
      sockets.push(socket)
      return 'hang'
    })
    const other = await RespClient.connect(holdfast.port)
    t.teardown(() => other.close())
    const reply = client.send('INCR', 'k')
    await waitUntil('the silent link is retired', async () => (await links(holdfast.admin, 'retired')) > 0, soon)
    await other.send('GET', 'other')
    for (const socket of sockets) socket.destroy()
    const told = await reply
    t.equal(told instanceof RespError ? told.code : told, 'UNKNOWN')
    await client.send('GET', 'k')
    t.not(at('CLIENT KILL ID'), -1, 'the lost link is ended at the server')
    t.ok(at('CLIENT KILL ID') < at('GET k'), 'and the client looks at its data then')
  },
)
