// A part of the matrix: ioredis and node-redis as programs of their own, through a planned failover.
import t from 'tap'
import { saysUnproven } from '../support/settings.ts'
import { type Trial, trialName } from './client.ts'
import { clients } from './clients.ts'
import { complaints } from './judge.ts'
import { runTrials } from './trials.ts'

t.test('ioredis and node-redis as programs — see nothing — of a planned failover', async t => {
  const trials = clients
    .filter(({ name }) => name === 'ioredis 6' || name === 'node-redis')
    .flatMap(client =>
      client.ways.filter(({ protocol }) => protocol === 3).map((way): Trial => ({ client, way, settings: 'default' })),
    )
  t.equal(trials.length, 4, 'each at both ports')
  for (const { trial, handoffs, figures, problem } of await runTrials(trials, ['planned'])) {
    const name = trialName(trial)
    t.equal(problem, undefined, name)
    t.equal(figures.length, 1)
    for (const one of figures) {
      t.strictSame(
        complaints(one).filter(text => !(text.includes(' pop: ') && saysUnproven(text))),
        [],
        `${name}: no error, no warning, no new connection`,
      )
      t.match(one, { lost: 0, doubled: 0 }, name)
      t.ok(one.done > 100, `${one.done} steps`)
    }
    t.equal(handoffs, trial.client.name === 'node-redis' ? 'told' : 'no', name)
  }
})
