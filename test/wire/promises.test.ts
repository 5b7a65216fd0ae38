// Sentences of the README and of docs/ that no other test says: each with a real server, none with a failover.
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { startSingle, startSingleProcess } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { ask, RespClient, RespError } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'

t.test('inside MULTI — SUBSCRIBE, CLIENT REPLY and AUTH are refused — and EXEC discards the rest', async t => {
  const { holdfast } = await startSingle(t)
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  for (const [command, said] of [
    [['SUBSCRIBE', 'news'], /SUBSCRIBE and UNSUBSCRIBE are not supported inside MULTI/],
    [['CLIENT', 'REPLY', 'OFF'], /CLIENT REPLY is not supported inside MULTI/],
    [['AUTH', 'secret'], /AUTH is not supported inside MULTI/],
  ] as const) {
    t.equal(await client.send('MULTI'), 'OK')
    t.equal(await client.send('SET', 'k', 'v'), 'QUEUED')
    const refused = await client.send(...command)
    t.match(refused instanceof RespError && refused.message, said)
    const exec = await client.send('EXEC')
    t.match(exec instanceof RespError && exec.message, /^EXECABORT/)
    t.equal(await client.send('GET', 'k'), null, 'nothing of it ran')
  }
})

t.test('a session — goes back to the shared link — when its blocking command is answered', async t => {
  const { holdfast, node } = await startSingle(t)
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  await client.send('RPUSH', 'q', 'x')
  t.strictSame(await client.send('BLPOP', 'q', '0'), ['q', 'x'])
  t.equal(await client.send('SET', 'k', 'v'), 'OK')
  const lines = String(await ask(node, ['CLIENT', 'LIST'])).split('\n')
  const ranBoth = lines.filter(line => / cmd=set /.test(line))
  const other = await RespClient.connect(holdfast.port)
  t.teardown(() => other.close())
  t.equal(await other.send('INCR', 'n'), 1)
  const after = String(await ask(node, ['CLIENT', 'LIST'])).split('\n')
  const idOf = (line: string | undefined): string | undefined => /^id=(\d+) /.exec(line ?? '')?.[1]
  const shared = after.find(line => / cmd=incr /.test(line))
  t.equal(idOf(ranBoth[0]), idOf(shared), "the SET and another session's INCR came by the same link")
})

t.test(
  'a process that may open no more files — serves those it has — and new ones when some have left',
  {
    skip: without('prlimit'),
  },
  async t => {
    const { holdfast } = await startSingleProcess(t)
    const first = await RespClient.connect(holdfast.port)
    t.teardown(() => first.close())
    t.equal(await first.send('SET', 'k', 'v'), 'OK')
    const open = spawnSync('sh', ['-c', `ls /proc/${holdfast.pid}/fd | wc -l`], { encoding: 'utf8' })
    const limit = Number(open.stdout) + 10
    spawnSync('prlimit', ['--pid', String(holdfast.pid), `--nofile=${limit}:${limit}`])
    const crowd: RespClient[] = []
    t.teardown(() => Promise.all(crowd.map(client => client.close())))
    const tried = await Promise.allSettled(
      Array.from({ length: 40 }, async () => {
        const client = await RespClient.connect(holdfast.port)
        crowd.push(client)
        return client.send('GET', 'k')
      }),
    )
    const served = tried.filter(one => one.status === 'fulfilled' && one.value === 'v').length
    t.ok(served >= 1 && served < 40, `${served} of 40 are served`)
    t.equal(await first.send('GET', 'k'), 'v', 'and those who were there before')
    await Promise.all(crowd.splice(0).map(client => client.close()))
    const again = async (): Promise<boolean> => {
      const client = await RespClient.connect(holdfast.port)
      crowd.push(client)
      return (await client.send('GET', 'k')) === 'v'
    }
    await waitUntil('a new client is served', again, { withinMs: 10_000, everyMs: 100 })
  },
)
