import { pino } from 'pino'
import t from 'tap'
import { type Named, ShortTimeouts } from '../../../../src/client/accept/short-timeouts.ts'
import { Bugs } from '../../../../src/ops/bugs.ts'
import { libraryOf } from '../../../../src/ops/client-libraries.ts'
import { createCounters } from '../../../../src/ops/counters.ts'
import { createLog, type Log } from '../../../../src/ops/log.ts'
import { Gate } from '../../../../src/relay/gate.ts'
import { waitUntil } from '../../../support/wait-until.ts'

const master = { host: 'h', port: 1, epoch: 1, runId: 'r' }
const session = (libName: string, libVersion: string, pending = 1): Named => ({
  pending,
  state: { libName, libVersion },
})

t.test('libraries — are known by the name they give, with a suffix or without', async t => {
  t.equal(libraryOf('jedis(redis-om-spring_v1.0.0)', '7.1.0')?.timeoutMs, 2000)
  t.equal(libraryOf('Lettuce', '7.7.0')?.timeoutMs, 60_000)
  t.equal(libraryOf('go-redis(,go1.24)', '9.1')?.timeoutMs, 3000)
  t.equal(libraryOf('redis-py', '8.1.0')?.timeoutMs, 5000)
  for (const [name, version] of [
    ['redis-py', '7.2.0'],
    ['redis-py', ''],
    ['jedisx', '1'],
    ['ioredis', '6.0.0'],
    ['', ''],
  ] as const)
    t.equal(libraryOf(name, version), null, `${name} ${version}`)
})

/** As the lanes of this gate have it. */
function lanesOf(gate: Gate): { readonly heldSince: number | null; readonly holdLimitMs: number } {
  return {
    get heldSince() {
      return gate.master === null ? gate.state.since : null
    },
    holdLimitMs: 60_000,
  }
}
const parts = (log: Log) => ({ log, bugs: new Bugs(log, createCounters()) })

t.test('short time-outs — are told once for each library — when a hold outlasts them', async t => {
  const lines: Record<string, unknown>[] = []
  const log = pino({ level: 'debug' }, { write: (text: string) => lines.push(JSON.parse(text)) })
  const told = new Set<number>()
  const gate = new Gate(0, () => {})
  const sessions = new Map<number, Named>([
    [1, session('redisson', '4.7.0')],
    [2, session('redisson', '4.7.0')],
    [3, session('jedis', '8.0.2', 0)],
    [4, session('ioredis', '6.0.0')],
  ])
  const watch = new ShortTimeouts(sessions, lanesOf(gate), { ...parts(log), isTold: id => told.has(id) })
  watch.look(2999)
  t.strictSame(lines, [], 'the hold is shorter than 3 s')
  watch.look(3000)
  t.equal(lines.length, 1)
  t.match(lines[0], { level: 40, event: 'client.short_timeout', library: 'Redisson', defaultMs: 3000, sessions: 2 })
  t.match(lines[0], {
    msg: /by default Redisson gives a command up after 3 s, .*wait 60 s here.*runs when a master is back.*--hold-timeout/,
  })
  watch.look(9000)
  t.equal(lines.length, 1, 'once; an idle session waits for nothing')
  sessions.set(3, session('jedis', '8.0.2'))
  gate.move({ kind: 'serve', master }, 9001)
  watch.look(20_000)
  t.equal(lines.length, 1, 'the gate is not shut')
  gate.move({ kind: 'hold', cause: 'link-lost' }, 20_000)
  watch.look(21_999)
  t.equal(lines.length, 1)
  watch.look(22_000)
  t.match(lines[1], { library: 'Jedis', heldMs: 2000 })
  sessions.set(5, session('lettuce', '7.7.0')).set(6, session('go-redis(,go1.24)', '9.0.0'))
  told.add(6)
  watch.look(29_999)
  t.equal(lines.length, 2, 'who was told of the hold waits 10 s')
  watch.look(30_000)
  t.match(lines[2], { library: 'go-redis', heldMs: 10_000 })
})

t.test('an exception in what is said of them — costs that line — and never the process', async t => {
  const counters = createCounters()
  const log = createLog('silent')
  const broken: Named = {
    get pending(): number {
      throw new Error('a bug')
    },
    state: { libName: 'redisson', libVersion: '4.7.0' },
  }
  const gate = new Gate(0, () => {})
  const bugs = new Bugs(log, counters)
  const watch = new ShortTimeouts(new Map([[1, broken]]), lanesOf(gate), { log, bugs, isTold: () => false })
  watch.start()
  t.teardown(() => watch.stop())
  // The timer keeps no process alive: waiting does.
  await waitUntil('it is counted', () => counters.bugs > 1, { withinMs: 5000 })
})
