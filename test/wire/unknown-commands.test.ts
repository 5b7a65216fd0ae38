// A server that does not know a command which Holdfast itself sends (rename-command, an older version): what is lost is
// told once, and the rest works.
import t, { type Test } from 'tap'
import { rights } from '../../src/ops/missing-rights.ts'
import { type InProcess, type SingleServer, startHoldfast, startSingle } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { ask, RespClient } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

const skip = without('redis-server')
/** Whatever the promises of this run, the commands below are those of this test. */
const plain = { ack: 'master', reads: 'plain', 'retry-policy': 'always' }
const soon = { withinMs: 20_000 }

function start(t: Test, serverConfig: readonly string[], options: Record<string, string> = {}): Promise<SingleServer> {
  return startSingle(t, { flavour: 'redis', serverConfig, options: { ...plain, ...options } })
}

async function connect(t: Test, { port }: { port: number }): Promise<RespClient> {
  const client = await RespClient.connect(port)
  t.teardown(() => client.close())
  return client
}

const told = ({ log }: InProcess): unknown[] =>
  log.filter(line => line.event === 'commands.missing').map(({ command }) => command)

/** Waits for the line, and looks that it stays the only one when the links have been made anew. */
async function isToldOnce(t: Test, { holdfast, node }: SingleServer, command: string, cost: string): Promise<void> {
  await waitUntil('it is told', () => told(holdfast).includes(command), soon)
  t.match(holdfast.find('commands.missing'), { level: 'warn', node: `${node.host}:${node.port}`, command, cost })
  t.match(holdfast.find('commands.missing')?.msg, /rename-command/)
  t.strictSame(told(holdfast), [command])
}

for (const [command, right] of Object.entries({
  ROLE: 'role',
  PING: 'ping',
  INFO: 'info',
  COMMAND: 'command',
} as const))
  t.test(`a server without ${command} — is served — and the cost is told once`, { skip }, async t => {
    const scene = await start(t, [`rename-command ${command} ""`])
    const client = await connect(t, scene.holdfast)
    t.equal(await client.send('SET', 'k', 'v'), 'OK')
    await isToldOnce(t, scene, command, rights[right].cost)
    const opened = scene.holdfast.counters.linksOpened
    await ask(scene.node, ['CLIENT', 'KILL', 'TYPE', 'normal'])
    await waitUntil('there are new links', () => scene.holdfast.counters.linksOpened > opened, soon)
    t.equal(await client.send('GET', 'k'), 'v')
    t.strictSame(told(scene.holdfast), [command], 'once')
    t.equal(scene.holdfast.find('master.probe_refused'), undefined, 'and by no second line')
  })

t.test(
  'a server without CLIENT — is served after a lost link — and what cannot be ended is told once',
  { skip },
  async t => {
    const scene = await start(t, ['rename-command CLIENT HIDDEN'])
    const client = await connect(t, scene.holdfast)
    t.equal(await client.send('SET', 'k', 'v'), 'OK')
    for (let time = 0; time < 2; time++) {
      const opened = scene.holdfast.counters.linksOpened
      await ask(scene.node, ['HIDDEN', 'PAUSE', '60000', 'WRITE'])
      const held = client.send('APPEND', 'k', 'w')
      const waits = async (): Promise<boolean> => /flags=\S*b/.test(String(await ask(scene.node, ['HIDDEN', 'LIST'])))
      await waitUntil('the server has it', waits, soon)
      await ask(scene.node, ['HIDDEN', 'KILL', 'TYPE', 'normal'])
      await waitUntil('there are new links', () => scene.holdfast.counters.linksOpened > opened, soon)
      await ask(scene.node, ['HIDDEN', 'UNPAUSE'])
      t.type(await held, 'number')
    }
    await isToldOnce(t, scene, 'CLIENT KILL', rights['client|kill'].cost)
    t.equal(scene.holdfast.find('link.fence'), undefined, 'and not with each link')
  },
)

t.test('a server without CLIENT — cannot end a wait in a failover — which is told', { skip }, async t => {
  const scene = await start(t, ['rename-command CLIENT HIDDEN'], { 'retry-policy': 'safe' })
  const client = await connect(t, scene.holdfast)
  t.equal(await client.send('SET', 'k', 'v'), 'OK')
  const popped = client.send('BLPOP', 'list', '0')
  const waits = async (): Promise<boolean> => /flags=\S*b/.test(String(await ask(scene.node, ['HIDDEN', 'LIST'])))
  await waitUntil('it waits', waits, soon)
  const isToldSo = (): boolean => {
    scene.sentinel.publish('+try-failover', `master mymaster ${scene.node.host} ${scene.node.port}`)
    return told(scene.holdfast).length > 0
  }
  await waitUntil('it is told', isToldSo, { ...soon, everyMs: 300 })
  await isToldOnce(t, scene, 'CLIENT UNBLOCK', rights['client|unblock'].cost)
  await ask(scene.node, ['RPUSH', 'list', 'x'])
  await popped
})

