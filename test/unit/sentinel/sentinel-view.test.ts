import t from 'tap'
import { type Reply, readAnswer, readPeers } from '../../../src/sentinel/sentinel-view.ts'

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

t.test('answer — is a view — when both addresses agree', async t => {
  t.strictSame(readAnswer([old, ok(fields()), old], 10, 12), {
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
  const flags = { flags: 'master,failover_in_progress', 'failover-state': 'reconf_slaves', 'config-epoch': 5 }
  const answer = readAnswer([young, ok(fields(flags)), young], 0, 1)
  t.match(answer, {
    kind: 'view',
    view: { address: { port: 6380 }, listed: { port: 6379 }, epoch: 5, failover: 'promoted' },
  })
})

const stages: [state: string | undefined, stage: string][] = [
  ['wait_start', 'try'],
  ['select_slave', 'elected'],
  ['send_slaveof_noone', 'elected'],
  ['wait_promotion', 'elected'],
  ['reconf_slaves', 'promoted'],
  ['update_config', 'promoted'],
  [undefined, 'elected'],
]
for (const [state, stage] of stages) {
  t.test(`answer — is at stage ${stage} — when failover-state is ${state}`, async t => {
    const extra = { flags: 'master,failover_in_progress', ...(state !== undefined && { 'failover-state': state }) }
    t.match(readAnswer([old, ok(fields(extra)), old], 0, 1), { kind: 'view', view: { failover: stage } })
  })
}

t.test('answer — ignores failover-state — when the flag is not set', async t => {
  const answer = readAnswer([old, ok(fields({ 'failover-state': 'wait_start' })), old], 0, 1)
  t.match(answer, { kind: 'view', view: { failover: null } })
})

t.test('answer — is torn — when the address changed in between', async t => {
  t.strictSame(readAnswer([old, ok(fields()), young], 0, 1), { kind: 'torn' })
})

t.test('answer — says the name is unknown — when there is no address', async t => {
  t.strictSame(readAnswer([ok(null), bad('ERR No such master with that name'), ok(null)], 0, 1), {
    kind: 'unknown-name',
  })
})

const failures: [title: string, replies: Reply[], why: string][] = [
  ['the first fails', [bad('NOAUTH'), ok(fields()), old], 'NOAUTH'],
  ['SENTINEL MASTER is not allowed', [old, bad('NOPERM'), old], 'NOPERM'],
  ['the last fails', [old, ok(fields()), bad('Command timed out')], 'Command timed out'],
  ['nothing came', [], 'no answer'],
  ['it is no Sentinel', [ok('PONG'), ok('PONG'), ok('PONG')], 'the answer is not one of a Sentinel'],
  ['the port is none', [ok(['h', '0']), ok(fields()), ok(['h', '0'])], 'the answer is not one of a Sentinel'],
  ['the epoch is none', [old, ok(fields({ 'config-epoch': 'x' })), old], 'the answer is not one of a Sentinel'],
]
for (const [title, replies, why] of failures) {
  t.test(`answer — failed — when ${title}`, async t => {
    t.strictSame(readAnswer(replies, 0, 1), { kind: 'failed', why })
  })
}

t.test('peers — are read with run id and address — and unreadable entries are left out', async t => {
  const good = ['name', 'x', 'ip', '10.0.0.9', 'port', '26379', 'runid', 'abc']
  const dead = ['ip', '10.0.0.7', 'port', '26379', 'runid', 'old', 'flags', 's_down,sentinel,disconnected']
  t.strictSame(readPeers([good, dead, ['ip', '10.0.0.8', 'port', '26379', 'runid', ''], 'junk', ['odd']]), [
    { runId: 'abc', address: { host: '10.0.0.9', port: 26379 }, down: false },
    { runId: 'old', address: { host: '10.0.0.7', port: 26379 }, down: true },
  ])
  t.strictSame(readPeers(null), [])
})
