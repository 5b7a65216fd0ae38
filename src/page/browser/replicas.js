// replicas.js: the replicas that clients read from (--replica-listen): what each is good for, how far it is behind.
import { el, show, table } from './dom.js'
import { countOf, lengthOf, many } from './format.js'

/** What `condition` of /status means (src/replicas/condition.ts). */
export const conditions = /** @type {Readonly<Record<string, readonly ['good' | 'wait' | 'bad', string, string]>>} */ ({
  good: ['good', 'good', ''],
  behind: ['wait', 'behind', 'its sessions stay until another is good'],
  unknown: ['wait', 'unknown', 'it has not answered yet'],
  'replica-unreachable': ['bad', 'away', 'it does not answer'],
  'replica-lagging': ['bad', 'lags', 'it is behind by more than it may be'],
  'replica-promoted': ['wait', 'promoted', 'it is master, or about to be'],
  'replica-cut-off': ['wait', 'cut off', 'it does not follow the master; its sessions stay until another is good'],
  'replica-loading': ['bad', 'loads', 'it has no data to read yet'],
  'replica-unlisted': ['bad', 'unlisted', 'no majority of the Sentinels lists it'],
})
/** What `reads` of a group says while none is good. */
const elsewhere = /** @type {Readonly<Record<string, string>>} */ ({
  master: 'read from the master, because no replica is good',
  held: 'are held, because no replica is good',
  refused: 'are refused, because no replica is good',
})

/** @param {Element} place @param {import('./data.js').Replicas} replicas */
export function showReplicas(place, replicas) {
  const rows = replicas.nodes.map(({ address, condition, lagMs, sessions }) => ({
    address,
    condition,
    lag: lagOf(lagMs),
    sessions,
  }))
  const summary = summaryOf(replicas)
  show(place, [rows, summary], () => [
    el('p', {}, summary),
    table(
      'Replicas and what each is good for',
      ['replica', 'condition', 'behind', 'sessions'],
      rows.map(({ address, condition, lag, sessions }) => {
        const [tone, word, why] = conditions[condition] ?? ['wait', condition, '']
        const mark = el('span', { class: `mark ${tone}` }, word)
        return [el('code', {}, address), el('span', {}, mark, why === '' ? '' : ` ${why}`), lag, countOf(sessions)]
      }),
      { numbers: [2, 3] },
    ),
  ])
}

/** @param {import('./data.js').Replicas} replicas */
export function summaryOf({ nodes, groups, sessions, heldRequests }) {
  const good = nodes.filter(({ condition }) => condition === 'good').length
  const strayed = Object.entries(elsewhere).map(([reads, words]) => {
    const count = groups.filter(one => one.reads === reads).reduce((sum, one) => sum + one.sessions, 0)
    return count === 0 ? '' : ` ${countOf(count)} of them ${words}.`
  })
  const held = heldRequests === 0 ? '' : ` ${many(heldRequests, 'request')} held.`
  return `${good} of ${nodes.length} good; ${many(sessions, 'session')}.${strayed.join('')}${held}`
}

/** At most so far; to the tenth of a second, as what is finer changes with each look. @param {number | null} lagMs */
function lagOf(lagMs) {
  if (lagMs === null) return 'unknown'
  return lagMs < 60_000 ? `${(Math.ceil(lagMs / 100) / 10).toFixed(1)} s` : lengthOf(lagMs)
}
