// ctl-print.ts: the answers of `holdfast ctl` as tables for people. Pure.
//
// What comes from clients (names, libraries) is shown without control characters: a terminal would obey them.
import type { PausedMaster, PauseResult, ResumeResult } from '../control/protocol.ts'

type Fields = Readonly<Record<string, unknown>>

export function pauseTable({ masters, maxMs, holdLimitMs }: PauseResult): string {
  const lines = masters.map(
    ({ master, ms, blocked }) => `${shown(master)}: paused, nothing is in flight${butFor(blocked)} (after ${ms} ms)`,
  )
  lines.push(`it ends by itself after ${time(maxMs)}, or with holdfast ctl resume`)
  if (maxMs >= holdLimitMs)
    lines.push(`it ends sooner when a command has waited for nearly ${time(holdLimitMs)} (--hold-timeout)`)
  return `${lines.join('\n')}\n${sessionTable(masters)}`
}

function butFor(blocked: number): string {
  return blocked === 0 ? '' : ` but ${blocked} commands of blocked sessions`
}

export function resumeTable({ masters }: ResumeResult): string {
  return masters
    .map(({ master, wasPaused }) => `${shown(master)}: ${wasPaused ? 'the pause is over' : 'was not paused'}\n`)
    .join('')
}

export function reloadTable({ changed, options }: Fields): string {
  const waiting = Array.isArray(options) && options.length > 0 ? `a restart would change ${options.join(', ')}\n` : ''
  return `passwords and TLS files were read again: ${String(changed)} changed\n${waiting}`
}

/** The sessions that have something in flight; nothing where there are none. */
export function sessionTable(masters: readonly PausedMaster[]): string {
  const rows = masters.flatMap(({ master, sessions }) =>
    sessions.map(({ address, library, version, name, command, sinceMs, blocked }) => [
      master,
      address,
      `${library} ${version}`.trim() || '-',
      name || '-',
      command,
      time(sinceMs),
      blocked ? 'blocked' : 'in flight',
    ]),
  )
  return rows.length === 0 ? '' : table([['master', 'client', 'library', 'name', 'command', 'since', 'state'], ...rows])
}

export function statusTable(status: Fields): string {
  const masters = Array.isArray(status['masters']) ? (status['masters'] as Fields[]) : [status]
  const head = [
    ['version', String(status['version'])],
    ['pid', String(status['pid'])],
    ['up for', time(Number(status['uptimeMs']))],
    ['log level', String(status['logLevel'])],
    ...(status['stopping'] === true ? [['stopping', 'yes']] : []),
  ]
  return [table(head), ...masters.map(masterTable)].join('\n')
}

function masterTable(status: Fields): string {
  const master = fieldsOf(status['master'])
  const gate = fieldsOf(status['gate'])
  const pause = status['pause'] === null ? null : fieldsOf(status['pause'])
  const held = fieldsOf(status['held'])
  const sentinels = fieldsOf(status['sentinels'])
  const cause = gate['cause'] === null ? '' : ` (${String(gate['cause'])})`
  return table([
    ['master', `${String(status['masterName'])} at ${String(master['address'] ?? 'no address yet')}`],
    ['gate', `${String(gate['state'])}${cause} for ${time(Number(gate['forMs']))}`],
    ['pause', pause === null ? 'none' : pauseText(pause)],
    ['sessions', String(fieldsOf(status['sessions'])['open'])],
    ['held', `${String(held['requests'])} requests`],
    ['Sentinels', `${String(sentinels['reachable'])} of ${String(sentinels['known'])} can be asked`],
  ])
}

function pauseText(pause: Fields): string {
  const { requests, blocked } = fieldsOf(pause['inFlight'])
  const left = `${String(requests)} requests in flight, ${String(blocked)} of blocked sessions`
  const times = `for ${time(Number(pause['forMs']))}, ends within ${time(Number(pause['endsInMs']))}`
  return `${String(pause['state'])} by ${String(pause['by'])} ${times}; ${left}`
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** Columns as wide as they must be. */
export function table(rows: readonly (readonly string[])[]): string {
  const clean = rows.map(row => row.map(shown))
  const widths: number[] = []
  for (const row of clean) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
  return clean
    .map(row => `${row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('  ')}\n`)
    .join('')
}

function shown(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 120)
}

function time(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = ms / 1000
  if (seconds < 120) return `${Number(seconds.toFixed(1))} s`
  const minutes = seconds / 60
  return minutes < 120 ? `${Math.round(minutes)} min` : `${Math.round(minutes / 60)} h`
}
