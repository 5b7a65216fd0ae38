// print.ts: writes findings as a table for people, or as JSON for machines. Pure.
import type { Finding, Level } from './finding.ts'

const words: Readonly<Record<Level, string>> = { ok: 'ok', note: 'note', warning: 'WARNING', problem: 'PROBLEM' }

/** What was found about one master. */
export interface Report {
  readonly masterName: string
  readonly findings: readonly Finding[]
}

export function countOf(findings: readonly Finding[], level: Level): number {
  return findings.filter(finding => finding.level === level).length
}

/** One table for each master. */
export function asTables(reports: readonly Report[]): string {
  return reports.map(tableOf).join('\n')
}

function tableOf({ masterName, findings }: Report): string {
  const problems = countOf(findings, 'problem')
  const warnings = countOf(findings, 'warning')
  const verdict =
    problems + warnings === 0 ? 'All is well.' : `${plural(problems, 'problem')}, ${plural(warnings, 'warning')}.`
  return [`Holdfast check of master ${masterName}`, '', ...rowsOf(findings), '', verdict, ''].join('\n')
}

/** A line for each finding, and one for its remedy. */
export function rowsOf(findings: readonly Finding[]): string[] {
  const width = Math.max(...findings.map(({ subject }) => subject.length), 0)
  return findings.flatMap(({ level, subject, text, remedy }) => {
    const row = ` ${words[level].padEnd(8)} ${subject.padEnd(width)}  ${text}`
    return remedy === null ? [row] : [row, `${' '.repeat(width + 10)}  remedy: ${remedy}`]
  })
}

/** One master has no list around it. */
export function asJson(reports: readonly Report[]): string {
  const masters = reports.map(({ masterName, findings }) => ({ master: masterName, ...summaryOf(findings), findings }))
  const [alone] = masters.length === 1 ? masters : []
  const all = alone ?? { ...summaryOf(reports.flatMap(({ findings }) => findings)), masters }
  return `${JSON.stringify(all, null, 2)}\n`
}

function summaryOf(findings: readonly Finding[]): { problems: number; warnings: number } {
  return { problems: countOf(findings, 'problem'), warnings: countOf(findings, 'warning') }
}

function plural(count: number, word: string): string {
  return `${count === 0 ? 'no' : count} ${word}${count === 1 ? '' : 's'}`
}
