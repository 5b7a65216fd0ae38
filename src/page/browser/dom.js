// dom.js: elements in few words. Text always goes in as text, so nothing that a client names can become markup.

/** @typedef {Node | string | null} Child */

/**
 * @param {string} tag
 * @param {Readonly<Record<string, string>>} [attributes]
 * @param {...Child} children  null is left out
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value)
  for (const child of children) if (child !== null) node.append(child)
  return node
}

const svgSpace = 'http://www.w3.org/2000/svg'

/**
 * @param {string} tag
 * @param {Readonly<Record<string, string | number>>} [attributes]
 * @param {...Node} children
 * @returns {SVGElement}
 */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(svgSpace, tag)
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value))
  node.append(...children)
  return node
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const node = document.getElementById(id)
  if (node === null) throw new Error(`the page has no #${id}`)
  return node
}

/**
 * A screen reader says again what is written again: text that stays is left alone.
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text
}

/** @type {WeakMap<Element, string>} */
const shown = new WeakMap()

/**
 * Puts children in place of those there are, when `data` is another than last time: what stays keeps its focus.
 * @param {Element} node
 * @param {unknown} data
 * @param {() => readonly Child[]} build
 */
export function show(node, data, build) {
  const key = JSON.stringify(data)
  if (shown.get(node) === key) return
  shown.set(node, key)
  node.replaceChildren(...build().filter(child => child !== null))
}

/**
 * @param {string} caption  for screen readers
 * @param {readonly string[]} heads
 * @param {readonly (readonly Child[])[]} rows  the first cell of each is its heading
 * @param {{ readonly numbers?: readonly number[] }} [options]  columns that are set to the right
 */
export function table(caption, heads, rows, { numbers = [] } = {}) {
  const of = (/** @type {number} */ i) => (numbers.includes(i) ? { class: 'number' } : {})
  return el(
    'table',
    {},
    el('caption', { class: 'unseen' }, caption),
    el('thead', {}, el('tr', {}, ...heads.map((head, i) => el('th', { scope: 'col', ...of(i) }, head)))),
    el(
      'tbody',
      {},
      ...rows.map(cells =>
        el(
          'tr',
          {},
          ...cells.map((cell, i) => el(i === 0 ? 'th' : 'td', { ...(i === 0 && { scope: 'row' }), ...of(i) }, cell)),
        ),
      ),
    ),
  )
}
