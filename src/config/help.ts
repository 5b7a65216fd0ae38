// help.ts: makes the text of --help and the table in docs/options.md from the table of options alone: both are true.
import { questions } from './flags.ts'
import { flagOf, type Option, type Table, twinOf, variableOf } from './option.ts'
import { didYouMean, nearest } from './suggest.ts'

type Row = ReturnType<typeof rowsOf>[number]

function rowsOf(table: Table) {
  return Object.entries(table).flatMap(([name, option]) => {
    const row = {
      group: option.group,
      flag: flagOf(name),
      placeholder: option.kind.placeholder,
      variable: variableOf(name),
      state: stateOf(option),
      form: option.kind.form,
      help: option.help,
    }
    const twin = {
      ...row,
      flag: flagOf(twinOf(name)),
      placeholder: 'FILE',
      variable: variableOf(twinOf(name)),
      form: 'name of a file',
      help: `The same, read from a file; a line end at its end is not part of it.`,
    }
    return option.secret ? [row, twin] : [row]
  })
}

function stateOf(option: Option<unknown>): string {
  if (option.required) return 'required'
  return option.fallback === null || option.fallback === '' ? 'default: none' : `default: ${option.fallback}`
}

/** The first word, what may follow it, and what it does. */
const commands = {
  '(none)': 'run the proxy',
  'check [--json]':
    'look at Sentinels and nodes with the same options and name what is wrong; exit code 1 for a problem',
  'ctl status|pause|resume|drain|reload|log-level':
    'tell the proxy that runs with the same --control-socket what to do; exit code 0 or 1',
  'drill [--dry-run]': 'a switchover there and back, and what each class of sessions saw (docs/drill.md)',
  'drill --hold TIME':
    'hold all commands for that long, touch no server, and name the clients that give up; exit code 0 or 1',
  'switchover [--dry-run]':
    'make another node the master while clients wait, without losing a write (docs/switchover.md)',
  'health [startup|live|ready]': 'ask the proxy that runs with the same --admin-listen; exit code 0 or 1',
} as const

/** Why a first word is no command. Never shows the word: it may be half of a password. */
export function unknownCommandText(word: string): string {
  const commands = ['check', 'ctl', 'drill', 'health', 'switchover']
  const ofControl = ['status', 'pause', 'resume', 'drain', 'reload', 'log-level']
  const near = nearest(word, [...commands, ...ofControl])
  const meant = near !== undefined && ofControl.includes(near) ? `ctl ${near}` : near
  return `argument 1: expected an option (--name value) or a command (check, ctl, drill, health, switchover)${didYouMean(meant)}`
}

const about = (): string => `Holdfast: a local Redis endpoint that stays up through a Sentinel failover.

Usage: holdfast [command] --sentinels HOST:PORT[,HOST:PORT...] --master NAME [options]

Commands:
${commandRows()}

ctl, drill and switchover have flags of their own: holdfast ctl --help.

Each option is a flag, an environment variable and a key of the --config file (the flag's name without --).
A flag wins over the environment, the environment over the file, the file over the default.
`

function commandRows(): string {
  return Object.entries(commands)
    .map(([usage, help]) =>
      usage.length > 30 ? `  ${usage}\n${' '.repeat(33)}${help}` : `  ${usage.padEnd(30)} ${help}`,
    )
    .join('\n')
}

/** The text of `--help`: by group, each option with its meaning, default, unit and variable. */
export function helpText(table: Table): string {
  const rows = rowsOf(table)
  const groups = [...new Set(rows.map(row => row.group))].map(group =>
    [`${group}:`, ...rows.filter(row => row.group === group).map(helpRow)].join('\n'),
  )
  const asks = Object.entries(questions).map(([name, short]) => `  ${flagOf(name)}, -${short}`)
  return [about(), ...groups.map(group => `${group}\n`), `Questions:\n${asks.join('\n')}\n`].join('\n')
}

function helpRow(row: Row): string {
  const facts = [row.state, row.form, row.variable].join(' | ')
  return [`  ${row.flag} ${row.placeholder}`, ...wrap(row.help, 88), `[${facts}]`].join('\n      ')
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}

/** The options as a Markdown table, for docs/options.md. */
export function helpTable(table: Table): string {
  const lines = rowsOf(table).map(row => {
    const names = `${code(`${row.flag} ${row.placeholder}`)}<br>${code(row.variable)}`
    const state = row.state.replace(/^default: /, '')
    const shown = ['required', 'none'].includes(state) ? state : code(state)
    return `| ${names} | ${shown} | ${cell(row.form)} | ${cell(row.help)} |`
  })
  return ['| Option | Default | Value | What it does |', '|---|---|---|---|', ...lines].join('\n')
}

function code(text: string): string {
  return `\`${cell(text)}\``
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
