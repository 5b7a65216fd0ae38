// What is held against a replica that may be promoted, and what becomes of the connections of the master.
import t from 'tap'
import { readSettings } from '../../../src/cli/switchover-flags.ts'
import { kindOf, readClients, throughOf } from '../../../src/switchover/client-rows.ts'
import { judgeTargets } from '../../../src/switchover/judge-target.ts'
import { knowsCoordinated } from '../../../src/switchover/look.ts'
import type { Plan } from '../../../src/switchover/plan.ts'
import { readReplication } from '../../../src/switchover/replication.ts'
import type { MaxLag } from '../../../src/switchover/settings.ts'
import type { NodeSight } from '../../../src/switchover/sight.ts'

function node(port: number, info: string): NodeSight {
  const address = { host: '10.0.0.1', port }
  return {
    address,
    target: { route: { address, tls: null, keep: () => {} }, username: null, password: null },
    isMaster: info.startsWith('role:master'),
    denied: [],
    unknown: [],
    replication: readReplication(info),
    usedMemory: 1000,
    settings: {},
    users: null,
    functions: null,
    scripts: 0,
    ownHost: '',
    clients: [],
  }
}

const masterInfo = (lag = 0): string =>
  'role:master\r\nconnected_slaves:1\r\n' +
  `slave0:ip=10.0.0.1,port=2,state=online,offset=900,lag=${lag}\r\nmaster_repl_offset:100000\r\n`
const replicaInfo = (offset: number, link = 'up'): string =>
  `role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:1\r\nmaster_link_status:${link}\r\n` +
  `slave_repl_offset:${offset}\r\nmaster_repl_offset:${offset}\r\n`

function idsOf(master: NodeSight, target: NodeSight, maxLag: MaxLag = { bytes: 1000 }): string[] {
  const settings = { ...readSettings('switchover', { on: new Set(), texts: new Map(), words: [] }, []), maxLag }
  const plan = { master, candidates: [target], target } as unknown as Plan
  return judgeTargets(plan, settings).map(({ id }) => id)
}

t.test('target — is held back — by its distance in bytes', async t => {
  t.strictSame(idsOf(node(1, masterInfo()), node(2, replicaInfo(99_000))), ['ok'])
  t.strictSame(idsOf(node(1, masterInfo()), node(2, replicaInfo(98_999))), ['target.lag'])
  t.strictSame(idsOf(node(1, masterInfo()), node(2, replicaInfo(100_500))), ['ok'], 'it was asked later')
})

t.test('target — is held back — by the time since its last word', async t => {
  t.strictSame(idsOf(node(1, masterInfo(3)), node(2, replicaInfo(100_000)), { ms: 3000 }), ['ok'])
  t.strictSame(idsOf(node(1, masterInfo(4)), node(2, replicaInfo(100_000)), { ms: 3000 }), ['target.lag'])
  t.strictSame(idsOf(node(1, masterInfo(1)), node(2, replicaInfo(100_000)), { ms: 10 }), ['ok'], 'whole seconds')
})

t.test('target — that does not say how far it is — has the cause and what helps named', async t => {
  const silent = { ...node(2, ''), replication: null }
  const wordsOf = (target: NodeSight): string => {
    const settings = readSettings('switchover', { on: new Set(), texts: new Map(), words: [] }, [])
    const plan = { master: node(1, masterInfo()), candidates: [target], target } as unknown as Plan
    const found = judgeTargets(plan, settings).find(({ id }) => id === 'target.role')
    return `${found?.text}; ${found?.remedy}`
  }
  t.match(wordsOf({ ...silent, denied: ['info'] }), /our user may not run INFO; ACL SETUSER default \+info/)
  t.match(wordsOf({ ...silent, unknown: ['info'] }), /does not know INFO; .*rename-command/)
  t.match(wordsOf(silent), /does not say how far it is; see what holdfast check says/)
})

t.test('target — is held back — by a link that is down, and by another role', async t => {
  t.strictSame(idsOf(node(1, masterInfo()), node(2, replicaInfo(100_000, 'down'))), ['target.link'])
  t.strictSame(idsOf(node(1, masterInfo()), node(2, masterInfo())), ['target.role'])
})

t.test('client — is told apart — by what CLIENT LIST shows', async t => {
  const line = (more: string): string => `id=7 addr=10.0.0.9:5 name= idle=0 flags=N user=app lib-name= lib-ver= ${more}`
  const kinds: readonly [string, string][] = [
    ['cmd=get', 'other'],
    ['cmd=set', 'writer'],
    ['cmd=exec', 'writer'],
    ['cmd=evalsha', 'writer'],
    ['cmd=xadd', 'writer'],
    ['cmd=json.set', 'writer'],
    ['cmd=blpop', 'writer'],
    ['cmd=subscribe', 'other'],
    ['cmd=publish', 'other'],
    ['cmd=client|list', 'other'],
    ['cmd=NULL', 'other'],
    ['cmd=set name=holdfast-1f2e3d4c', 'holdfast'],
    ['cmd=set id=8', 'holdfast'],
    ['cmd=set addr=10.0.0.8:7', 'probable'],
    ['cmd=role name=holdfast-watcher', 'holdfast'],
    ['cmd=client|setname name=holdfast-replicas', 'holdfast'],
    ['cmd=replconf flags=S', 'servers'],
    ['cmd=ping name=sentinel-01234567-cmd', 'servers'],
  ]
  const through = { own: new Set(['8']), hosts: new Set(['10.0.0.8']), others: 1 }
  for (const [more, kind] of kinds) {
    const [client] = readClients(line(more))
    t.equal(client && kindOf(client, through), kind, more)
  }
})

t.test('Holdfasts — are counted — by their names, and where they share no link by their watchers', async t => {
  const list = [
    'id=1 addr=10.0.0.1:5 name=holdfast-00000001 cmd=set',
    'id=2 addr=10.0.0.1:6 name=holdfast-watcher cmd=role',
    'id=3 addr=10.0.0.2:7 name=holdfast-00000002 cmd=get',
    'id=4 addr=10.0.0.2:8 name=holdfast-00000002 cmd=get',
    'id=5 addr=10.0.0.3:9 name=holdfast-watcher cmd=role',
    'id=6 addr=10.0.0.4:9 name= cmd=get',
  ].join('\n')
  const { others, hosts } = throughOf(
    { clients: readClients(list), ownHost: '10.0.0.1' },
    new Set(),
    'holdfast-00000001',
  )
  t.equal(others, 2)
  t.strictSame([...hosts].sort(), ['10.0.0.2', '10.0.0.3'])
})

t.test('COORDINATED — is known — by Valkey 9 and later alone', async t => {
  t.equal(knowsCoordinated('redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.0.0\r\n'), true)
  t.equal(knowsCoordinated('valkey_version:10.1.0\r\n'), true)
  t.equal(knowsCoordinated('redis_version:7.2.4\r\nvalkey_version:8.1.1\r\n'), false)
  t.equal(knowsCoordinated('redis_version:9.0.0\r\n'), false)
})
