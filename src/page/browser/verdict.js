// verdict.js: the present in one sentence: what Holdfast does, since when, and what it waits for. Pure.
import { lengthOf, many, timeOf } from './format.js'

/**
 * @typedef {object} Verdict
 * @property {'good' | 'wait' | 'bad'} tone
 * @property {string} word      the state in a word, so that it is not told by colour alone
 * @property {string} sentence
 * @property {string} detail    '' where there is nothing to add
 */

/** Why the gate is shut, and what opens it. */
const causes = /** @type {Readonly<Record<string, readonly [why: string, until: string]>>} */ ({
  starting: ['Holdfast has just started', 'the Sentinels to name a master and the node to confirm it'],
  'failover-announced': ['a Sentinel announces a failover', 'a majority of the Sentinels to name the new master'],
  'master-moved': ['the Sentinels name another master', 'that node to confirm that it is master'],
  'not-master': ['the node says that it is no master any more', 'the Sentinels to name the new one'],
  'master-unreachable': ['the master cannot be reached', 'it to answer, or the Sentinels to elect another'],
  'master-loading': ['the master is loading its data', 'it to finish'],
  'no-majority': ['no majority of the Sentinels names a master', 'enough Sentinels to be reachable and to agree'],
  'stood-still': ['this process stood still for a while', 'the Sentinels to confirm the master'],
})

/**
 * @param {import('./data.js').Master} master
 * @param {{ readonly time: number, readonly stopping: boolean }} present
 * @returns {Verdict}
 */
export function verdictOf(master, { time, stopping }) {
  const verdict = verdictOfGate(master, time)
  if (!stopping) return verdict
  const detail = `Holdfast is stopping: it serves open sessions and takes no new ones. ${verdict.detail}`.trim()
  return { ...verdict, tone: verdict.tone === 'bad' ? 'bad' : 'wait', detail }
}

/**
 * @param {import('./data.js').Master} one
 * @param {number} time
 * @returns {Verdict}
 */
function verdictOfGate(one, time) {
  const { gate, master, held } = one
  const address = master?.address ?? 'no master'
  const since = timeOf(gate.since, time)
  const [why, until] = causes[gate.cause ?? ''] ?? [gate.cause ?? 'the control plane says so', 'it to be over']
  switch (gate.state) {
    case 'open':
      if (one.pause) return pausedVerdict(one, one.pause, time)
      return servingVerdict(one, `Serving ${address} since ${since}`)
    case 'draining': {
      // After a standstill the master is confirmed, and what waits is sent when the pause is over.
      if (one.pause) return pausedVerdict(one, one.pause, time)
      const sentence = `${address} is master: sending what was held, ${many(held.requests, 'request')} to go.`
      return { tone: 'wait', word: 'Sending', sentence, detail: '' }
    }
    case 'tripped': {
      const sentence = `No master since ${since}: commands fail at once, because others waited for the whole hold time.`
      return {
        tone: 'bad',
        word: 'Failing',
        sentence,
        detail: `${sentenceOf(why)} Waiting for ${until}. ${told(gate.detail)}`.trim(),
      }
    }
    default: {
      const word = gate.cause === 'starting' ? 'Starting' : 'Holding'
      const sentence = `Holding ${many(held.requests, 'request')} since ${since} (${lengthOf(gate.forMs)}): ${why}.`
      return { tone: 'wait', word, sentence, detail: `Waiting for ${until}. ${told(gate.detail)}`.trim() }
    }
  }
}

/**
 * @param {import('./data.js').Master} one
 * @param {NonNullable<import('./data.js').Master['pause']>} pause
 * @param {number} time
 * @returns {Verdict}
 */
function pausedVerdict({ held, master }, { by, state, forMs, endsInMs, inFlight }, time) {
  const since = timeOf(time - forMs, time)
  const sentence = `Holding ${many(held.requests, 'request')} since ${since} (${lengthOf(forMs)}): ${by} has paused all sending to ${master?.address ?? 'the master'}.`
  const left = state === 'emptying' ? ` ${many(inFlight.requests + inFlight.blocked, 'request')} still in flight.` : ''
  return {
    tone: 'wait',
    word: 'Paused',
    sentence,
    detail: `It ends by itself in ${lengthOf(endsInMs)} at the latest.${left}`,
  }
}

/**
 * @param {import('./data.js').Master} one
 * @param {string} beginning
 * @returns {Verdict}
 */
function servingVerdict({ master, sentinels }, beginning) {
  const { known, trouble } = sentinels
  const agree = agreeing(sentinels.each, master?.address ?? '')
  const sentence = `${beginning}; ${agree} of ${known} Sentinels agree.`
  if (trouble !== null)
    return { tone: 'bad', word: 'Serving', sentence, detail: `No failover can be followed: ${trouble}` }
  const missing = sentinels.each.filter(each => !each.reachable).length
  const others = sentinels.each.filter(each => each.reachable && each.names !== null && each.names !== master?.address)
  const remarks = [
    missing > 0 ? `${many(missing, 'Sentinel')} cannot be reached.` : '',
    others.length > 0
      ? `${many(others.length, 'Sentinel')} ${others.length === 1 ? 'names' : 'name'} another master.`
      : '',
  ]
  const detail = remarks.filter(text => text !== '').join(' ')
  return { tone: detail === '' ? 'good' : 'wait', word: 'Serving', sentence, detail }
}

/**
 * One that is reached by two addresses counts once.
 * @param {readonly import('./data.js').Sentinel[]} each
 * @param {string} address
 */
export function agreeing(each, address) {
  const those = each.filter(one => one.reachable && one.names === address)
  return new Set(those.map(one => one.runId ?? one.address)).size
}

/**
 * `Held 1.9 s at 14:03:12, 40 requests sent after it`
 * @param {readonly import('./data.js').Story[]} stories  newest first
 * @param {number} now
 */
export function lastFailover(stories, now) {
  const last = stories.find(({ kind, drainMs }) => kind === 'failover' && drainMs !== null)
  if (last === undefined) return 'No failover since the start.'
  const sent = last.counts === null ? '' : `, ${many(last.counts.drained, 'request')} sent after it`
  return `Last failover at ${timeOf(last.at, now)}: commands were held for ${lengthOf(last.heldMs ?? 0)}${sent}.`
}

/** @param {string} text */
function sentenceOf(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

/** @param {string | null} detail */
function told(detail) {
  return detail === null || detail === '' ? '' : `Last heard: ${detail}.`
}
