// The control plane where its own questions are late, refused or turned away, and where no majority can be asked.
import t from 'tap'
import type { LinkWitness } from '../../src/sentinel/prober.ts'
import { FakeRedis } from '../support/fake-redis.ts'
import { FaultyLink } from '../support/faulty-link.ts'
import { failure } from '../support/resp-encoder.ts'
import { waitUntil } from '../support/wait-until.ts'
import { intercept, makeWorld, Observed, place, roleQuestions, type World } from './watcher-world.ts'

/** Links that are up; `heard` says whether bytes come in on them. */
function witness(heard: boolean): LinkWitness {
  let bytes = 0
  return { bytesIn: () => (heard ? ++bytes : bytes), isUpTo: () => true }
}

function lose(...sentinels: World['sentinels'][number][]): void {
  for (const { server } of sentinels) {
    server.mode = 'refusing'
    server.dropAll('reset')
  }
}

t.test('late probe — holds nothing — while links to the node get replies', async t => {
  const { a, seeds } = await makeWorld(t)
  const seen = new Observed(t, { sentinels: seeds, links: witness(true) })
  await seen.until(`serve ${a.port}@1`)
  a.mode = 'silent'
  seen.watcher.confirm('a link was lost')
  await waitUntil('it is confirmed', () => seen.decisions.length === 2, { withinMs: 10_000 })
  t.strictSame(seen.story(), [`serve ${a.port}@1`, `serve ${a.port}@1`])
  t.match(seen.decisions[1], { master: { runId: a.runId } }, 'it is known to be the same process')
})

t.test('late probe — holds — where links are up and silent', async t => {
  const { a, seeds } = await makeWorld(t)
  const seen = new Observed(t, { sentinels: seeds, links: witness(false) })
  await seen.until(`serve ${a.port}@1`)
  a.mode = 'silent'
  seen.watcher.confirm('a link is silent')
  await seen.until('hold master-unreachable', 10_000)
})

t.test('node that takes no more clients — holds nothing — while links to it are up', async t => {
  const { a, seeds } = await makeWorld(t)
  const seen = new Observed(t, { sentinels: seeds, links: witness(false) })
  await seen.until(`serve ${a.port}@1`)
  const full = failure('ERR max number of clients reached')
  intercept(a, argv => (argv[0] === 'ROLE' ? { send: full, fault: 'cut' } : undefined))
  seen.watcher.confirm('a link could not be had')
  await waitUntil('it is confirmed', () => seen.decisions.length === 2, { withinMs: 10_000 })
  t.strictSame(seen.story(), [`serve ${a.port}@1`, `serve ${a.port}@1`])
})

t.test('round trip of 250 ms — is no trouble — with the limits as they are shipped', async t => {
  const { a, sentinels } = await makeWorld(t)
  const far = async (server: { host: string; port: number }): Promise<FaultyLink> => {
    const link = await FaultyLink.start(t, server)
    link.delay(125)
    return link
  }
  const node = await far(a)
  const links = await Promise.all(sentinels.map(far))
  for (const one of sentinels) {
    one.master = place(node)
    one.known = sentinels.flatMap((other, i) => {
      const link = links[i]
      return other === one || !link ? [] : [{ ...place(link), runId: other.runId }]
    })
  }
  const limits = { connectTimeoutMs: 2_000, answerTimeoutMs: 1_000 }
  const seen = new Observed(t, { sentinels: links.map(place), ...limits })
  await seen.until(`serve ${node.port}@1`, 30_000)
  seen.watcher.confirm('a link was lost')
  await waitUntil('it is confirmed', () => seen.decisions.length === 2, { withinMs: 30_000 })
  t.notOk(seen.story().some(one => one.startsWith('hold')))
})

