import t from 'tap'
import { type Reply, readAnswer, readPeers, viewAfterSwitch } from '../../../src/sentinel/sentinel-view.ts'

const fields = (extra: Record<string, string | number> = {}): unknown =>
  Object.entries({
    name: 'mymaster',
    ip: '10.0.0.1',
    port: '6379',
    flags: 'master',
    'config-epoch': '4',
    'num-other-sentinels': '2',
    'failover-timeout': '60000',
    ...extra,
  }).flat()
const ok = (value: unknown): Reply => [null, value]
const bad = (text: string): Reply => [new Error(text), undefined]
const old = ok(['10.0.0.1', '6379'])
const young = ok(['10.0.0.2', '6380'])
const inFailover = (state: string | undefined): Record<string, string> => ({
  flags: 'master,failover_in_progress',
  ...(state !== undefined && { 'failover-state': state }),
})

t.test('answer — is a view of one reply — while no failover is decided', async t => {
  t.strictSame(readAnswer(ok(fields()), null, 10, 12), {
    kind: 'view',
    view: {
      askedAt: 10,
      answeredAt: 12,
      address: { host: '10.0.0.1', port: 6379 },
      epoch: 4,
      listed: { host: '10.0.0.1', port: 6379 },
      failover: null,
      flags: 'master',
      knownSentinels: 3,
      quorum: 1,
      failoverTimeoutMs: 60_000,
    },
  })
})

t.test('answer — takes the address of get-master-addr — when the leader still lists the old one', async t => {
  const replies = ok(fields({ ...inFailover('reconf_slaves'), 'config-epoch': 5 }))
  t.strictSame(readAnswer(replies, null, 0, 1), { kind: 'promoted' }, 'the new epoch and the old address make no pair')
  t.match(readAnswer(replies, young, 0, 1), {
    kind: 'view',
    view: { address: { port: 6380 }, listed: { port: 6379 }, epoch: 5, failover: 'promoted' },
  })
})

const stages: [state: string, stage: string][] = [
  ['none', 'try'],
  ['wait_start', 'try'],
  ['select_slave', 'elected'],
  ['send_slaveof_noone', 'elected'],
  ['wait_promotion', 'elected'],
]
for (const [state, stage] of stages) {
  t.test(`answer — is at stage ${stage} — when failover-state is ${state}`, async t => {
    t.match(readAnswer(ok(fields(inFailover(state))), null, 0, 1), { kind: 'view', view: { failover: stage } })
  })
}

for (const state of ['update_config', 'a_new_one', undefined]) {
  t.test(`answer — needs the address as well — when failover-state is ${state}`, async t => {
    const reply = ok(fields(inFailover(state)))
    t.strictSame(readAnswer(reply, null, 0, 1), { kind: 'promoted' })
    t.match(readAnswer(reply, young, 0, 1), { kind: 'view', view: { address: { port: 6380 }, failover: 'promoted' } })
    const same = readAnswer(reply, old, 0, 1)
    if (state === 'update_config') t.strictSame(same, { kind: 'torn' }, 'the two replies do not fit')
    else t.match(same, { kind: 'view', view: { address: { port: 6379 }, failover: 'elected' } })
  })
}

t.test('answer — ignores failover-state — when the flag is not set', async t => {
  const answer = readAnswer(ok(fields({ 'failover-state': 'wait_start' })), null, 0, 1)
  t.match(answer, { kind: 'view', view: { failover: null } })
})

t.test('answer — is torn — when the address changed behind SENTINEL MASTER', async t => {
  t.strictSame(readAnswer(ok(fields()), young, 0, 1), { kind: 'torn' })
  t.strictSame(readAnswer(ok(fields()), ok(null), 0, 1), { kind: 'torn' })
  t.match(readAnswer(ok(fields()), old, 0, 1), { kind: 'view' }, 'both give the same one')
})

t.test('answer — says the name is unknown — when the Sentinel says so', async t => {
  t.strictSame(readAnswer(bad('ERR No such master with that name'), null, 0, 1), { kind: 'unknown-name' })
})

const failures: [title: string, master: Reply, current: Reply | null, why: string][] = [
  ['it fails', bad('NOAUTH'), null, 'NOAUTH'],
  ['GET-MASTER-ADDR-BY-NAME is not allowed', ok(fields(inFailover('reconf_slaves'))), bad('NOPERM'), 'NOPERM'],
  ['nothing came', bad('no answer'), null, 'no answer'],
  ['it is no Sentinel', ok('PONG'), null, 'the answer is not one of a Sentinel'],
  ['the port is none', ok(fields({ port: 0 })), null, 'the answer is not one of a Sentinel'],
  ['the other port is none', ok(fields()), ok(['h', '0']), 'the answer is not one of a Sentinel'],
  ['the epoch is none', ok(fields({ 'config-epoch': 'x' })), null, 'the answer is not one of a Sentinel'],
]
for (const [title, master, current, why] of failures) {
  t.test(`answer — failed — when ${title}`, async t => {
    t.strictSame(readAnswer(master, current, 0, 1), { kind: 'failed', why })
  })
}

t.test('view — follows a published move — with the lowest epoch that it can have', async t => {
  const answer = readAnswer(ok(fields()), null, 10, 12)
  const view = answer.kind === 'view' ? answer.view : null
  const [from, to] = [
    { host: '10.0.0.1', port: 6379 },
    { host: '10.0.0.2', port: 6380 },
  ]
  t.match(viewAfterSwitch(view, from, to, 20), {
    address: to,
    listed: to,
    epoch: 5,
    askedAt: 20,
    answeredAt: 20,
    isPublished: true,
  })
  t.equal(viewAfterSwitch(view, to, from, 20), view, 'a move away from another address is none of this configuration')
  t.equal(viewAfterSwitch(view, from, from, 20), view)
  t.equal(viewAfterSwitch(null, from, to, 20), null, 'its epoch was never heard')
})

t.test('peers — are read with run id and address — and unreadable entries are left out', async t => {
  const good = ['name', 'x', 'ip', '10.0.0.9', 'port', '26379', 'runid', 'abc']
  const dead = ['ip', '10.0.0.7', 'port', '26379', 'runid', 'old', 'flags', 's_down,sentinel,disconnected']
  t.strictSame(readPeers([good, dead, ['ip', '10.0.0.8', 'port', '26379', 'runid', ''], 'junk', ['odd']]), [
    { runId: 'abc', address: { host: '10.0.0.9', port: 26379 }, down: false },
    { runId: 'old', address: { host: '10.0.0.7', port: 26379 }, down: true },
  ])
  t.strictSame(readPeers(null), [])
})
