// A server of an older version, which lacks what Holdfast says by itself on a new link.
import t from 'tap'
import { FakeRedis } from '../support/fake-redis.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { RespClient, RespError } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'

const refusals = {
  '6.2': "-ERR Unknown subcommand or wrong number of arguments for 'SETINFO'. Try CLIENT HELP.\r\n",
  '7.0': "-ERR unknown subcommand 'SETINFO'. Try CLIENT HELP.\r\n",
}

for (const [version, refusal] of Object.entries(refusals)) {
  t.test(
    `Redis ${version} — knows no CLIENT SETINFO — and nothing is lost with a link of a client that sent it`,
    async t => {
      const told: string[] = []
      const fake = await FakeRedis.start(t, ([name, subcommand = '', ...rest]) => {
        if (name === 'WATCH') return '+OK\r\n'
        if (name !== 'CLIENT') return undefined
        told.push([subcommand, ...rest].join(' '))
        return subcommand.toUpperCase() === 'SETINFO' ? refusal : undefined
      })
      const sentinel = await FakeSentinel.start(t, { master: fake })
      const sentinels = [`${sentinel.host}:${sentinel.port}`]
      // A node that is played knows no WAIT.
      const holdfast = await startHoldfast(t, { sentinels, options: { ack: 'master', reads: 'plain' } })
      const client = await RespClient.connect(holdfast.port)
      t.teardown(() => client.close())
      t.equal(await client.send('CLIENT', 'SETNAME', 'me'), 'OK')
      t.equal(await client.send('CLIENT', 'SETINFO', 'LIB-NAME', 'mine'), 'OK')
      t.equal(await client.send('WATCH', 'k'), 'OK', 'now it has a link of its own')
      const answer = await client.send('CLIENT', 'SETINFO', 'LIB-VER', '1')
      t.ok(answer instanceof RespError, 'there the server is asked')

      const before = told.length
      fake.dropAll()
      const restored = (): boolean => told.slice(before).includes('SETINFO LIB-NAME mine')
      await waitUntil('the new link is told of the client', restored, { withinMs: 20_000 })
      t.equal(await client.send('ECHO', 'x'), 'x')
      t.ok(told.slice(before).includes('SETNAME me'))
      t.equal(holdfast.find('session.restore_failed'), undefined)
    },
  )
}
