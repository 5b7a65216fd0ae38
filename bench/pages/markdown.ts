// markdown.ts: tables and figures as a page writes them. Pure.

import type { Spread } from '../statistics.ts'

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`.replaceAll('|  |', '| |')
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n')
}

/** A dash where there is no figure. */
export function figure(value: number | null | undefined, digits: number): string {
  return value === null || value === undefined || Number.isNaN(value) ? '–' : value.toFixed(digits)
}

/** 0.99 [0.80..1.05] */
export function withRange(ratio: Spread | undefined): string {
  if (ratio === undefined) return '–'
  return `${ratio.median.toFixed(2)} [${ratio.min.toFixed(2)}..${ratio.max.toFixed(2)}]`
}

/** Two digits that count. */
export function twoDigits(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(1)
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en')
}
