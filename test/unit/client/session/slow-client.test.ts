// What a session writes to a client that takes nothing: a small reply holds on to no memory but its own. And how long it
// waits for one that does not finish its command.
import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { Session } from '../../../../src/client/session/session.ts'
import { createCounters } from '../../../../src/ops/counters.ts'
import { createLog } from '../../../../src/ops/log.ts'
import { Lanes } from '../../../../src/relay/lanes.ts'
import { Sockets } from '../../../../src/transport/sockets.ts'
import { waitUntil } from '../../../support/wait-until.ts'
import { sessionHost } from '../session-host.ts'

const HOLD_MS = 10_000

/** A session on the shared lane of a master that nobody has named yet, and its client, which reads nothing. */
async function connect(t: Test): Promise<{ session: Session; sockets: Sockets; client: Socket }> {
  const log = createLog('silent')
  const sockets = new Sockets()
  await sockets.goBelow(log)
  const counters = createCounters()
  const lanes = new Lanes({
    policy: { policy: 'always', maxRetries: 0 },
    backoff: { minMs: 1, maxMs: 1 },
    holdTimeoutMs: HOLD_MS,
    connectTimeoutMs: 1000,
    counters,
    log,
    sockets,
    onStoodStill: () => {},
    observe: () => {},
  })
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const client = createConnection({ port: address.port, host: '127.0.0.1' }).pause()
  const [socket]: Socket[] = await once(server, 'connection')
  if (socket === undefined) throw new Error('no connection')
  t.teardown(() => {
    for (const side of [client, socket]) side.destroy()
    server.close()
    lanes.stop()
  })
  return { session: new Session(1, socket, sessionHost(lanes, counters, HOLD_MS)), sockets, client }
}

t.test(
  'a small reply that its client does not take — lies apart — so that the read it came in is used again',
  async t => {
    const { session, sockets, client } = await connect(t)
    const { memory } = sockets
    const sent: Buffer[] = []
    const say = (reply: Buffer, copy: Buffer): void => {
      sent.push(copy)
      session.deliver(reply)
      session.flush()
    }
    const large = Buffer.alloc(60_000, 'l')
    while (session.unread === 0) say(large, large)

    const [reply, others] = [Buffer.alloc(3_000, 'r'), Buffer.alloc(20_000, 'o')]
    const read = memory.copy(Buffer.concat([reply, others]), 23_000)
    say(read.subarray(0, reply.length), reply)
    memory.giveBack(read.subarray(reply.length))
    const next = memory.copy(Buffer.alloc(23_000, 'n'), 23_000)
    t.equal(next.buffer, read.buffer, 'nobody needs the read: it is used again')

    let got = Buffer.alloc(0)
    client.on('data', chunk => {
      got = Buffer.concat([got, chunk])
    })
    client.resume()
    const wanted = Buffer.concat(sent)
    await waitUntil('its client has all', () => got.length >= wanted.length, { withinMs: 20_000 })
    t.ok(got.equals(wanted), 'and the reply is as it was')
  },
)

t.test('an unfinished command — is not late — for a time in which Holdfast read nothing', async t => {
  const { session, client } = await connect(t)
  client.write('*2\r\n$4\r\nECHO\r\n$')
  await waitUntil('its begin is read', () => session.unfinishedBytes > 0, { withinMs: 20_000 })
  const start = performance.now()
  const look = (at: number, passedMs: number, lateMs: number): boolean => {
    session.checkUnfinished(2000, { now: start + at, passedMs, lateMs })
    return session.ending
  }
  t.notOk(look(0, 200, 0))
  t.notOk(look(1000, 200, 0))
  t.notOk(look(4200, 3200, 3000), 'three seconds are those of a standstill')
  t.ok(look(5000, 200, 0), 'the client has had its two seconds')
})
