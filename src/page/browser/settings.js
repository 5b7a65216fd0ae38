// settings.js: the configuration as it is in force, without secrets: they never leave the program.
import { el, show, table } from './dom.js'
import { lengthOf } from './format.js'

/**
 * @param {Element} place
 * @param {Readonly<Record<string, any>>} config
 */
export function showSettings(place, config) {
  show(place, config, () => {
    const { masters, ...common } = config
    const ofEach = Object.entries(masters ?? {})
    return [
      el(
        'details',
        {},
        el('summary', {}, 'All settings'),
        settingsTable('Settings of the program', common),
        ...ofEach.map(([name, own]) => settingsTable(`Settings of ${name}`, own)),
      ),
    ]
  })
}

/** @param {string} caption @param {Readonly<Record<string, any>>} settings */
function settingsTable(caption, settings) {
  const rows = Object.entries(settings).map(([name, value]) => [optionOf(name), el('code', {}, textOf(name, value))])
  return el('div', { class: 'settings-table' }, table(caption, ['setting', caption.replace('Settings of ', '')], rows))
}

/**
 * `holdTimeoutMs` is --hold-timeout.
 * @param {string} name
 */
export function optionOf(name) {
  return name.replace(/Ms$/, '').replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {string}
 */
export function textOf(name, value) {
  if (value === null || value === undefined) return 'none'
  if (typeof value === 'number') return name.endsWith('Ms') ? lengthOf(value) : String(value)
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(one => textOf('', one)).join(', ')
  if (typeof value === 'object') {
    const parts = Object.entries(value).filter(([, part]) => part !== null)
    return parts.length === 0 ? 'none' : parts.map(([key, part]) => `${optionOf(key)}: ${textOf(key, part)}`).join(', ')
  }
  return String(value)
}
