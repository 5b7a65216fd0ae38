// CLIENT LIST and CLIENT KILL at the port for replicas: everybody at the port is meant, whichever replica they read from,
// and no link of Holdfast is taken for a client.
import t, { type Test } from 'tap'
import { later } from '../failover/session-scenes.ts'
import { startHoldfast } from '../support/holdfast.ts'
import { judgeUnlessStill } from '../support/judge-bound.ts'
import { openWindow } from '../support/pace.ts'
import { RespClient, RespError } from '../support/resp-client.ts'
import { type Node, SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import { places, replicasAreGood, sessionsLeave } from './scene.ts'

async function open(t: Test) {
  const set = await SentinelSet.start({ replicas: 2 })
  t.teardown(() => set.stopAll())
  const options = { 'admin-listen': '127.0.0.1:0', 'replica-listen': '127.0.0.1:0' }
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options })
  await replicasAreGood(holdfast, 2)
  const connect = async (port: number): Promise<RespClient> => {
    const client = await RespClient.connect(port)
    t.teardown(() => client.close())
    return client
  }
  return { set, holdfast, direct: ({ port }: Node) => connect(port), through: () => connect(holdfast.replicaPort) }
}

type Fields = ReadonlyMap<string, string>

async function list(client: RespClient, ...filter: string[]): Promise<Fields[]> {
  const lines = String(await client.send('CLIENT', 'LIST', ...filter)).split('\n')
  return lines
    .filter(line => line !== '')
    .map(line => new Map(line.split(' ').map(field => [field.split('=')[0] ?? '', field.replace(/^[^=]*=/, '')])))
}

const names = (lines: readonly Fields[]): string[] => lines.map(line => line.get('name') ?? '').sort()
const idOf = async (client: RespClient): Promise<string> => String(await client.send('CLIENT', 'ID'))

t.test('CLIENT LIST and KILL — at the port for replicas — mean the sessions of all replicas', async t => {
  const { set, holdfast, direct, through } = await open(t)
  const sessions = [await through(), await through(), await through(), await through()] as const
  for (const [i, client] of sessions.entries()) await client.send('CLIENT', 'SETNAME', `session-${i}`)
  const all = ['session-0', 'session-1', 'session-2', 'session-3']
  t.strictSame(
    (await places(holdfast)).map(({ sessions }) => sessions),
    [2, 2],
    'they read from both',
  )
  const strangers = [await direct(set.nodes[1] as Node), await direct(set.nodes[2] as Node)]
  for (const client of strangers) await client.send('CLIENT', 'SETNAME', 'stranger')
  const others = (lines: readonly Fields[]): string[] => names(lines).filter(name => name !== '')

  for (const client of sessions)
    t.strictSame(
      others(await list(client)).filter(name => !/sentinel|stranger/.test(name)),
      all,
      'each sees all',
    )
  t.equal(new Set(await Promise.all(sessions.map(idOf))).size, 4, 'each has an id of its own')

  await sessions[0].send('SUBSCRIBE', 'news')
  await later(sessions[1].send('CLIENT', 'NO-EVICT', 'ON'))
  for (const client of [sessions[2], sessions[3]]) {
    const [line, ...more] = (await list(client, 'TYPE', 'pubsub')).filter(line =>
      /^session/.test(line.get('name') ?? ''),
    )
    t.strictSame([line?.get('name'), line?.get('flags'), line?.get('sub'), more.length], ['session-0', 'P', '1', 0])
    const [second] = await list(client, 'ID', await idOf(sessions[1]))
    t.match(second?.get('flags'), /e/)
  }

  const ended = async (client: RespClient, what: string): Promise<void> => {
    await waitUntil(what, () => !client.isOpen, { withinMs: 10_000 })
  }
  t.equal(await sessions[2].send('CLIENT', 'KILL', 'ID', await idOf(sessions[1])), 1, 'by id')
  await ended(sessions[1], 'the session with this id is ended')
  t.equal(
    await sessions[3].send('CLIENT', 'KILL', 'TYPE', 'pubsub', 'LADDR', `127.0.0.1:${holdfast.replicaPort}`),
    1,
    'by type',
  )
  await ended(sessions[0], 'the session that listens is ended')
  const { socket } = sessions[2]
  t.equal(await sessions[3].send('CLIENT', 'KILL', `${socket.localAddress}:${socket.localPort}`), 'OK', 'by address')
  await ended(sessions[2], 'the session at this address is ended')
  t.strictSame(
    others(await list(sessions[3])).filter(name => /session/.test(name)),
    ['session-3'],
  )
  await holdfast.stop()
})

