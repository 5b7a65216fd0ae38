import t from 'tap'
import { encodeCommand } from '../../../src/resp/encode.ts'
import { Handshake } from '../../../src/upstream/handshake.ts'
import { createIdentity, describeIdentity } from '../../../src/upstream/identity.ts'
import { RespDecoder } from '../../support/resp-decoder.ts'

const nobody = createIdentity(null, null, 0, 2)
const lost = (clientId: number, address: string | null = null) => ({ clientId, address })
const nothing = { fence: [], scripts: [] }
const helloReply = (role: string): Buffer =>
  Buffer.from(`*4\r\n$2\r\nid\r\n:7\r\n$4\r\nrole\r\n$${role.length}\r\n${role}\r\n`)

function asked(handshake: Handshake): string[] {
  return new RespDecoder().push(handshake.bytes).map(({ value }) => (Array.isArray(value) ? value.join(' ') : ''))
}
function answer(handshake: Handshake, ...frames: (string | Buffer)[]): unknown {
  let last: unknown
  for (const text of frames) {
    const frame = Buffer.from(text)
    last = handshake.onFrame(frame, frame[0] ?? 0)
  }
  return last
}

const questions = [
  ['nobody', createIdentity(null, null, 0, 2), nothing, ['HELLO 2', 'PING']],
  ['the default user', createIdentity(null, 'pw', 0, 3), nothing, ['HELLO 3 AUTH default pw', 'PING']],
  [
    'a link that sessions share',
    createIdentity(null, 'pw', 0, 3),
    { ...nothing, name: 'holdfast-1f2e3d4c' },
    ['HELLO 3 AUTH default pw SETNAME holdfast-1f2e3d4c', 'PING'],
  ],
  [
    'a user in a database',
    createIdentity('u', 'pw', 5, 2),
    nothing,
    ['SELECT 5', 'HELLO 2 AUTH u pw', 'SELECT 5', 'PING'],
  ],
  [
    'a login without a name in a database',
    createIdentity(null, 'pw', 5, 2),
    nothing,
    ['HELLO 2 AUTH default pw', 'SELECT 5', 'PING'],
  ],
  [
    'a lane with links to end and scripts to load',
    createIdentity(null, null, 1, 2),
    { fence: [lost(3), lost(4, '127.0.0.1:5')], scripts: [encodeCommand(['SCRIPT', 'LOAD', 'return 1'])] },
    ['HELLO 2', 'CLIENT KILL ID 3', 'CLIENT KILL ID 4 ADDR 127.0.0.1:5', 'SELECT 1', 'PING', 'SCRIPT LOAD return 1'],
  ],
] as const
for (const [who, identity, first, expected] of questions) {
  t.test(`handshake — asks in this order — for ${who}`, async t => {
    t.strictSame(asked(new Handshake(identity, first, null)), expected)
  })
}

t.test('handshake — is ready — when a master has answered all', async t => {
  const handshake = new Handshake(nobody, nothing, null)
  t.equal(answer(handshake, helloReply('master')), 'more')
  t.equal(handshake.clientId, 7)
  t.equal(answer(handshake, '+PONG\r\n'), 'ready')
})

const failures = [
  ['a replica', [helloReply('replica')], 'not-master'],
  ['a slave, as older servers say', [helloReply('slave')], 'not-master'],
  ['a wrong password', ['-WRONGPASS invalid username-password pair or user is disabled.\r\n'], 'auth'],
  ['no right to HELLO', ["-NOPERM User u has no permissions to run the 'hello' command\r\n"], 'auth'],
  ['too many clients', ['-ERR max number of clients reached\r\n'], 'refused'],
  ['protected mode', ['-DENIED Redis is running in protected mode\r\n'], 'refused'],
  ['a protocol it does not know', ['-NOPROTO unsupported protocol version\r\n'], 'refused'],
  ['nonsense', ['+OK\r\n'], 'refused'],
  ['loading', [helloReply('master'), '-LOADING Redis is loading the dataset in memory\r\n'], 'not-ready'],
  ['a replica cut off', [helloReply('master'), '-MASTERDOWN Link with MASTER is down\r\n'], 'not-ready'],
] as const
for (const [what, frames, kind] of failures) {
  t.test(`handshake — fails as ${kind} — on ${what}`, async t => {
    const identity = createIdentity('u', 'pw', 0, 2)
    t.match(answer(new Handshake(identity, nothing, null), ...frames), { kind })
  })
}

