// plots.js: the five plots of the last ten minutes, with uPlot. Times in which the gate was shut are hatched in all.
import { KEPT_MS } from './data.js'
import { el, setText } from './dom.js'
import { countOf, timeOf, waitOf } from './format.js'
import { PlotTable } from './plot-table.js'
import uPlot from './uplot.js'

/**
 * @typedef {object} Plot
 * @property {string} id
 * @property {string} title
 * @property {string} about     in the words of a legend
 * @property {readonly { readonly name: string, readonly label: string }[]} lines  columns, at most two
 * @property {(value: number) => string} format
 * @property {number} least     the scale goes at least up to here
 */

/** @type {readonly Plot[]} */
export const plots = [
  {
    id: 'commands',
    title: 'Commands a second',
    about: '',
    lines: [{ name: 'commands', label: 'commands' }],
    format: countOf,
    least: 10,
  },
  {
    id: 'held',
    title: 'Held',
    about: 'requests that wait for a master',
    lines: [{ name: 'held', label: 'held' }],
    format: countOf,
    least: 4,
  },
  {
    id: 'in-flight',
    title: 'In flight',
    about: 'requests sent and not answered',
    lines: [{ name: 'inFlight', label: 'in flight' }],
    format: countOf,
    least: 4,
  },
  {
    id: 'wait',
    title: 'Wait of what was held',
    about: '● p50, ○ p99 dashed',
    lines: [
      { name: 'waitP50', label: 'p50' },
      { name: 'waitP99', label: 'p99' },
    ],
    format: waitOf,
    least: 10,
  },
  {
    id: 'delay',
    title: 'Event loop delay',
    about: 'the longest of each second',
    lines: [{ name: 'delayMs', label: 'delay' }],
    format: waitOf,
    least: 10,
  },
]

const HEIGHT = 108
/** A young program does not hide in a corner: the drawing begins with its first sample, at most so near, ms. */
const SHORTEST_MS = 60_000
const DASHES = [5, 4]

/** One plot: its heading with the last value, the drawing, the table beside it. */
class PlotView {
  /** @type {uPlot | null} */
  #chart = null
  /** @type {Plot} */
  #plot
  #value = el('output', { class: 'value' })
  #box = el('div', { class: 'chart', role: 'img' })
  #table
  /** Rows as uPlot wants them: seconds, then the lines. @type {any[]} */
  #rows = [[], []]
  /** @type {readonly (number | null)[]} */
  #gate = []
  #now = 0