t.test(
  'a server without SCRIPT — is served after a change of master — and the cost is told once',
  { skip },
  async t => {
    const scene = await start(t, ['rename-command SCRIPT ""'])
    const client = await connect(t, scene.holdfast)
    for (const n of [1, 2, 3]) t.equal(await client.send('EVAL', `return ${n}`, '0'), n)
    const from = scene.holdfast.log.length
    scene.sentinel.switchMaster({ host: scene.node.host, port: scene.node.port }, 2)
    await waitUntil('the new epoch is served', () => scene.holdfast.find('hold.end', from), soon)
    t.equal(await client.send('EVAL', 'return 7', '0'), 7)
    await isToldOnce(t, scene, 'SCRIPT LOAD', rights['script|load'].cost)
    t.equal(scene.holdfast.find('link.fence'), undefined)
  },
)

t.test('a server without SPUBLISH — refuses WAIT — and the cost is told once', { skip }, async t => {
  const scene = await start(t, ['rename-command SPUBLISH ""'])
  const client = await connect(t, scene.holdfast)
  t.equal(await client.send('SET', 'k', 'v'), 'OK')
  for (const _ of [1, 2]) t.match(await client.send('WAIT', '1', '10'), { message: /^ERR holdfast: .* need SPUBLISH/ })
  await isToldOnce(t, scene, 'SPUBLISH', rights.spublish.cost)
})

t.test('a server without what markers need — is served as under safe — and the command is named', { skip }, async t => {
  for (const unknown of [['MULTI'], ['MULTI', 'EXEC'], ['HSET'], ['HMGET'], ['EXPIRE']]) {
    const config = unknown.map(command => `rename-command ${command} ""`)
    const { holdfast } = await start(t, config, { 'retry-policy': 'once', 'hold-timeout': '2s' })
    const client = await connect(t, holdfast)
    const [command] = unknown
    t.equal(await client.send('SET', 'k', 'v'), 'OK', unknown.join())
    await waitUntil('it is told', () => holdfast.find('proof.without'), soon)
    t.match(holdfast.find('proof.without')?.['reply'], new RegExp(`unknown command.*${command}`))
  }
})

t.test('a server without WAIT — cannot be asked for replicas — which is told with what helps', { skip }, async t => {
  const options = { ack: 'replicated', 'hold-timeout': '2s' }
  const { holdfast, node } = await startSingle(t, {
    flavour: 'redis',
    serverConfig: ['rename-command WAIT ""'],
    options: { ...plain, ...options },
    expectedErrors: ['ack.tripped'],
  })
  const client = await connect(t, holdfast)
  t.match(await client.send('SET', 'k', 'v'), {
    message: /^TRYAGAIN holdfast: the master could not be asked .* not run/,
  })
  t.equal(await ask(node, ['GET', 'k']), null)
  t.match(holdfast.find('ack.refused'), { reply: /unknown command 'WAIT'/, msg: /rename-command/ })
})

for (const [command, policy] of [
  ['HELLO', 'always'],
  // Its MULTI works: each command behind it would get QUEUED, and nothing would run.
  ['EXEC', 'once'],
] as const)
  t.test(
    `a server without ${command} — gets no link under ${policy} — and the log says what helps`,
    { skip },
    async t => {
      const { holdfast } = await startSingle(t, {
        flavour: 'redis',
        serverConfig: [`rename-command ${command} ""`],
        options: { ...plain, 'hold-timeout': '2s', 'retry-policy': policy, 'redis-password': 'top-secret' },
        expectedErrors: ['gate.tripped'],
      })
      const client = await connect(t, holdfast)
      const says = /^TRYAGAIN holdfast: the server refuses .*link\.handshake.* was not run/
      t.match(await client.send('SET', 'k', 'v'), { message: says })
      const failed = holdfast.counters.detail.handshakesFailed.get('refused')
      const lines = holdfast.log.filter(({ event }) => event === 'link.handshake')
      t.ok(failed > lines.length, `${failed} failed, ${lines.length} lines`)
      t.match(holdfast.find('link.handshake'), {
        reply: new RegExp(`unknown command.*${command}`),
        msg: /without this command.*rename-command/,
      })
      t.notMatch(JSON.stringify(holdfast.log), /top-secret/, 'a server repeats what came with the command')
    },
  )

t.test('Sentinels without PSUBSCRIBE — are asked and heard by the names of channels', { skip }, async t => {
  const set = await SentinelSet.start({
    flavour: 'redis',
    replicas: 0,
    isExact: true,
    sentinels: 1,
    sentinelConfig: ['rename-command PSUBSCRIBE ""', 'rename-command CLIENT ""'],
  })
  t.teardown(() => set.stopAll())
  const holdfast = await startHoldfast(t, { sentinels: set.sentinelAddresses(), options: plain })
  const client = await connect(t, holdfast)
  t.equal(await client.send('PING'), 'PONG')
  t.equal(holdfast.find('sentinel.deaf'), undefined)
})
