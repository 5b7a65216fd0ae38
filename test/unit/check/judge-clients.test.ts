// What `holdfast check` says of the libraries that sessions name.
import t from 'tap'
import type { Evidence } from '../../../src/check/evidence.ts'
import { judgeClients } from '../../../src/check/judge-clients.ts'
import type { CheckSettings } from '../../../src/check/settings.ts'

const client = (library: string, version: string, sessions: number, toldOfHolds = 0) => ({
  ...{ library, version, sessions, toldOfHolds },
})

/** `level: text` of each finding. */
function said(
  clients: Evidence['clients'],
  { nodes = [], holdLimitMs = 60_000 }: { nodes?: [string, string][]; holdLimitMs?: number } = {},
): string[] {
  const evidence = { clients, clientsUnseen: null, nodes: [{ libraries: nodes }] } as unknown as Evidence
  const settings = { holdLimitMs } as CheckSettings
  return [...judgeClients(evidence, settings)].map(({ level, text }) => `${level}: ${text}`)
}

t.test('judgeClients — names libraries that give up in a hold — and how many sessions of each', async t => {
  const [ok, ...rest] = said([client('jedis', '8.0.2', 2), client('ioredis', '6.0.0', 3), client('', '', 1)])
  t.equal(ok, 'ok: 6 sessions at the proxy: jedis 8.0.2 (2), ioredis 6.0.0 (3), no name (1)')
  t.equal(rest.length, 1)
  t.match(rest[0], /^warning: 2 sessions of jedis 8\.0\.2: by default Jedis gives a command up after 2 s, .* 60 s here/)
})

t.test('judgeClients — tells those that are told of holds apart — they wait 10 s', async t => {
  const [, warning, note, ...more] = said([client('redis-py', '8.1.0', 5, 4)])
  t.match(warning, /^warning: 1 session of redis-py 8\.1\.0: by default redis-py gives a command up after 5 s/)
  t.match(note, /^note: 4 sessions of redis-py 8\.1\.0: told of holds, so a command is given up after 10 s, not 5 s/)
  t.strictSame(more, [])
  t.equal(said([client('redis-py', '8.1.0', 4, 4)], { holdLimitMs: 9000 }).length, 1, 'they outlast a hold of 9 s')
  t.equal(said([client('redis-py', '7.0.0', 4)]).length, 1, 'before version 8 it waits for ever')
})

t.test('judgeClients — counts a library once — that the proxy and a node name', async t => {
  t.equal(said([client('jedis', '8.0.2', 2)], { nodes: [['jedis', '8.0.2']] }).length, 2)
  t.match(
    said(null, {
      nodes: [
        ['redisson', '4.7.0'],
        ['redisson', '4.6.0'],
      ],
    }),
    [/^warning: by default Redisson/],
  )
  t.strictSame(said(null, { nodes: [['ioredis', '6.0.0']] }), [])
  t.strictSame(said([]), [], 'a proxy without clients')
})
