// A part of the matrix, through a planned failover: ioredis and node-redis as programs of their own at both ports; and
// libraries of other languages at the Sentinel port, where the distribution's packages are installed (`npm run clients`
// installs them).
import t from 'tap'
import { without } from '../support/needs.ts'
import { settings } from '../support/settings.ts'
import { type Client, type Trial, trialName } from './client.ts'
import { clients } from './clients.ts'
import { unexpected } from './judge.ts'
import { runTrials } from './trials.ts'

/** By name, and what runs their programs. */
const others = {
  'redis-py': 'python3',
  'redis-rb': 'ruby',
  'redis-client': 'ruby',
  phpredis: 'php',
  predis: 'php',
} as const

const ownTrials = clients
  .filter(({ name }) => name === 'ioredis 6' || name === 'node-redis')
  .flatMap(client =>
    client.ways.filter(({ protocol }) => protocol === 3).map((way): Trial => ({ client, way, settings: 'default' })),
  )

/** Of each the newest protocol that it speaks with a Sentinel. */
const otherTrials: Trial[] = []
for (const [name, program] of Object.entries(others)) {
  const client = clients.find(one => one.name === name)
  const way = client?.ways.findLast(({ via }) => via === 'sentinel')
  if (client === undefined || way === undefined) throw new Error(`no such client: ${name}`)
  const skip = without(program) || absence(client)
  if (skip === false) otherTrials.push({ client, way, settings: 'recommended' })
  else t.test(`${name} at the Sentinel port`, { skip }, async () => {})
}

/** Why the library cannot be tried here; false: it can. */
function absence({ name, version }: Client): string | false {
  try {
    return version() === '' && `${name} is not installed`
  } catch {
    return `${name} is not installed`
  }
}

t.test('client libraries as programs — see nothing — of a planned failover', async t => {
  t.equal(ownTrials.length, 4, 'ioredis and node-redis, each at both ports')
  for (const { trial, handoffs, figures, problem } of await runTrials([...ownTrials, ...otherTrials], ['planned'])) {
    const name = trialName(trial)
    t.equal(problem, undefined, name)
    t.equal(figures.length, 1)
    for (const one of figures) {
      t.strictSame(unexpected(one, settings), [], `${name}: goes on, no error, no warning, no new connection`)
      t.match(one, { lost: 0, doubled: 0 }, name)
      t.comment(`${one.done} steps`)
    }
    t.equal(handoffs, trial.client.name === 'node-redis' ? 'told' : 'no', name)
  }
})
