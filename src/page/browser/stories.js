// stories.js: the last failovers and holds as a time line, each opened to its story, step by step.
import { el, show, svg, table } from './dom.js'
import { countOf, lengthOf, many, timeOf } from './format.js'

/** @typedef {import('./data.js').Story} Story */

const kinds = /** @type {Readonly<Record<string, string>>} */ ({ failover: 'Failover', hold: 'Hold', start: 'Start' })
/** A pause is called by who asked for it. */
const pauses = /** @type {Readonly<Record<string, string>>} */ ({ switchover: 'Switchover', drill: 'Drill' })
const stepWords = /** @type {Readonly<Record<string, string>>} */ ({
  'link-lost': 'lost',
  announced: 'announced',
  held: 'held',
  cause: 'still held',
  chosen: 'chosen',
  aborted: 'given up',
  majority: 'majority',
  confirmed: 'confirmed',
  tripped: 'tripped',
  drained: 'drained',
  paused: 'paused',
  empty: 'empty',
  resumed: 'resumed',
})

/**
 * Stories that were opened stay open; a story is known by the moment of its beginning.
 * @param {Element} place
 * @param {readonly Story[]} stories  newest first
 * @param {number} now
 */
export function showStories(place, stories, now) {
  show(place, stories, () => {
    const open = new Set([...place.querySelectorAll('details[open]')].map(node => node.getAttribute('data-at')))
    const focused = document.activeElement?.closest('details')?.getAttribute('data-at') ?? null
    const nodes = stories.map(story => storyNode(story, now, open.has(story.at)))
    // The summary that had the focus is a new one now.
    if (focused !== null)
      requestAnimationFrame(() => {
        const again = nodes.find(node => node.getAttribute('data-at') === focused)
        again?.querySelector('summary')?.focus({ preventScroll: true })
      })
    return nodes.length === 0 ? [el('p', { class: 'quiet' }, 'None since the start.')] : nodes
  })
}

/**
 * @param {Story} story
 * @param {number} now
 * @param {boolean} isOpen
 */
function storyNode(story, now, isOpen) {
  const { at, kind, heldMs, counts } = story
  const verb = kind === 'pause' ? 'paused' : 'held'
  const held = heldMs === null ? `${verb} now` : `${verb} ${lengthOf(heldMs)}`
  const sent = counts === null || counts.drained === 0 ? '' : `${many(counts.drained, 'request')} sent`
  const summary = el(
    'summary',
    {},
    el('time', { datetime: at }, timeOf(at, now)),
    el('strong', {}, titleOf(story)),
    el('span', { class: 'way' }, wayOf(story)),
    el('span', { class: 'number' }, held),
    el('span', { class: 'number' }, sent),
  )
  const details = el(
    'details',
    { class: `story ${kind}`, 'data-at': at, ...(isOpen && { open: '' }) },
    summary,
    storyBody(story),
  )
  return details
}

/** @param {Story} story */
export function titleOf({ kind, cause }) {
  return kind === 'pause' ? (pauses[cause] ?? 'Pause') : (kinds[kind] ?? kind)
}

/** From where to where, where that is not the same. @param {Story} story */
export function wayOf({ kind, from, to }) {
  if (from === null) return to ?? 'no master yet'
  const isAnother = kind === 'failover' || (kind === 'pause' && to !== null && to !== from)
  return isAnother ? `${from} to ${to}` : from
}

/** @param {Story} story */
function storyBody(story) {
  const { steps, cause, kind } = story
  return el(
    'div',
    { class: 'body' },
    timeLine(story),
    el(
      'div',
      { class: 'pair' },
      table(
        kind === 'pause' ? `Steps of a pause for ${cause}` : `Steps of a hold caused by ${cause}`,
        ['after', 'step', 'what happened'],
        steps.map(({ ms, kind, text }) => [
          ms < 0 ? `${countOf(-ms)} ms before` : `${countOf(ms)} ms`,
          stepWords[kind] ?? kind,
          text,
        ]),
      ),
      countsTable(story),
    ),
  )
}

/** @param {Story} story */
function countsTable({ counts, heldMs, drainMs, linksLost, cause, kind }) {
  const isPause = kind === 'pause'
  const rows = /** @type {(readonly [string, string])[]} */ ([
    isPause ? ['asked for by', cause] : ['cause', cause],
    isPause
      ? ['paused for', heldMs === null ? 'still paused' : lengthOf(heldMs)]
      : ['gate shut for', heldMs === null ? 'still shut' : lengthOf(heldMs)],
    ['then sending took', drainMs === null ? 'not over' : lengthOf(drainMs)],
  ])
  if (!isPause) rows.push(['links lost', countOf(linksLost)])
  if (counts !== null) {
    rows.push(
      ['requests sent out of it', countOf(counts.drained)],
      ['longest wait of one', lengthOf(counts.longestMs)],
      ['sent again', countOf(counts.resent)],
      ['waited in vain', countOf(counts.expired)],
      ['blocking, timed out', countOf(counts.timedOut)],
      ['outcome unknown', countOf(counts.unknownOutcomes)],
    )
  }
  return table('What it cost', ['what', 'how much'], rows, { numbers: [1] })
}

const WIDTH = 1000

/** The steps where they were in time; the table beside it says the same in words. @param {Story} story */
function timeLine({ steps, heldMs, drainMs }) {
  const first = Math.min(0, ...steps.map(({ ms }) => ms))
  const last = Math.max((heldMs ?? 0) + (drainMs ?? 0), 1, ...steps.map(({ ms }) => ms))
  const x = (/** @type {number} */ ms) => 10 + ((ms - first) / (last - first)) * (WIDTH - 20)
  const held = svg('rect', { x: x(0), y: 9, width: Math.max(2, x(heldMs ?? last) - x(0)), height: 8, class: 'held' })
  const drained =
    heldMs === null || drainMs === null
      ? []
      : [
          svg('rect', {
            x: x(heldMs),
            y: 9,
            width: Math.max(2, x(heldMs + drainMs) - x(heldMs)),
            height: 8,
            class: 'drained',
          }),
        ]
  const ticks = steps.map(({ ms, kind }) => svg('line', { x1: x(ms), x2: x(ms), y1: 4, y2: 22, class: `tick ${kind}` }))
  const line = svg('line', { x1: 10, x2: WIDTH - 10, y1: 13, y2: 13, class: 'axis' })
  return svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} 26`, preserveAspectRatio: 'none', class: 'time-line', 'aria-hidden': 'true' },
    line,
    held,
    ...drained,
    ...ticks,
  )
}
