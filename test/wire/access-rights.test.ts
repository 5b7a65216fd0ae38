// Which rights Holdfast's own users need, found by taking away one at a time on real servers.
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { rights } from '../../src/ops/missing-rights.ts'
import {
  type HoldfastOptions,
  type InProcess,
  type SingleServer,
  startHoldfast,
  startSingle,
} from '../support/holdfast.ts'
import { judgeUnlessStill } from '../support/judge-bound.ts'
import { openWindow } from '../support/pace.ts'
import { ask, RespClient } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { findServer } from '../support/servers.ts'
import { rulesOfMarkers, settings } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'

const flavours = (['redis', 'valkey'] as const).filter(flavour => findServer(flavour) !== undefined)
if (flavours.length < 2)
  t.pass('with both servers', { skip: 'only one of redis-server and valkey-server is installed' })
const page = readFileSync(new URL('../../docs/access.md', import.meta.url), 'utf8')

/** The rules of the page, for a user named there. */
function rulesOf(user: string): string[] {
  const line = new RegExp(`^ACL SETUSER ${user} on >\\S+ (.*)$`, 'm').exec(page)?.[1]
  if (line === undefined) throw new Error(`docs/access.md shows no ACL SETUSER ${user}`)
  return line.split(' ')
}

const without = (rules: readonly string[], rule: string): string[] => rules.filter(one => one !== rule)

function missing(holdfast: InProcess, rule: string): number {
  return holdfast.log.filter(line => line.event === 'rights.missing' && line.right === rule).length
}

async function connect(t: Test, holdfast: InProcess): Promise<RespClient> {
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  return client
}

t.test('docs/access.md — names every right, with what it costs to be without', async t => {
  for (const { rule, cost } of Object.values(rights)) {
    t.match(page.replaceAll('\\|', '|'), `\`${rule}\``)
    t.match(page.replace(/\s+/g, ' '), cost)
  }
})

/** A server on which our user may do what the rules say, and read and write app:*. */
function startAs(
  t: Test,
  flavour: (typeof flavours)[number],
  rules: readonly string[],
  options: Record<string, string> = {},
): Promise<SingleServer> {
  return startSingle(t, {
    flavour,
    options: { 'redis-username': 'holdfast', 'redis-password': 'node-secret', ...options },
    serverConfig: [
      `user holdfast on >node-secret ${rules.join(' ')} ~app:* +get +set +eval +evalsha ${rulesOfMarkers}`,
    ],
  })
}

/** A SET waits at the server when its link is lost. Answers what it gets. */
async function setOnLostLink(t: Test, { holdfast, node }: SingleServer): Promise<unknown> {
  const client = await connect(t, holdfast)
  t.equal(await client.send('SET', 'app:k', 'v'), 'OK')
  await ask(node, ['CLIENT', 'PAUSE', '60000', 'WRITE'])
  const held = client.send('SET', 'app:k', 'w')
  // Its last command was a SET before that, too: one that waits is marked as blocked.
  const waits = /flags=\S*b\S* .*cmd=set /
  const paused = async (): Promise<boolean> => waits.test(String(await ask(node, ['CLIENT', 'LIST'])))
  await waitUntil('the server has it', paused, { withinMs: 3000 })
  const opened = holdfast.counters.linksOpened
  await ask(node, ['CLIENT', 'KILL', 'USER', 'holdfast'])
  await waitUntil('a new link', () => holdfast.counters.linksOpened > opened, { withinMs: 5000 })
  await ask(node, ['CLIENT', 'UNPAUSE'])
  return held
}

