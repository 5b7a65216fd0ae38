// page-reader.js: what runs inside the browser of a test: reads the page as a person would (browser.ts calls it).

/** @param {string} selector @param {ParentNode} [of] */
const text = (selector, of = document) => of.querySelector(selector)?.textContent ?? ''
/** @param {string} selector */
const all = selector => [...document.querySelectorAll(selector)]
/** @param {Element} node */
const row = node =>
  [...node.children]
    .map(child => child.textContent?.trim() ?? '')
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim()
/** @param {Element | undefined} table */
const rows = table =>
  [...(table?.querySelectorAll('tbody tr') ?? [])].map(line => [...line.children].map(cell => cell.textContent ?? ''))

Object.assign(globalThis, {
  pageReader: {
    read: () => ({
      connection: text('#connection'),
      verdicts: all('.verdict').map(node => ({
        word: text('.word', node),
        sentence: text('.sentence', node),
        detail: text('.detail', node),
      })),
      told: all('.verdict [aria-live]').map(node => node.textContent ?? ''),
      values: Object.fromEntries(all('.plot').map(node => [node.id.replace('plot-', ''), text('.value', node)])),
      sentinels: all('#sentinels tbody tr').map(row),
      sessions: text('#sessions'),
      stories: all('.story summary').map(row),
      replicas: /** @type {HTMLElement | null} */ (document.querySelector('#replicas-card'))?.hidden
        ? null
        : all('#replicas tbody tr').map(row),
    }),
    /** @param {number} at */
    story: at => {
      const [steps, counts] = document.querySelectorAll('.story')[at]?.querySelectorAll('table') ?? []
      return { steps: rows(steps), counts: Object.fromEntries(rows(counts)) }
    },
    findings: async () => {
      const { axe } = /** @type {any} */ (globalThis)
      const { violations } = await axe.run()
      return violations.flatMap((/** @type {any} */ { id, nodes }) =>
        nodes.map((/** @type {any} */ { html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
      )
    },
  },
})
