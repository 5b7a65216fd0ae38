// print.ts: writes findings as a table for people, or as JSON for machines. Pure.
import type { Finding, Level } from './finding.ts'

const words: Readonly<Record<Level, string>> = { ok: 'ok', note: 'note', warning: 'WARNING', problem: 'PROBLEM' }

export function countOf(findings: readonly Finding[], level: Level): number {
  return findings.filter(finding => finding.level === level).length
}

export function asTable(findings: readonly Finding[], masterName: string): string {
  const width = Math.max(...findings.map(({ subject }) => subject.length), 0)
  const rows = findings.flatMap(({ level, subject, text, remedy }) => {
    const row = ` ${words[level].padEnd(8)} ${subject.padEnd(width)}  ${text}`
    return remedy === null ? [row] : [row, `${' '.repeat(width + 10)}  remedy: ${remedy}`]
  })
  const problems = countOf(findings, 'problem')
  const warnings = countOf(findings, 'warning')
  const verdict =
    problems + warnings === 0 ? 'All is well.' : `${plural(problems, 'problem')}, ${plural(warnings, 'warning')}.`
  return [`Holdfast check of master ${masterName}`, '', ...rows, '', verdict, ''].join('\n')
}

export function asJson(findings: readonly Finding[], masterName: string): string {
  const summary = { problems: countOf(findings, 'problem'), warnings: countOf(findings, 'warning') }
  return `${JSON.stringify({ master: masterName, ...summary, findings }, null, 2)}\n`
}

function plural(count: number, word: string): string {
  return `${count === 0 ? 'no' : count} ${word}${count === 1 ? '' : 's'}`
}
