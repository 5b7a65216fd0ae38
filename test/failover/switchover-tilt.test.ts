// A Sentinel that is in TILT accepts SENTINEL FAILOVER and does nothing: a switchover waits until that is over, while
// commands go on. TILT begins with a standstill of its host, which may come behind the check.
import t from 'tap'
import type { Plan } from '../../src/switchover/plan.ts'
import type { ProxyControl } from '../../src/switchover/proxy-hold.ts'
import { runSwitchover } from '../../src/switchover/run.ts'
import { hurry } from '../support/sentinel-pace.ts'
import { type Node, SentinelSet } from '../support/sentinel-set.ts'
import { tiltOf } from '../support/set-health.ts'
import { waitUntil } from '../support/wait-until.ts'

const TILT_MS = 8000

t.test('switchover — whose Sentinel stands still behind the check — holds nothing while that is in TILT', async t => {
  const set = await SentinelSet.start()
  t.teardown(() => set.stopAll())
  const [sentinel] = set.sentinels
  if (sentinel === undefined) throw new Error('a set of three')
  // The right moment comes once a second.
  await hurry(set.sentinels)
  await set.command(sentinel, 'SENTINEL', 'DEBUG', 'TILT-PERIOD', String(TILT_MS))
  const seen = (address: Node) => ({
    address,
    target: { route: { address, tls: null, keep: () => {} }, username: null, password: null },
  })
  const [master, ...candidates] = set.nodes.map(seen)
  const plan = { master, candidates, sentinel: { ...seen(sentinel), downAfterMs: 2000 } } as unknown as Plan

  await set.stop(sentinel)
  const isLate = performance.now() + 2500
  await waitUntil('it has stood still', () => performance.now() > isLate, { withinMs: 10_000 })
  await set.resume(sentinel)
  await waitUntil('it is in TILT', async () => (await tiltOf([sentinel])) !== null, { withinMs: 5000 })

  const stop = new AbortController()
  const said: string[] = []
  const outcome = await runSwitchover(plan, {
    masterName: set.masterName,
    proxy: { served: async () => ({ master: null, isConfirmed: false }) } as unknown as ProxyControl,
    timeoutMs: 10_000,
    signal: stop.signal,
    say: ({ name }) => {
      said.push(name)
      stop.abort()
    },
    sayWait: text => said.push(text),
  })
  t.equal(await tiltOf([sentinel]), null, 'it acts again')
  t.match(outcome, { kind: 'aborted', why: 'somebody stopped it', heldMs: null })
  t.strictSame(said, ['waits until the Sentinel leaves its TILT mode; commands go on', 'moment'])
})