const process = (runId: string): string => {
  const text = `# Server\r\nrun_id:${runId}\r\n`
  return `$${text.length}\r\n${text}\r\n`
}
const found = [
  ['is the one that was found to be good', process('abc'), 'more'],
  ['is another one', process('abd'), { kind: 'not-master', text: /another process/ }],
  ['does not let the user ask', "-NOPERM User u has no permissions to run the 'info' command\r\n", 'more'],
  ['runs a script for too long', '-BUSY Redis is busy running a script.\r\n', 'more'],
] as const
for (const [what, reply, outcome] of found) {
  t.test(`handshake — looks at the process of a replica — that ${what}`, async t => {
    const handshake = new Handshake(nobody, nothing, null, { role: 'replica', runId: 'abc' })
    t.match(answer(handshake, helloReply('replica'), reply), outcome)
  })
}

const noSelect = "-NOPERM User u has no permissions to run the 'select' command\r\n"
const early = [
  ['the connection may before it signs in', '+OK\r\n', noSelect, 'more'],
  ['the user may', '-NOAUTH Authentication required.\r\n', '+OK\r\n', 'more'],
  ['nobody may', '-NOAUTH Authentication required.\r\n', noSelect, { kind: 'auth' }],
] as const
for (const [who, before, behind, outcome] of early) {
  t.test(`handshake — is in its database as a named user — where ${who}`, async t => {
    const handshake = new Handshake(createIdentity('u', 'pw', 5, 2), nothing, null)
    t.match(answer(handshake, before, helloReply('master'), behind), outcome)
  })
}

t.test('handshake — sends a login alone — behind the answer to what goes before it', async t => {
  const handshake = new Handshake(createIdentity('u', 'pw', 5, 2), nothing, null)
  const words = (bytes: Buffer | null): string[] =>
    bytes === null
      ? []
      : new RespDecoder().push(bytes).map(({ value }) => (Array.isArray(value) ? value.join(' ') : ''))
  t.strictSame(words(handshake.takeBytes()), ['SELECT 5'])
  t.strictSame(words(handshake.takeBytes()), [])
  t.equal(answer(handshake, '+OK\r\n'), 'more')
  t.strictSame(words(handshake.takeBytes()), ['HELLO 2 AUTH u pw', 'SELECT 5', 'PING'])
  t.strictSame(words(handshake.takeBytes()), [])
})

t.test('handshake — is refused — where a node hangs up on the first word of a named user', async t => {
  const handshake = new Handshake(createIdentity('u', 'pw', 5, 2), nothing, null)
  t.match(answer(handshake, '-ERR max number of clients reached\r\n'), { kind: 'refused' })
})

t.test('handshake — hands on the very error of the node — when it refuses the identity', async t => {
  const line = '-WRONGPASS invalid username-password pair or user is disabled.\r\n'
  const found = answer(new Handshake(createIdentity('u', 'pw', 0, 2), nothing, null), line)
  t.match(found, { kind: 'auth', frame: Buffer.from(line) })
})

t.test('handshake — goes on without a login — where the node wants one and nobody has given one', async t => {
  const handshake = new Handshake(createIdentity(null, null, 3, 2), nothing, null)
  t.equal(answer(handshake, '-NOAUTH HELLO must be called with the client already authenticated\r\n'), 'more')
  t.equal(answer(handshake, '-NOAUTH Authentication required.\r\n', '-NOAUTH Authentication required.\r\n'), 'ready')
})

