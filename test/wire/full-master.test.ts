// A master that takes no more connections: who has a link goes on, who needs one waits, and nothing is held for it.
import t from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'

t.test(
  'master that is full — holds nobody who has a link — and gives one to whoever waits when there is room',
  async t => {
    const { holdfast, node } = await startSingle(t)
    const admin = await RespClient.connect(node.port)
    t.teardown(() => admin.close())
    const shared = await RespClient.connect(holdfast.port)
    t.teardown(() => shared.close())
    t.equal(await shared.send('SET', 'k', '0'), 'OK')
    await admin.send('CONFIG', 'SET', 'maxclients', '1')
    // Our own question finds no room either.
    const list = String(await admin.send('CLIENT', 'LIST'))
    const probe = /id=(\d+).* name=holdfast-watcher/.exec(list)?.[1] ?? ''
    t.equal(await admin.send('CLIENT', 'KILL', 'ID', probe), 1)
    const from = holdfast.log.length
    const { handshakesFailed } = holdfast.counters.detail
    const before = handshakesFailed.total
    const worker = await RespClient.connect(holdfast.port)
    t.teardown(() => worker.close())
    const popped = worker.send('BLPOP', 'jobs', '0')
    const isTurnedAway = (): boolean => handshakesFailed.total - before >= 3
    await waitUntil('it was turned away several times', isTurnedAway, { withinMs: 30_000 })
    t.match(holdfast.find('link.handshake', from), { reply: /max number of clients/ })
    for (let i = 1; i <= 20; i++) t.equal(await shared.send('INCR', 'n'), i)
    await admin.send('CONFIG', 'SET', 'maxclients', '1000')
    await shared.send('RPUSH', 'jobs', 'one')
    t.strictSame(await popped, ['jobs', 'one'])
    // A machine with much else to do may let Holdfast stand still, and that holds whatever the master is like.
    const holds = holdfast.log
      .slice(from)
      .filter(({ event, cause }) => event === 'hold.start' && cause !== 'stood-still')
    t.strictSame(holds, [], 'the gate was never shut for it')
    await holdfast.stop()
  },
)
