// Somebody ends every connection of the master again and again (CLIENT KILL): that is not over the command that is on
// them, and its client sees a delay.
import t from 'tap'
import { readStatus } from '../support/admin.ts'
import { startSingle } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'

for (const policy of ['always', 'once']) {
  t.test(
    `CLIENT KILL of all, again and again — a command that waits at the master — runs once — ${policy}`,
    async t => {
      const options = { 'admin-listen': '127.0.0.1:0', 'retry-policy': policy, ack: 'master', reads: 'plain' }
      const { holdfast, node } = await startSingle(t, { options })
      const client = await RespClient.connect(holdfast.port)
      const admin = await RespClient.connect(node.port)
      t.teardown(() => client.close())
      t.teardown(() => admin.close())
      t.equal(await client.send('GET', 'n'), null)
      const hasSpare = async (): Promise<boolean> => (await readStatus(holdfast.admin)).links.idle > 0
      await waitUntil('there is a spare', hasSpare, { withinMs: 10_000 })
      // A write waits at the server, so that it has no reply when its connection is ended.
      await admin.send('CLIENT', 'PAUSE', '60000', 'WRITE')
      const reply = client.send('INCR', 'n')
      const waits = async (): Promise<boolean> => / flags=\w*b/.test(String(await admin.send('CLIENT', 'LIST')))
      for (let kills = 0; kills < 8; kills++) {
        await waitUntil(`it waits, after ${kills} kills`, waits, { withinMs: 20_000 })
        await admin.send('CLIENT', 'KILL', 'TYPE', 'normal')
      }
      await admin.send('CLIENT', 'UNPAUSE')
      t.equal(await reply, 1)
      t.equal(await client.send('GET', 'n'), '1')
    },
  )
}
