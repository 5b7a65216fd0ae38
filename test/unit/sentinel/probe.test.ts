import t from 'tap'
import { readProbe } from '../../../src/sentinel/probe.ts'
import type { Reply } from '../../../src/sentinel/sentinel-view.ts'
import type { ProbeResult } from '../../../src/sentinel/topology-state.ts'

const ok = (value: unknown): Reply => [null, value]
const says = (text: string): Reply => [Object.assign(new Error(text), { name: 'ReplyError' }), undefined]
const cut: Reply = [new Error('Connection is closed.'), undefined]
const master = ok(['master', 0, []])
const pong = ok('PONG')
const info = ok('# Server\r\nredis_version:8.0.2\r\nrun_id:abc123\r\ntcp_port:6379\r\n')

const vectors: [title: string, replies: Reply[], result: ProbeResult][] = [
  ['a master', [master, pong, info], { kind: 'master', runId: 'abc123' }],
  ['a master that does not tell INFO', [master, pong, says('NOPERM x')], { kind: 'master', runId: null }],
  ['a master whose disk is full', [master, says('MISCONF x'), info], { kind: 'master', runId: 'abc123' }],
  [
    'a replica',
    [ok(['slave', 'h', 6379, 'connected', 0]), pong, info],
    { kind: 'replica', of: { host: 'h', port: 6379 } },
  ],
  ['a node that loads', [master, says('LOADING x'), info], { kind: 'loading' }],
  ['no credentials', [says('NOAUTH x'), says('NOAUTH x'), says('NOAUTH x')], { kind: 'untold', why: 'NOAUTH x' }],
  ['no right to ROLE', [says('NOPERM x'), pong, info], { kind: 'untold', why: 'NOPERM x' }],
  ['a node busy with a script', [says('BUSY x'), says('BUSY x'), says('BUSY x')], { kind: 'untold', why: 'BUSY x' }],
  ['a Sentinel', [ok(['sentinel', ['m']]), pong, info], { kind: 'unreachable', why: 'it says its role is sentinel' }],
  [
    'a full node',
    [says('ERR max number of clients reached'), cut, cut],
    { kind: 'unreachable', why: 'ERR max number of clients reached', sign: 'turned-away' },
  ],
  [
    'a protected node',
    [says('DENIED Redis is running in protected mode'), cut, cut],
    { kind: 'unreachable', why: 'DENIED Redis is running in protected mode', sign: 'turned-away' },
  ],
  ['a cut connection', [cut, cut, cut], { kind: 'unreachable', why: 'Connection is closed.' }],
  ['a connection cut in the middle', [master, cut, cut], { kind: 'unreachable', why: 'Connection is closed.' }],
  ['nothing', [], { kind: 'unreachable', why: 'no answer' }],
]
for (const [title, replies, result] of vectors) {
  t.test(`probe — reads ${result.kind} — from ${title}`, async t => {
    t.strictSame(readProbe(replies), { result, refusedAuth: null })
  })
}

t.test('probe — tells that the password was refused — and what the node said all the same', async t => {
  const refused = says('WRONGPASS invalid username-password pair or user is disabled.')
  t.match(readProbe([master, pong, info], refused), { result: { kind: 'master' }, refusedAuth: /^WRONGPASS/ })
  t.match(readProbe([says('NOAUTH x'), says('NOAUTH x'), cut], refused), { result: { kind: 'untold' } })
})

t.test('probe — without AUTH no password can be given — the node says so, and repeats it', async t => {
  const secret = "with args beginning with: 'default' 'max number of clients' 'WRONGPASS' "
  const unknown = says(`ERR unknown command 'AUTH', ${secret}`)
  t.strictSame(readProbe([says('NOAUTH x'), says('NOAUTH x'), says('NOAUTH x')], unknown), {
    result: { kind: 'untold', why: "ERR unknown command 'AUTH'" },
    refusedAuth: null,
  })
})

t.test('probe — does not mind — when the node has no password at all', async t => {
  const unneeded = says('ERR AUTH <password> called without any password configured for the default user.')
  t.strictSame(readProbe([master, pong, info], unneeded).refusedAuth, null)
})
