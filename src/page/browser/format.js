// format.js: numbers, times and lengths of time as people read them. Pure.

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })

/**
 * `14:03:07`; with the day where that is not today's.
 * @param {number | string} at  ms since 1970, or ISO 8601
 * @param {number} now
 */
export function timeOf(at, now) {
  const date = new Date(at)
  const isToday = date.toDateString() === new Date(now).toDateString()
  return isToday ? clock.format(date) : `${day.format(date)} ${clock.format(date)}`
}

/**
 * `430 ms`, `2.4 s`, `3 min 12 s`, `2 h 5 min`, `3 d 4 h`.
 * @param {number} ms
 */
export function lengthOf(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = Math.floor(ms / 1000)
  if (seconds < 60) return `${(ms / 1000).toFixed(1)} s`
  const units = /** @type {const} */ ([
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ])
  const first = units.findIndex(([, size]) => seconds >= size)
  let left = seconds
  const words = units.slice(first, first + 2).map(([name, size]) => {
    const count = Math.floor(left / size)
    left -= count * size
    return count === 0 ? '' : `${count} ${name}`
  })
  return words.filter(word => word !== '').join(' ')
}

/**
 * `12,345`
 * @param {number} n
 */
export function countOf(n) {
  return Math.round(n).toLocaleString('en-US')
}

/**
 * `1 request`, `3 requests`
 * @param {number} n
 * @param {string} noun
 */
export function many(n, noun) {
  return `${countOf(n)} ${noun}${n === 1 ? '' : 's'}`
}

/**
 * `1.5 MB`
 * @param {number} bytes
 */
export function bytesOf(bytes) {
  if (bytes < 1000) return `${bytes} B`
  const units = ['kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length, Math.floor(Math.log10(bytes) / 3))
  return `${(bytes / 1000 ** power).toPrecision(3).replace(/\.?0+$/, '')} ${units[power - 1]}`
}

/**
 * A time that is drawn: `0.4 ms`, `12 ms`, `1.9 s`.
 * @param {number} ms
 */
export function waitOf(ms) {
  if (ms < 10) return `${Math.round(ms * 10) / 10} ms`
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}
