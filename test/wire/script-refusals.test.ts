// Scripts that answer what a server answers that is no master, in its very words or others: their reply is theirs, and
// commands of other sessions behind them on the shared link run once. Real servers, both policies.
import t from 'tap'
import { startSingle } from '../support/holdfast.ts'
import { ask, RespClient, RespError, type Value } from '../support/resp-client.ts'
import { type Flavour, findServer } from '../support/servers.ts'
import { settings } from '../support/settings.ts'
import { waitUntil } from '../support/wait-until.ts'

const inScript = ' script: ae3477e27be955de7e1bc9adfdca626b478d3cb2, on @user_script:1.'
const texts = [
  'READONLY document is locked',
  "READONLY You can't write against a read only replica.",
  `READONLY You can't write against a read only replica.${inScript}`,
  'MASTERDOWN for maintenance',
  "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
  'LOADING your cart',
  'LOADING Redis is loading the dataset in memory',
  'LOADING Valkey is loading the dataset in memory',
  'NOREPLICAS Not enough good replicas to write.',
  'REDIRECT 127.0.0.1:6379',
  'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)',
  "EXECABORT Transaction discarded because of: READONLY You can't write against a read only replica.",
]

const quoted = (text: string): string => `"${text}"`
/** Counts its own runs. */
const script = (text: string): string[] => [
  'EVAL',
  `redis.call('incr', 'runs') return redis.error_reply(${quoted(text)})`,
  '0',
]
const flavours = (['redis', 'valkey'] satisfies Flavour[]).filter(flavour => findServer(flavour) !== undefined)
const message = (value: Value | undefined): string => (value instanceof RespError ? value.message : 'no error')

for (const flavour of flavours) {
  for (const policy of ['always', 'safe'] as const) {
    t.test(`a script’s own error — is its reply and concerns nobody else — ${flavour}, ${policy}`, async t => {
      const { holdfast, node } = await startSingle(t, { flavour, options: { 'retry-policy': policy } })
      const one = await RespClient.connect(holdfast.port)
      const other = await RespClient.connect(holdfast.port)
      t.teardown(() => Promise.all([one.close(), other.close()]))
      let scripts = 0
      let acknowledged = 0
      for (const text of texts) {
        for (let round = 0; round < 3; round++) {
          const asked = one.pipeline([script(text), ['INCR', 'own'], script(text), ['GET', 'own']])
          const counted = other.pipeline(Array.from({ length: 10 }, () => ['INCR', 'n']))
          const [first, own, second, read] = await asked
          t.strictSame([message(first), message(second)], [text, text])
          t.equal(String(own), String(read), 'in order')
          scripts += 2
          for (const reply of await counted) if (typeof reply === 'number') acknowledged++
        }
      }
      const at = { host: node.host, port: node.port }
      t.equal(acknowledged, texts.length * 30)
      t.equal(Number(await ask(at, ['GET', 'n'])), acknowledged, 'nothing ran twice')
      t.equal(Number(await ask(at, ['GET', 'runs'])), scripts, 'no script ran twice')
      t.equal(Number(await ask(at, ['GET', 'own'])), texts.length * 3)
      const { linksLost, absorbed, unknownOutcomes } = holdfast.counters
      t.strictSame({ linksLost, absorbed, unknownOutcomes }, { linksLost: 0, absorbed: 0, unknownOutcomes: 0 })
    })
  }
}

t.test('a script’s own error — concerns nobody else — inside transactions and on links of their own', async t => {
  const { holdfast, node } = await startSingle(t)
  const one = await RespClient.connect(holdfast.port)
  t.teardown(() => one.close())
  const [, text = ''] = texts
  const list = await one.pipeline([['MULTI'], ['INCR', 'n'], script(text), ['INCR', 'n'], ['EXEC']])
  const exec = list[4]
  t.ok(Array.isArray(exec))
  t.strictSame(Array.isArray(exec) ? exec.map(value => (value instanceof RespError ? value.message : value)) : [], [
    1,
    text,
    2,
  ])
  await one.send('WATCH', 'k')
  t.equal(message(await one.send(...script(text))), text)
  await one.send('MULTI')
  t.equal(await one.send(...script(text)), 'QUEUED')
  const second = await one.send('EXEC')
  t.equal(message(Array.isArray(second) ? second[0] : second), text)
  t.equal(Number(await ask({ host: node.host, port: node.port }, ['GET', 'runs'])), 3)
  t.equal(holdfast.counters.linksLost, 0)
})

for (const policy of ['always', 'safe'] as const) {
  t.test(`a script that is refused — is sent again with all behind it — ${policy}`, async t => {
    const { holdfast, node } = await startSingle(t, { options: { 'retry-policy': policy } })
    const one = await RespClient.connect(holdfast.port)
    const other = await RespClient.connect(holdfast.port)
    t.teardown(() => Promise.all([one.close(), other.close()]))
    await one.send('SET', 'n', '0')
    const at = { host: node.host, port: node.port }
    // Nobody listens at this port: it stays without a master.
    await ask(at, ['REPLICAOF', '127.0.0.1', '1'])
    const refused = one.pipeline([
      ['EVAL', "return redis.call('incr', 'n')", '0'],
      ['INCR', 'n'],
      ['GET', 'n'],
    ])
    const behind = other.pipeline([
      ['INCR', 'n'],
      ['GET', 'n'],
    ])
    await waitUntil('the refusal', () => holdfast.counters.absorbed > 0, { withinMs: 10_000 })
    await ask(at, ['REPLICAOF', 'NO', 'ONE'])
    const replies = [...(await refused), ...(await behind)]
    const got = replies.map(value => (value instanceof RespError ? value.message : Number(value)))
    // With markers what a session sends behind its block waits, and another's command may come in between.
    t.strictSame(got, settings.hasMarkers && got[1] === 3 ? [1, 3, 3, 2, 2] : [1, 2, 2, 3, 3])
    t.equal(Number(await ask(at, ['GET', 'n'])), 3)
    t.equal(holdfast.counters.unknownOutcomes, 0, 'a refusal is known')
  })
}