t.test('question — is answered by the last master itself — when only one of three can be asked', async t => {
  const { a, sentinels, seeds } = await makeWorld(t)
  const seen = new Observed(t, { sentinels: seeds })
  await seen.untilAllHeard(`serve ${a.port}@1`)
  lose(sentinels[1], sentinels[2])
  await seen.untilLogged('sentinel.lost')
  seen.watcher.confirm('a link was lost')
  await waitUntil('it is confirmed', () => seen.decisions.length === 2, { withinMs: 10_000 })
  t.strictSame(seen.story(), [`serve ${a.port}@1`, `serve ${a.port}@1`])
  t.match(seen.watcher.status(), { basis: 'last-master', trouble: /1 of 3 Sentinels can be asked/ })
  t.match(seen.logged('master.minority'), [{ level: 'warn', basis: 'last-master', remedy: /SENTINEL RESET/ }])
})

t.test('question — ends in a hold that says why — when the one that can be asked names another', async t => {
  const { a, b, sentinels, seeds } = await makeWorld(t)
  const seen = new Observed(t, { sentinels: seeds })
  await seen.untilAllHeard(`serve ${a.port}@1`)
  lose(sentinels[1], sentinels[2])
  sentinels[0].switchMaster(place(b), 2)
  seen.watcher.confirm('a link was lost')
  const held = await seen.until('hold no-majority', 10_000)
  t.match(held, { detail: new RegExp(`names 127.0.0.1:${b.port}`) })
  t.equal(roleQuestions(b), 0, 'the other node was not even asked')
  for (const { server } of sentinels) server.mode = 'normal'
  for (const one of sentinels.slice(1)) one.switchMaster(place(b), 2)
  await seen.until(`serve ${b.port}@2`, 10_000)
})

t.test(
  'Sentinels that wake up wiped — are followed — although a foreign server has the address of the master',
  async t => {
    const { a, b, sentinels, seeds } = await makeWorld(t)
    for (const one of sentinels) one.configEpoch = 5
    const seen = new Observed(t, { sentinels: seeds })
    await seen.untilAllHeard(`serve ${a.port}@5`)
    intercept(a, argv => (argv[0] === 'INFO' ? `$${49}\r\nrun_id:${'e'.repeat(40)}\r\n\r\n` : undefined))
    for (const one of sentinels) {
      one.master = place(b)
      one.configEpoch = 0
    }
    seen.watcher.confirm('a link was lost')
    const held = await seen.until('hold master-moved', 10_000)
    t.match(held, { detail: /another process/ })
    await seen.until(`serve ${b.port}@0`, 60_000)
    t.equal(seen.logged('master.epoch_reset').length, 1)
  },
)

t.test('PSUBSCRIBE that fails for another reason than a right — is tried again — not channel by channel', async t => {
  const { a, sentinels, seeds } = await makeWorld(t)
  let failures = 1
  intercept(sentinels[0].server, argv =>
    argv[0]?.toUpperCase() === 'PSUBSCRIBE' && failures-- > 0 ? failure('ERR not now') : undefined,
  )
  const seen = new Observed(t, { sentinels: seeds })
  await seen.untilAllHeard(`serve ${a.port}@1`)
  t.notOk(sentinels[0].server.received.some(({ argv }) => argv[0]?.toUpperCase() === 'SUBSCRIBE'))
  t.strictSame(seen.logged('sentinel.deaf'), [])
})

t.test('start — serves by a quorum that agrees — beside Sentinels that count the dead', async t => {
  const { a, sentinels, seeds } = await makeWorld(t)
  const dead = await FakeRedis.start(t)
  dead.mode = 'refusing'
  for (const one of sentinels.slice(0, 2)) {
    for (let i = 0; i < 4; i++) one.known.push({ host: '127.0.0.1', port: dead.port, runId: `${i}`.repeat(40) })
  }
  const seen = new Observed(t, { sentinels: seeds })
  await seen.until(`serve ${a.port}@1`, 20_000)
  t.match(seen.watcher.status(), { basis: 'quorum', knownSentinels: 7, majority: 4 })
})
