// The page: each half of a run renews its own part, and leaves the other as it is.
import t from 'tap'
import { armOf, arms, promisedIn } from './arms.ts'
import { faults } from './faults.ts'
import { type Facts, writeCells, writeSummary } from './report.ts'
import type { Arm, Figures, Trial } from './types.ts'

const whole: Figures = {
  done: 7,
  connectionErrors: 0,
  errors: {},
  lost: 0,
  lostOutside: 0,
  doubled: 0,
  reordered: 0,
  untrue: 0,
  stray: 0,
  unanswered: 0,
  pauseMs: 40,
  afterMajorityMs: null,
  examples: [],
}

function trial(fault: string, arm: Arm, change: Partial<Figures> = {}, load: 'single' | 'blocking' = 'single'): Trial {
  const { policy, isReplicated } = promisedIn(arm)
  const cells = [{ fault, server: 'redis', policy, load, figures: { ...whole, ...change } }] as const
  return { fault, server: 'redis', policy, isReplicated, seed: 1, tookMs: 1, strayWrites: 0, cells, violations: [] }
}

const facts: Facts = {
  faults: faults.filter(({ name }) => name === 'kill' || name === 'planned'),
  when: '2026-01-02T00:00:00Z',
  seed: 1,
  rounds: 1,
  node: 'v24',
  cpus: 2,
  servers: ['redis 8'],
}

t.test('arms — are each a policy and what confirms a write', async t => {
  for (const arm of arms) t.equal(armOf(promisedIn(arm)), arm)
  t.strictSame(promisedIn('replicated'), { policy: 'once', isReplicated: true })
})

t.test('the page — has a row of each arm — and a reason for what is not zero', async t => {
  const plain = [trial('kill', 'always'), trial('kill', 'safe', { errors: { UNKNOWN: 3 } })]
  const page = writeSummary('', plain, facts)
  t.match(page, /\| kill \| .* \| 7 \/ 7 \| 0 \| 0 \| 0 \/ 3 \| 0 \| 40 \| - \|/)
  t.match(page, /- UNKNOWN: .*`safe` says so.* \(kill\)/)

  const proven = [
    trial('kill', 'once', { errors: { APPLIED: 2 }, pauseMs: 50 }),
    trial('kill', 'replicated'),
    trial('planned', 'once'),
    trial('planned', 'replicated', { pauseMs: 60 }),
  ]
  const both = writeSummary(page, proven, facts)
  t.match(both, /\| kill \| 0 \| 0 \| 0 \| 2 \/ 0 \| 0 \| 0 \| 50 \/ 40 \|/)
  t.match(both, 'Nothing but a pause, ms: planned (40 / 60).')
  t.match(both, '7 / 7 | 0 | 0 | 0 / 3', 'what the other half found stays')
  t.equal(writeSummary(both, plain, facts), both, 'and the other way round')
  t.equal(writeSummary('', [...plain, ...proven], facts), both, 'both at once')
})

t.test('the page — calls a loss by name — that only a reply without replicas may have', async t => {
  const lost = (arm: Arm): string => writeCells([trial('kill', arm, { lost: 1 })], facts)
  t.match(lost('once'), /- lost: replication is asynchronous/)
  t.match(lost('replicated'), '**lost, single, replicated: not allowed.**')
})
