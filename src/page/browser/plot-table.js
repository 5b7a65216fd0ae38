// plot-table.js: the numbers of a plot as a table, for who does not see it: each of the last ten minutes in a row.
import { el, show, table } from './dom.js'
import { timeOf } from './format.js'

const MINUTE_MS = 60_000

/**
 * The lowest, the mean and the highest of each minute, the newest first. Pure.
 * @param {readonly number[]} times
 * @param {readonly (number | null)[]} column
 * @returns {{ readonly from: number, readonly low: number | null, readonly mean: number | null, readonly high: number | null }[]}
 */
export function minutesOf(times, column) {
  /** @type {Map<number, number[]>} */
  const minutes = new Map()
  for (const [i, time] of times.entries()) {
    const from = Math.floor(time / MINUTE_MS) * MINUTE_MS
    const values = minutes.get(from) ?? []
    minutes.set(from, values)
    const value = column[i]
    if (value !== null && value !== undefined) values.push(value)
  }
  return [...minutes].reverse().map(([from, values]) => {
    if (values.length === 0) return { from, low: null, mean: null, high: null }
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length
    return { from, low: Math.min(...values), mean, high: Math.max(...values) }
  })
}

export class PlotTable {
  #plot
  #place = el('div', { class: 'scroll', tabindex: '0' })
  #details

  /** @param {import('./plots.js').Plot} plot */
  constructor(plot) {
    this.#plot = plot
    this.#place.setAttribute('role', 'region')
    this.#place.setAttribute('aria-label', `${plot.title}, by minute`)
    const summary = el('summary', {}, 'Table', el('span', { class: 'unseen' }, ` of ${plot.title}`))
    this.#details = /** @type {HTMLDetailsElement} */ (el('details', { class: 'numbers' }, summary, this.#place))
    this.node = this.#details
    this.#details.addEventListener('toggle', () => this.#draw())
  }

  /** @type {readonly [readonly number[], readonly (readonly (number | null)[])[], number]} */
  #last = [[], [], 0]

  /**
   * @param {readonly number[]} times
   * @param {readonly (readonly (number | null)[])[]} columns
   * @param {number} now
   */
  update(times, columns, now) {
    this.#last = [times, columns, now]
    this.#draw()
  }

  /** Only what is open is kept up. */
  #draw() {
    if (!this.#details.open) return
    const [times, columns, now] = this.#last
    const { lines, format, title } = this.#plot
    const minutes = columns.map(column => minutesOf(times, column))
    show(this.#place, minutes, () => {
      const of = (/** @type {string} */ label) => (lines.length === 1 ? '' : `${label} `)
      const heads = lines.flatMap(({ label }) => [`${of(label)}lowest`, `${of(label)}mean`, `${of(label)}highest`])
      const text = (/** @type {number | null} */ value) => (value === null ? 'none' : format(value))
      const rows = (minutes[0] ?? []).map(({ from }, row) => [
        timeOf(from, now).slice(0, -3),
        ...minutes.flatMap(one => [
          text(one[row]?.low ?? null),
          text(one[row]?.mean ?? null),
          text(one[row]?.high ?? null),
        ]),
      ])
      return [table(`${title}, by minute`, ['minute', ...heads], rows, { numbers: [1, 2, 3, 4, 5, 6] })]
    })
  }
}
