// A transaction that is given up in a hold while its link stays up: nothing of it is left on that link, for its session
// or for the next one that uses the link.
import t, { type Test } from 'tap'
import { type SingleServer, startSingle } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { ask, RespClient, RespError, type Value } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'

interface World {
  readonly client: RespClient
  readonly other: RespClient
  /** A failover is announced, and `act` runs until its command is given up; then the failover is called off. */
  readonly inHold: (act: () => Promise<Value>, linkStays?: boolean) => Promise<void>
}

async function world(t: Test, links = 'auto'): Promise<World> {
  const at: SingleServer = await startSingle(t, {
    options: { 'hold-timeout': '300ms', links },
    expectedErrors: ['gate.tripped'],
  })
  const connect = async (): Promise<RespClient> => {
    const client = await RespClient.connect(at.holdfast.port)
    t.teardown(() => client.close())
    return client
  }
  const { holdfast, node, sentinel } = at
  const about = `master mymaster ${node.host} ${node.port}`
  const [client, other, third] = [await connect(), await connect(), await connect()]
  const works = async (): Promise<boolean> => (await third.send('SET', 'other', '1')) === 'OK'
  const inHold = async (act: () => Promise<Value>, linkStays = true): Promise<void> => {
    const from = holdfast.log.length
    sentinel.flags = 'master,failover_in_progress'
    sentinel.publish('+elected-leader', about)
    await waitUntil('the gate is shut', () => holdfast.find('failover.announced', from), { withinMs: 20_000 })
    const lost = holdfast.counters.linksLost
    const reply = await act()
    t.match(reply instanceof RespError ? reply.code : reply, 'TRYAGAIN')
    if (linkStays) t.equal(holdfast.counters.linksLost, lost, 'its link is up')
    else t.match(holdfast.find('link.lost', from), { reason: 'cut', detail: 'its MULTI was given up' })
    sentinel.flags = 'master'
    sentinel.publish('-failover-abort-no-good-slave', about)
    await waitUntil('the master serves again', works, { withinMs: 20_000, everyMs: 20 })
  }
  return { client, other, inHold }
}

for (const end of ['DISCARD', 'EXEC']) {
  t.test(`${end} — of a MULTI that was given up — leaves no WATCH on a link that another session may use`, async t => {
    const { client, other, inHold } = await world(t)
    await client.send('WATCH', 'k')
    await inHold(() => client.send('MULTI'))
    const ended = await client.send(end)
    t.equal(ended instanceof RespError ? ended.code : ended, end === 'EXEC' ? 'EXECABORT' : 'OK')
    t.equal(await client.send('PING'), 'PONG')
    t.equal(await client.send('SET', 'k', 'changed'), 'OK')
    for (const session of [client, other]) {
      t.equal(await session.send('MULTI'), 'OK')
      t.equal(await session.send('INCR', 'n'), 'QUEUED')
      t.type(await session.send('EXEC'), Array, 'nothing that it watches has changed')
    }
  })
}

for (const links of ['auto', 'private'])
  t.test(`EXEC — given up while it waits, --links ${links} — leaves no open MULTI behind`, async t => {
    const { client, other, inHold } = await world(t, links)
    await client.send('WATCH', 'k')
    await client.send('MULTI')
    await client.send('INCR', 'n')
    await inHold(() => client.send('EXEC'), false)
    t.equal(await client.send('GET', 'n'), null, 'it has not run, and this is no part of it')
    await client.send('SET', 'k', 'changed')
    for (const session of [client, other]) {
      t.equal(await session.send('MULTI'), 'OK')
      t.equal(await session.send('GET', 'n'), 'QUEUED')
      t.strictSame(await session.send('EXEC'), [null])
    }
  })

for (const flavour of ['redis', 'valkey'] as const) {
  for (const inside of [['MULTI'], ['WATCH', 'k'], ['WATCH']]) {
    const title = `${flavour}: ${inside.join(' ')} inside MULTI, and the link is lost`
    t.test(`${title} — EXEC answers as without the loss`, { skip: without(`${flavour}-server`) }, async t => {
      const { holdfast, node } = await startSingle(t, { flavour })
      const answers: string[] = []
      for (const { port } of [node, holdfast]) {
        const client = await RespClient.connect(port)
        t.teardown(() => client.close())
        await client.send('MULTI')
        await client.send('SET', 'k', 'v')
        t.type(await client.send(...inside), RespError)
        const lost = holdfast.counters.linksLost
        if (port === holdfast.port) {
          await ask(node, ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'])
          await waitUntil('its link is lost', () => holdfast.counters.linksLost > lost, { withinMs: 20_000 })
        }
        answers.push(String(await client.send('EXEC')))
      }
      t.equal(answers[1], answers[0])
    })
  }
}
