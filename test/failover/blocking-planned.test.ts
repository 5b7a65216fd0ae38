// Clients wait in BLPOP and its like, and a failover is announced: the old master itself says that they have taken
// nothing, so they wait on at the new one, under the policies that repeat nothing of which that is not known.
import t from 'tap'
import { type InProcess, startHoldfast } from '../support/holdfast.ts'
import { RespClient, type Value } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { type Flavour, findServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

const inTime = { withinMs: 60_000 }

/** What each waits for, and what it is given at the new master; `k` is a key of its own. */
const waiting: readonly ((k: string) => { command: string[]; push: string[]; reply: Value })[] = [
  k => ({ command: ['BLPOP', k, '0'], push: ['RPUSH', k, 'v'], reply: [k, 'v'] }),
  k => ({ command: ['BLMOVE', k, `${k}:to`, 'LEFT', 'RIGHT', '0'], push: ['RPUSH', k, 'v'], reply: 'v' }),
  k => ({ command: ['BZPOPMIN', k, '0'], push: ['ZADD', k, '1', 'v'], reply: [k, 'v', '1'] }),
  k => ({
    command: ['XREADGROUP', 'GROUP', 'g', 'me', 'BLOCK', '0', 'STREAMS', k, '>'],
    push: ['XADD', k, '5-1', 'f', 'v'],
    reply: [[k, [['5-1', ['f', 'v']]]]],
  }),
]

const needs = (flavour: Flavour): { skip?: string } =>
  findServer(flavour) === undefined ? { skip: `${flavour}-server is not installed` } : {}

for (const flavour of ['redis', 'valkey'] as const satisfies readonly Flavour[])
  t.test(`commands that wait — are served by the new master — ${flavour}`, needs(flavour), async t => {
    const set = await SentinelSet.start({ flavour })
    t.teardown(() => set.stopAll())
    const first = await set.currentMaster()
    const blocked = async (): Promise<number> =>
      Number(/blocked_clients:(\d+)/.exec(String(await set.command(first, 'INFO', 'clients')))?.[1])
    const replies: {
      command: string[]
      push: string[]
      expected: Value
      got: Promise<Value>
      behind: Promise<Value>
    }[] = []
    const proxies: InProcess[] = []
    for (const policy of ['safe', 'once']) {
      const options = { 'retry-policy': policy, ack: 'master', reads: 'plain' }
      const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options })
      proxies.push(holdfast)
      for (const [i, of] of waiting.entries()) {
        const { command, push, reply: expected } = of(`${policy}:${i}`)
        const client = await RespClient.connect(holdfast.port)
        t.teardown(() => client.close())
        if (command[0] === 'XREADGROUP') await client.send('XGROUP', 'CREATE', `${policy}:${i}`, 'g', '$', 'MKSTREAM')
        const got = client.send(...command)
        got.catch(() => {})
        const behind = client.send('INCR', `${policy}:${i}:behind`)
        behind.catch(() => {})
        replies.push({ command, push, expected, got, behind })
        await waitUntil('it waits at the master', async () => (await blocked()) === replies.length, inTime)
      }
    }
    await set.settle()
    const from = proxies.map(({ log }) => log.length)
    await set.failover()
    const { node: master } = await set.waitForNewMaster(first, inTime)
    for (const [i, holdfast] of proxies.entries())
      await waitUntil('it is served', () => holdfast.find('hold.end', from[i]), inTime)
    for (const { push } of replies) await set.command(master, ...push)
    for (const { command, expected, got, behind } of replies) {
      t.strictSame(await got, expected, command.join(' '))
      t.equal(await behind, 1, `${command.join(' ')}: what its client has sent behind it runs once`)
    }
    for (const { counters } of proxies) t.equal(counters.unknownOutcomes, 0)
  })
