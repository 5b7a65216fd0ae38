// tables.js: Sentinels and what each says, sessions by state and by library, links by user and database.
import { el, show, table } from './dom.js'
import { bytesOf, countOf, many } from './format.js'

/** @typedef {import('./data.js').Master} Master */

/** @param {Element} place @param {Master} master */
export function showSentinels(place, { sentinels, master }) {
  const rows = sentinels.each.map(each => ({ address: each.address, ...saying(each, master?.address ?? null) }))
  const { known, majority, reachable, dead, trouble } = sentinels
  const summary = `${reachable} of ${known} reachable; ${majority} make a majority${dead > 0 ? `; ${dead} dead` : ''}.`
  show(place, [rows, summary, trouble], () => [
    el('p', {}, summary),
    trouble === null ? null : el('p', { class: 'notice' }, trouble),
    table(
      'Sentinels and what each says',
      ['Sentinel', 'says'],
      rows.map(({ address, mark, text }) => [
        el('code', {}, address),
        el('span', {}, el('span', { class: `mark ${mark}` }, marks[mark]), ` ${text}`),
      ]),
    ),
  ])
}

const marks = /** @type {const} */ ({ good: 'agrees', wait: 'differs', bad: 'away' })

/**
 * @param {import('./data.js').Sentinel} each
 * @param {string | null} master
 * @returns {{ readonly mark: 'good' | 'wait' | 'bad', readonly text: string }}
 */
export function saying({ reachable, names, epoch, failover, error, flags }, master) {
  if (!reachable) return { mark: 'bad', text: error ?? 'cannot be reached' }
  if (names === null) return { mark: 'wait', text: 'names no master' }
  const doubts = /\b[so]_down\b/.test(flags ?? '') ? ', which it holds for down' : ''
  const under = failover === null ? '' : `, failover: ${failover}`
  const text = `${names}${epoch === null ? '' : `, epoch ${epoch}`}${doubts}${under}`
  return { mark: names === master && doubts === '' && failover === null ? 'good' : 'wait', text }
}

const states = /** @type {const} */ ({
  awaitingReplies: 'awaiting replies',
  idle: 'idle',
  subscribed: 'subscribed',
  inTransaction: 'in a transaction',
  monitoring: 'monitoring',
})

/** @param {Element} place @param {Master} master */
export function showSessions(place, { sessions, held, listening }) {
  const { open, accepted, refused, limit, toldOfHolds, libraries } = sessions
  const counts = Object.entries(states).map(([name, words]) => [words, sessions.states[name] ?? 0])
  const data = [sessions, held, listening]
  show(place, data, () => [
    el(
      'p',
      {},
      `${countOf(open)} open${limit > 0 ? ` of at most ${countOf(limit)}` : ''}, ${countOf(accepted)} since the start` +
        `${refused > 0 ? `, ${countOf(refused)} refused` : ''}. ${countOf(sessions.states['withOwnLink'] ?? 0)} with a link of ` +
        `their own, ${countOf(toldOfHolds)} told of holds.`,
    ),
    el(
      'p',
      { class: 'quiet' },
      `Held: ${many(held.requests, 'request')}, ${bytesOf(held.bytes)} of at most ${bytesOf(held.limitBytes)}. Listening at ${listening.join(', ')}.`,
    ),
    el(
      'div',
      { class: 'pair' },
      table(
        'Sessions by state',
        ['state', 'sessions'],
        counts.map(([words, count]) => [String(words), countOf(Number(count))]),
        { numbers: [1] },
      ),
      table(
        'Sessions by library',
        ['library', 'sessions'],
        libraries.length === 0
          ? [['none yet', '0']]
          : libraries.slice(0, MOST_ROWS).map(one => [nameOf(one), countOf(one.sessions)]),
        { numbers: [1] },
      ),
    ),
    libraries.length > MOST_ROWS
      ? el('p', { class: 'quiet' }, `and ${libraries.length - MOST_ROWS} libraries more`)
      : null,
  ])
}

const MOST_ROWS = 12

/** @param {import('./data.js').Library} library */
function nameOf({ library, version }) {
  return library === '' ? 'not named' : `${library} ${version}`.trim()
}

/** @param {Element} place @param {Master} master */
export function showLinks(place, { links }) {
  show(place, links, () => [
    el(
      'p',
      {},
      `${countOf(links.shared)} shared, ${countOf(links.private)} of one session each, ${countOf(links.idle)} idle` +
        `${links.dialing > 0 ? `, ${countOf(links.dialing)} being dialled` : ''}${links.retired > 0 ? `, ${countOf(links.retired)} retired` : ''}.`,
    ),
    table(
      'Links by user, database and protocol',
      ['identity', 'shared', 'own', 'idle', 'in flight', 'held'],
      links.identities
        .slice(0, MOST_ROWS)
        .map(one => [one.identity, ...[one.shared, one.private, one.idle, one.inFlight, one.waiting].map(countOf)]),
      { numbers: [1, 2, 3, 4, 5] },
    ),
    links.identities.length > MOST_ROWS
      ? el('p', { class: 'quiet' }, `and ${countOf(links.identities.length - MOST_ROWS + links.more)} identities more`)
      : null,
  ])
}