t.test('CLIENT TRACKING with REDIRECT, and UNBLOCK — reach sessions of the same replica — and no others', async t => {
  const { holdfast, through } = await open(t)
  const tracker = await through()
  const targets = [await through(), await through(), await through()]
  const replies: unknown[] = []
  const reached: RespClient[] = []
  for (const target of targets) {
    const reply = await tracker.send('CLIENT', 'TRACKING', 'ON', 'REDIRECT', await idOf(target))
    if (reply === 'OK') reached.push(target)
    replies.push(reply instanceof RespError ? reply.message : reply)
  }
  const refused = 'ERR The client ID you want redirect to does not exist'
  t.strictSame(replies.sort(), [refused, refused, 'OK'])

  for (const target of targets) {
    const id = await idOf(target)
    const entry = later(target.send('XREAD', 'BLOCK', '0', 'STREAMS', 'stream', '0-0'))
    const isBlocked = async (): Promise<boolean> => (await list(tracker, 'ID', id))[0]?.get('flags') === 'b'
    await waitUntil('it is blocked, wherever', isBlocked, { withinMs: 10_000 })
    const isReached = reached.includes(target)
    t.equal(await tracker.send('CLIENT', 'UNBLOCK', id), isReached ? 1 : 0)
    if (isReached) t.equal(await entry, null)
  }
  await holdfast.stop()
})

t.test(
  'CLIENT LIST and KILL — where sessions of two replicas read from one node — spare the links of both',
  async t => {
    const { set, holdfast, through } = await open(t)
    const [, first, second] = set.nodes
    if (first === undefined || second === undefined) throw new Error('not three nodes')
    const sessions = [await through(), await through(), await through(), await through()] as const
    for (const client of sessions) t.equal(await client.send('CLIENT', 'NO-EVICT', 'ON'), 'OK')
    await Promise.all([set.kill(first), set.kill(second)])
    await sessionsLeave({ holdfast }, first, second)
    for (const client of sessions) t.match(await client.send('INFO', 'replication'), /role:master/)

    const readPace = openWindow()
    const { accepted } = await linksAt(set)
    t.ok(accepted.length >= 4, 'each has a link of its own at the master')
    const writer = await RespClient.connect(holdfast.port)
    t.teardown(() => writer.close())
    for (const client of [...sessions, writer]) {
      const listed = (await list(client)).map(line => line.get('addr'))
      t.strictSame(
        accepted.filter(address => listed.includes(address)),
        [],
        'no link is listed as a client',
      )
    }
    const lines = (await list(sessions[0])).filter(line => line.get('cmd') !== 'sentinel')
    t.ok(lines.length >= 4)
    const killed = Number(await writer.send('CLIENT', 'KILL', 'TYPE', 'normal'))
    t.type(killed, 'number')
    // After a standstill Holdfast itself cuts the links of readers.
    const left = (await linksAt(set)).accepted
    const spared = `links are spared at the port of the master: ${left}, of ${accepted}`
    judgeUnlessStill(t, spared, left.join() === accepted.join(), readPace())
    // Sentinels have connected anew meanwhile, or not yet.
    const ended = Number(await sessions[0].send('CLIENT', 'KILL', 'TYPE', 'normal', 'USER', 'default'))
    t.ok(ended >= 3, `${ended} clients are ended`)
    const isAlone = (): boolean => sessions.slice(1).every(client => !client.isOpen)
    await waitUntil('the other sessions are ended', isAlone, { withinMs: 10_000 })
    t.ok(sessions[0].isOpen)
    const links = (await linksAt(set)).accepted
    const isSpared = links.some(address => accepted.includes(address))
    judgeUnlessStill(t, 'its link is spared', isSpared, readPace())
    await holdfast.stop()
  },
)

/** The addresses of the links with CLIENT NO-EVICT at the master. */
async function linksAt(set: SentinelSet) {
  const [master] = set.nodes
  if (master === undefined) throw new Error('no master')
  const lines = String(await set.command(master, 'CLIENT', 'LIST')).split('\n')
  const accepted = lines.filter(line => / flags=\w*e/.test(line)).map(line => / addr=(\S+)/.exec(line)?.[1] ?? '')
  return { accepted: accepted.sort() }
}
