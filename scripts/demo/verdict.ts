// verdict.ts: from what the clients recorded to what a person is told: rows, and which of them must hold. Pure.
import type { ActKind, ActResult } from './acts.ts'

export interface Row {
  readonly label: string
  readonly value: string
  /** kept, broken: a promise of Holdfast. told: a number without a promise. */
  readonly state: 'kept' | 'broken' | 'told'
  readonly note: string
}

const lossNote =
  'Redis replicates after it has answered, so the last writes a master acknowledged may not have left it when it dies.'
const doubleNote = 'a command that was sent and got no answer is sent again (--retry-policy safe would not).'

export function judge({ kind, report, clients, connected, served }: ActResult): Row[] {
  const answered = report.operations - report.pending
  const errorReplies = Object.values(report.errors).reduce((a, b) => a + b, 0)
  const planned = kind === 'planned'
  const lost = report.lostWrites.length
  const doubled = report.doubled.length
  return [
    must('clients connected', `${connected} of ${clients}`, connected === clients),
    must('served by the new master', `${served} of ${clients}`, served === clients),
    must('commands sent', count(report.operations), report.operations > 0 && report.pending === 0, {
      kept: 'all answered',
      broken: `${count(answered)} answered`,
    }),
    must('error replies', count(errorReplies), errorReplies === 0, { broken: Object.keys(report.errors)[0] ?? '' }),
    must('connection errors', count(report.connectionErrors.length), report.connectionErrors.length === 0, {
      broken: report.connectionErrors[0]?.message ?? '',
    }),
    planned
      ? must('acknowledged writes lost', count(lost), lost === 0, { broken: report.lostWrites[0]?.key ?? '' })
      : { label: 'acknowledged writes lost', value: count(lost), state: 'told', note: lossNote },
    { label: 'doubled increments', value: count(doubled), state: 'told', note: doubled > 0 ? doubleNote : '' },
    outOfOrder(kind, report.reordered.length),
    { label: 'longest pause', value: seconds(report.longestPause.ms), state: 'told', note: 'of one client' },
  ]
}

/** Where increments were lost and doubled at once, their numbers look out of order though the replies are not. */
function outOfOrder(kind: ActKind, found: number): Row {
  const label = 'replies out of order'
  return kind === 'planned'
    ? must(label, count(found), found === 0)
    : { label, value: count(found), state: 'told', note: '' }
}

function must(
  label: string,
  value: string,
  held: boolean,
  notes: { readonly kept?: string; readonly broken?: string } = {},
): Row {
  return held
    ? { label, value, state: 'kept', note: notes.kept ?? '' }
    : { label, value, state: 'broken', note: notes.broken ?? '' }
}

export function allKept(rows: readonly Row[]): boolean {
  return rows.every(({ state }) => state !== 'broken')
}

/** A longer one stands on a line of its own. */
const shortNote = 60

/** Lines for a page, one a row, aligned. */
export function printRows(rows: readonly Row[]): string[] {
  const marks = { kept: 'ok', broken: 'BROKEN', told: '' }
  return rows.flatMap(({ label, value, state, note }) => {
    const long = note.length > shortNote
    const remark = [marks[state], long ? '' : note].filter(text => text !== '').join(', ')
    const line = `   ${label.padEnd(26)}${value.padStart(10)}   ${remark}`.trimEnd()
    return long ? [line, `      ${note}`] : [line]
  })
}

/** The same in one line, for a screen. */
export function summarise(rows: readonly Row[]): string {
  return rows.map(({ label, value, state }) => `${label} ${value}${state === 'broken' ? ' (!)' : ''}`).join(' · ')
}

export function count(n: number): string {
  return n.toLocaleString('en-US')
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}