t.test('handshake — warns and goes on — when it may not end the old link or load a script', async t => {
  const first = { fence: [lost(3)], scripts: [encodeCommand(['SCRIPT', 'LOAD', 'x'])] }
  const handshake = new Handshake(nobody, first, null)
  t.equal(answer(handshake, helloReply('master'), '-ERR no\r\n'), 'more')
  t.match(handshake.warning, /could not end/)
  t.equal(answer(handshake, '+PONG\r\n', '-ERR no\r\n'), 'ready')
  t.match(handshake.warning, /could not be loaded/)
  t.strictSame(handshake.missing, [])
})

t.test('handshake — names the rights it lacks and goes on — when the user may not', async t => {
  const first = { fence: [lost(3)], scripts: [encodeCommand(['SCRIPT', 'LOAD', 'x'])] }
  const handshake = new Handshake(nobody, first, null)
  t.equal(answer(handshake, helloReply('master'), '-NOPERM no\r\n', '-NOPERM no\r\n', '-NOPERM no\r\n'), 'ready')
  t.strictSame(
    handshake.missing,
    ['client|kill', 'ping', 'script|load'].map(right => ({ right, lack: 'right' })),
  )
  t.equal(handshake.scriptsRefused, true)
  t.equal(handshake.warning, null)
})

t.test('handshake — a database that is out of range — refuses the identity', async t => {
  const handshake = new Handshake(createIdentity(null, null, 99, 2), nothing, null)
  t.match(answer(handshake, helloReply('master'), '-ERR DB index is out of range\r\n'), { kind: 'auth' })
})

t.test('handshake — gives the owner the replies to what it has added — until it has enough', async t => {
  const seen: string[] = []
  const handshake = new Handshake(nobody, nothing, {
    bytes: encodeCommand(['CLIENT', 'SETNAME', 'x']),
    onFrame: frame => seen.push(String(frame)) === 2,
  })
  t.strictSame(asked(handshake), ['HELLO 2', 'PING', 'CLIENT SETNAME x'])
  t.equal(answer(handshake, helloReply('master'), '+PONG\r\n', '+1\r\n'), 'more')
  t.equal(answer(handshake, '+2\r\n'), 'ready')
  t.strictSame(seen, ['+1\r\n', '+2\r\n'])
})

t.test('identity — has one key — exactly when everything is the same, and no secret in it', async t => {
  const all = [
    createIdentity(null, null, 0, 2),
    createIdentity(null, null, 0, 3),
    createIdentity(null, null, 1, 2),
    createIdentity(null, 'secret', 0, 2),
    createIdentity('u', 'secret', 0, 2),
    createIdentity('u', 'other', 0, 2),
    createIdentity('v', 'secret', 0, 2),
    createIdentity(null, '', 0, 2),
  ]
  t.equal(new Set(all.map(({ key }) => key)).size, all.length)
  t.equal(createIdentity('u', 'secret', 0, 2).key, createIdentity('u', 'secret', 0, 2).key)
  for (const identity of all) t.notMatch(`${identity.key} ${describeIdentity(identity)}`, /secret|other/)
})

const busy = '-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n'
t.test('handshake — is ready for SCRIPT KILL — on a node that answers BUSY to PING', async t => {
  t.equal(answer(new Handshake(nobody, nothing, null), helloReply('master'), busy), 'ready')
})

for (const [what, identity, first] of [
  ['a database cannot be chosen', createIdentity(null, null, 3, 2), nothing],
  ['an old link cannot be ended', nobody, { fence: [lost(3)], scripts: [] }],
] as const)
  t.test(`handshake — is neither refused nor ready — when a script runs and ${what}`, async t => {
    t.match(answer(new Handshake(identity, first, null), helloReply('master'), busy), { kind: 'busy', text: /^BUSY / })
  })
