// master.js: the verdicts, one for each master, and which master the rest of the page is about.
import { el, setText } from './dom.js'
import { lastFailover, verdictOf } from './verdict.js'

/** Where the chosen master stands in the address, so that a page can be passed on and opened again. */
const HASH = '#master='

export class Verdicts {
  #place
  #onChoose
  /** @type {{ name: string, node: HTMLElement, word: HTMLElement, sentence: HTMLElement, detail: HTMLElement, live: HTMLElement }[]} */
  #rows = []
  chosen = 0

  /** @param {HTMLElement} place @param {() => void} onChoose */
  constructor(place, onChoose) {
    this.#place = place
    this.#onChoose = onChoose
  }

  /** @param {import('./data.js').Data} data */
  update({ present, stories }) {
    if (present === null) return
    const { masters } = present
    const names = masters.map(({ masterName }) => masterName)
    if (names.join() !== this.#rows.map(({ name }) => name).join()) this.#build(names)
    for (const [i, master] of masters.entries()) {
      const row = this.#rows[i]
      if (row === undefined) continue
      const { tone, word, sentence, detail } = verdictOf(master, present)
      row.node.className = `verdict ${tone}${i === this.chosen ? ' chosen' : ''}`
      setText(row.word, word)
      setText(row.sentence, sentence)
      const last = master.gate.state === 'open' ? lastFailover(stories[i] ?? [], present.time) : ''
      setText(row.detail, [detail, last].filter(text => text !== '').join(' '))
      // Numbers change each second; what is said aloud is only that the state is another.
      const said = `${masters.length > 1 ? `${master.masterName}: ` : ''}${word}. ${sentence
        .replace(/ \(.*?\)/, '')
        .replace(/Holding [\d,]+ requests?/, 'Holding requests')
        .replace(/[\d,]+ requests? to go/, 'requests to go')}`
      setText(row.live, said)
    }
  }

  /** @param {readonly string[]} names */
  #build(names) {
    const wanted = location.hash.startsWith(HASH) ? decodeURIComponent(location.hash.slice(HASH.length)) : ''
    this.chosen = Math.max(0, names.indexOf(wanted))
    const isAlone = names.length === 1
    this.#rows = names.map((name, i) => {
      const word = el('span', { class: 'word' })
      const sentence = el('p', { class: 'sentence' })
      const detail = el('p', { class: 'detail' })
      const live = el('p', { class: 'unseen', 'aria-live': 'polite' })
      const title = isAlone ? el('span', { class: 'name' }, name) : this.#chooser(name, i)
      const node = el(
        'div',
        { class: 'verdict' },
        el('div', { class: 'state' }, word, title),
        el('div', {}, sentence, detail),
        live,
      )
      return { name, node, word, sentence, detail, live }
    })
    this.#place.replaceChildren(...this.#rows.map(({ node }) => node))
  }

  /** @param {string} name @param {number} index */
  #chooser(name, index) {
    const button = el('button', { type: 'button', class: 'name', 'aria-pressed': String(index === this.chosen) }, name)
    button.addEventListener('click', () => {
      this.chosen = index
      history.replaceState(null, '', `${HASH}${encodeURIComponent(name)}`)
      for (const [i, row] of this.#rows.entries()) {
        row.node.querySelector('button')?.setAttribute('aria-pressed', String(i === index))
        row.node.classList.toggle('chosen', i === index)
      }
      this.#onChoose()
    })
    return button
  }
}