for (const flavour of flavours) {
  const rules = rulesOf('holdfast')

  for (const rule of ['+role', '+ping', '+info', '+command']) {
    t.test(`data node (${flavour}) without ${rule} — is served — and the right and its cost are told once`, async t => {
      const { holdfast, node } = await startAs(t, flavour, without(rules, rule))
      const client = await connect(t, holdfast)
      t.equal(await client.send('SET', 'app:k', 'v'), 'OK')
      await waitUntil('it is told', () => missing(holdfast, rule) > 0, { withinMs: 3000 })
      const opened = holdfast.counters.linksOpened
      await ask(node, ['CLIENT', 'KILL', 'USER', 'holdfast'])
      await waitUntil('it has been asked again', () => holdfast.counters.linksOpened > opened, { withinMs: 5000 })
      t.equal(missing(holdfast, rule), 1)
      const others = holdfast.log.filter(line => line.event === 'rights.missing').length
      t.equal(others, 1, 'no other right is missing')
    })
  }

  t.test(
    `data node (${flavour}) without +client|kill — is served after a lost link — and the right is told`,
    async t => {
      for (const [given, wanted] of [
        [rules, 0],
        [without(rules, '+client|kill'), 1],
      ] as const) {
        const scene = await startAs(t, flavour, given)
        const held = await setOnLostLink(t, scene)
        // Where the lost link cannot be ended, a marker does not say what may still run.
        if (settings.policy === 'once' && wanted === 1) t.match(held, { code: 'UNKNOWN' })
        else t.equal(held, 'OK')
        t.equal(missing(scene.holdfast, '+client|kill'), wanted)
      }
    },
  )

  t.test(
    `data node (${flavour}) without a right that the proof needs — the write's UNKNOWN names it — and the log what it costs`,
    async t => {
      const all = [...rules, ...rights.markers.rule.split(' ')]
      const once = { 'retry-policy': 'once' }
      t.equal(await setOnLostLink(t, await startAs(t, flavour, all, once)), 'OK', 'with all of them it is sent again')
      for (const rule of ['+client|kill', '+info', '+role']) {
        const scene = await startAs(t, flavour, without(all, rule), once)
        t.match(await setOnLostLink(t, scene), { code: 'UNKNOWN', message: /could not be ended there \(rights: / })
        const told = scene.holdfast.log.find(line => line.event === 'rights.missing' && line.right === rule)
        t.match(told?.['cost'], /a write in flight on a lost link may get UNKNOWN/, rule)
      }
    },
  )

  t.test(
    `data node (${flavour}) without +script|load — is served after a change of master — and the right is told`,
    async t => {
      for (const [given, wanted] of [
        [rules, 0],
        [without(rules, '+script|load'), 1],
      ] as const) {
        const { holdfast, node, sentinel } = await startAs(t, flavour, given)
        const client = await connect(t, holdfast)
        t.equal(await client.send('EVAL', 'return 7', '0'), 7)
        const from = holdfast.log.length
        sentinel.switchMaster({ host: node.host, port: node.port }, 2)
        await waitUntil('the new epoch is served', () => holdfast.find('hold.end', from), { withinMs: 5000 })
        t.equal(await client.send('EVAL', 'return 7', '0'), 7)
        t.equal(missing(holdfast, '+script|load'), wanted)
      }
    },
  )

  t.test(`Sentinels (${flavour}) without one right — are served where it can be — and the right is named`, async t => {
    const set = await SentinelSet.start({ flavour, replicas: 0, sentinels: 3 })
    t.teardown(() => set.stopAll())
    const all = rulesOf('watcher')
    const expected = {
      nothing: null,
      '+client|setname': null,
      '+psubscribe': null,
      '+sentinel|sentinels': 'rights.missing',
      '+sentinel|myid': 'rights.missing',
      '+subscribe +psubscribe': 'sentinel.deaf',
      '&*': 'sentinel.deaf',
      '+sentinel|master': 'sentinel.trouble',
      '+sentinel|get-master-addr-by-name': 'sentinel.trouble',
    } as const
    for (const [left, event] of Object.entries(expected)) {
      const given = left.split(' ').reduce(without, all)
      for (const sentinel of set.sentinels)
        await set.command(sentinel, 'ACL', 'SETUSER', 'watcher', 'reset', 'on', '>watch-secret', ...given)
      await t.test(`without ${left}`, t => withRights(t, set, { left, event }))
    }
  })
}

const mustHave = ['+sentinel|master', '+sentinel|get-master-addr-by-name']

async function withRights(
  t: Test,
  set: SentinelSet,
  { left, event }: { left: string; event: string | null },
): Promise<void> {
  const options: HoldfastOptions = {
    sentinels: set.sentinelAddresses(),
    options: { 'sentinel-username': 'watcher', 'sentinel-password': 'watch-secret', 'hold-timeout': '1s' },
    expectedErrors: ['sentinel.deaf', 'sentinel.trouble', 'sentinels.trouble', 'gate.tripped'],
  }
  const readPace = openWindow()
  const holdfast = await startHoldfast(t, options)
  const client = await connect(t, holdfast)
  // A busy machine may take longer to start than the hold time.
  const isServed = async (): Promise<boolean> => (await client.send('PING')) === 'PONG'
  if (mustHave.includes(left)) t.match(String(await client.sendForBytes('PING')), /^-TRYAGAIN /)
  else await waitUntil('the master is served', isServed, { withinMs: 20_000 })
  const lines = (): string[] =>
    holdfast.log
      .filter(line => line.event === event && /rights|deaf|trouble/.test(line.event ?? ''))
      .map(line => JSON.stringify(line))
  if (event === null) {
    t.equal(holdfast.find('rights.missing'), undefined)
    t.equal(holdfast.find('sentinel.deaf'), undefined)
    judgeUnlessStill(t, 'no trouble', holdfast.find('sentinel.trouble') === undefined, readPace())
    return
  }
  await waitUntil('it is told', () => lines().length >= set.sentinels.length, { withinMs: 3000 })
  t.ok(
    left.split(' ').every(rule => lines().some(line => line.includes(rule))),
    lines()[0] ?? 'no line',
  )
}