  /** @param {Plot} plot */
  constructor(plot) {
    this.#plot = plot
    this.#table = new PlotTable(plot)
    const about = plot.about === '' ? null : el('span', { class: 'about' }, plot.about)
    this.node = el(
      'figure',
      { class: 'card plot', id: `plot-${plot.id}` },
      el('figcaption', {}, el('h3', {}, plot.title), about, this.#value),
      this.#box,
      this.#table.node,
    )
  }

  /**
   * @param {readonly number[]} times
   * @param {readonly (readonly (number | null)[])[]} columns
   * @param {readonly (number | null)[]} gate
   * @param {number} now
   */
  update(times, columns, gate, now) {
    this.#rows = [times.map(time => time / 1000), ...columns]
    this.#gate = gate
    this.#now = now
    if (this.#chart === null) this.draw()
    else this.#chart.setData(this.#rows)
    this.#tell(null)
    this.#table.update(times, columns, now)
    this.#box.setAttribute(
      'aria-label',
      `${this.#plot.title}: ${this.#value.textContent}. The table below has the numbers.`,
    )
  }

  /** Anew, in the colours and the width of now. */
  draw() {
    const width = this.#box.clientWidth
    if (width === 0) return
    this.#chart?.destroy()
    const chart = new uPlot(this.#options(width), this.#rows, this.#box)
    // What it draws is in the table; to a screen reader the drawing is one image.
    chart.root.setAttribute('aria-hidden', 'true')
    this.#chart = chart
  }

  resize() {
    const width = this.#box.clientWidth
    if (this.#chart !== null && width > 0 && width !== this.#chart.width) this.#chart.setSize({ width, height: HEIGHT })
    else if (this.#chart === null) this.draw()
  }

  /** The values under the pointer, or the last. @param {number | null} index */
  #tell(index) {
    const at = index ?? this.#rows[0].length - 1
    const texts = this.#plot.lines.map(({ label }, i) => {
      const value = this.#rows[i + 1]?.[at]
      const text = value === null || value === undefined ? 'none' : this.#plot.format(value)
      return this.#plot.lines.length === 1 ? text : `${label} ${text}`
    })
    const same = new Set(texts).size === 1 && texts.length > 1
    const isNone = texts.every(text => text.endsWith('none'))
    const when = index === null ? '' : `${timeOf((this.#rows[0][at] ?? 0) * 1000, this.#now)}  `
    setText(this.#value, `${when}${isNone ? 'none' : same ? texts[0] : texts.join(' · ')}`)
  }

  /** @param {number} width @returns {uPlot.Options} */
  #options(width) {
    const style = getComputedStyle(document.documentElement)
    const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim()
    const { lines, format, least } = this.#plot
    const font = `11px ${colour('--font')}`
    const grid = { stroke: colour('--grid'), width: 1 }
    return {
      width,
      height: HEIGHT,
      padding: [6, 8, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: 'plots' }, points: { size: 6 }, drag: { x: false, y: false }, y: false },
      scales: {
        x: { time: true, range: () => [this.#from() / 1000, this.#now / 1000] },
        y: {
          range: (/** @type {any} */ _, /** @type {number} */ _low, /** @type {number} */ high) => [
            0,
            Math.max(least, (high ?? 0) * 1.08),
          ],
        },
      },
      axes: [
        {
          stroke: colour('--quiet'),
          grid: { show: false },
          ticks: { show: false },
          font,
          size: 20,
          gap: 2,
          space: 64,
          values: clockMarks,
        },
        {
          stroke: colour('--quiet'),
          grid,
          ticks: { show: false },
          font,
          size: 58,
          gap: 8,
          space: 26,
          values: (/** @type {any} */ _, /** @type {number[]} */ marks) => marks.map(format),
        },
      ],
      series: [
        {},
        ...lines.map((_, i) => ({
          stroke: colour(i === 0 ? '--line' : '--line-2'),
          width: 1.5,
          dash: i === 0 ? [] : DASHES,
          fill: lines.length === 1 ? colour('--line-fill') : 'transparent',
          // A value alone between two gaps is only a point, and must not be told by its colour alone.
          points: {
            show: lines.length > 1,
            size: i === 0 ? 4 : 8,
            fill: i === 0 ? colour('--line') : 'transparent',
          },
          spanGaps: false,
        })),
      ],
      hooks: {
        drawClear: [(/** @type {uPlot} */ chart) => this.#hatch(chart, colour('--hatch'))],
        setCursor: [(/** @type {uPlot} */ chart) => this.#tell(chart.cursor.idx ?? null)],
      },
    }
  }

  #from() {
    const first = (this.#rows[0][0] ?? 0) * 1000
    return Math.min(Math.max(first, this.#now - KEPT_MS), this.#now - SHORTEST_MS)
  }

  /** Behind the lines: each time in which the gate was not open. @param {any} chart @param {string} colour */
  #hatch(chart, colour) {
    const { ctx, bbox } = chart
    const [times] = this.#rows
    ctx.save()
    ctx.beginPath()
    for (let i = 0; i < times.length; i++) {
      if (!this.#gate[i]) continue
      const from = chart.valToPos(times[Math.max(0, i - 1)], 'x', true)
      const to = chart.valToPos(times[i], 'x', true)
      ctx.rect(from, bbox.top, Math.max(2, to - from), bbox.height)
    }
    ctx.clip()
    ctx.strokeStyle = colour
    ctx.lineWidth = Math.max(1, devicePixelRatio)
    ctx.beginPath()
    const step = 5 * devicePixelRatio
    for (let x = bbox.left - bbox.height; x < bbox.left + bbox.width; x += step) {
      ctx.moveTo(x, bbox.top + bbox.height)
      ctx.lineTo(x + bbox.height, bbox.top)
    }
    ctx.stroke()
    ctx.restore()
  }
}

/** Half of `14:03` or `14:03:07`, px. */
const HALF = { coarse: 14, fine: 26 }
/** Nearer to the left edge a mark would write over the numbers there, px; on the right is the padding of the plot. */
const AIR = { left: 8, right: -8 }

/** @param {uPlot} chart @param {number[]} marks  seconds */
function clockMarks(chart, marks) {
  const isFine = marks.some(mark => mark % 60 !== 0)
  const half = isFine ? HALF.fine : HALF.coarse
  const width = chart.bbox.width / devicePixelRatio
  return marks.map(mark => {
    const at = chart.valToPos(mark, 'x')
    if (at < half + AIR.left || at > width - half - AIR.right) return ''
    const date = new Date(mark * 1000)
    const parts = [date.getHours(), date.getMinutes(), ...(isFine ? [date.getSeconds()] : [])]
    return parts.map(part => String(part).padStart(2, '0')).join(':')
  })
}

export class Plots {
  #views = plots.map(plot => new PlotView(plot))

  /** @param {HTMLElement} place */
  constructor(place) {
    place.append(...this.#views.map(({ node }) => node))
    new ResizeObserver(() => {
      for (const view of this.#views) view.resize()
    }).observe(place)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      for (const view of this.#views) view.draw()
    })
  }

  /**
   * @param {import('./data.js').Data} data
   * @param {number} master
   */
  update(data, master) {
    const columns = data.masters[master] ?? {}
    const now = data.times.at(-1) ?? Date.now()
    const gate = columns['gate'] ?? []
    for (const [i, { lines }] of plots.entries()) {
      const rows = lines.map(({ name }) => (name === 'delayMs' ? data.delayMs : (columns[name] ?? [])))
      this.#views[i]?.update(data.times, rows, gate, now)
    }
  }
}
