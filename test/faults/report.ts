// report.ts: figures as text: a line for a trial, one summary page, and a page of all cells. Pure.
import { allowanceFor } from './judge.ts'
import { loads } from './loads.ts'
import type { Cell, Counted, Fault, Figures, Trial } from './types.ts'

/** One line that a person can follow. */
export function trialLine(trial: Trial): string {
  const all = trial.cells.map(cell => cell.figures)
  const sum = (figure: Exclude<Counted, 'errors'>): number => all.reduce((total, one) => total + one[figure], 0)
  const errors = addUp(all.map(one => one.errors))
  return (
    `${trial.fault} ${trial.server} ${trial.policy} (${(trial.tookMs / 1000).toFixed(1)} s): ` +
    `${all.reduce((total, one) => total + one.done, 0)} done, connection errors ${sum('connectionErrors')}, ` +
    `errors ${JSON.stringify(errors)}, lost ${sum('lost')} (outside ${sum('lostOutside')}), doubled ${sum('doubled')}, reordered ${sum('reordered')}, ` +
    `untrue ${sum('untrue')}, stray ${sum('stray') + trial.strayWrites}, unanswered ${sum('unanswered')}, ` +
    `pause ${Math.max(...all.map(one => one.pauseMs))} ms, after the majority ${afterMajority(all)}`
  )
}

function afterMajority(all: readonly Figures[]): string {
  const moved = all.flatMap(one => (one.afterMajorityMs === null ? [] : [one.afterMajorityMs]))
  return moved.length === 0 ? '-' : `${Math.max(...moved)} ms`
}

function addUp(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {}
  for (const one of counts) for (const [code, n] of Object.entries(one)) sum[code] = (sum[code] ?? 0) + n
  return sum
}

export interface Facts {
  readonly faults: readonly Fault[]
  readonly when: string
  readonly seed: number
  readonly rounds: number
  readonly node: string
  readonly cpus: number
  readonly servers: readonly string[]
}

const columns: readonly (readonly [string, Exclude<Counted, 'errors'>])[] = [
  ['connection errors', 'connectionErrors'],
  ['lost', 'lost'],
  ['lost outside', 'lostOutside'],
  ['doubled', 'doubled'],
  ['reordered', 'reordered'],
  ['untrue', 'untrue'],
  ['stray', 'stray'],
  ['unanswered', 'unanswered'],
]

/** The page for people: one row for each fault, and each reason once. */
export function writeSummary(trials: readonly Trial[], facts: Facts): string {
  return `${[
    ...intro(trials, facts),
    'Figures are sums over servers and loads, `always` / `safe`; the pause is the longest of all.',
    '',
    '| fault | what happens | done | lost | doubled | UNKNOWN | anything else | pause, ms | after majority, ms |',
    '|---|---|---|---|---|---|---|---|---|',
    ...facts.faults.flatMap(fault => summaryRow(fault, ofFault(trials, fault))),
    '',
    '## Why a figure is not zero',
    '',
    ...reasons(trials, facts.faults),
    '',
    ...legend(),
  ].join('\n')}\n`
}

/** Every cell: one table for each fault. */
export function writeCells(trials: readonly Trial[], facts: Facts): string {
  return `${[
    ...intro(trials, facts),
    ...legend(),
    ...facts.faults.flatMap(fault => section(fault, ofFault(trials, fault))),
  ].join('\n')}\n`
}

function ofFault(trials: readonly Trial[], fault: Fault): Trial[] {
  return trials.filter(trial => trial.fault === fault.name)
}

function intro(trials: readonly Trial[], facts: Facts): string[] {
  const violations = trials.flatMap(trial => trial.violations)
  return [
    '# What clients see when something breaks',
    '',
    '<!-- Written by `npm run faults`. Do not edit: run it again. -->',
    '',
    'Each fault is made against a Sentinel set of its own (a master, two replicas, three Sentinels) while all loads run',
    `through Holdfast at once, with both retry policies. ${facts.servers.join(', ')}; Node ${facts.node}; ${facts.cpus} cores;`,
    `seed ${facts.seed}, ${facts.rounds} ${facts.rounds === 1 ? 'round' : 'rounds'}; ${facts.when.slice(0, 10)}.`,
    '',
    '    npm run faults                            all of it, and this page; some 160 trials of 3 to 40 s each',
    '    npm run faults -- --only kill,planned     some of it; the page stays as it is',
    '    npm run faults -- --cells FILE            every cell too: server, policy and load by themselves',
    '',
    violations.length === 0
      ? 'Every figure that is not zero has a reason below.'
      : `**${violations.length} figures are not allowed and not explained.**`,
    '',
  ]
}

const policies = ['always', 'safe'] as const

function summaryRow(fault: Fault, trials: readonly Trial[]): string[] {
  if (trials.length === 0) return []
  const cells = trials.flatMap(trial => trial.cells)
  const both = (figure: (one: Figures) => number): string => {
    const [always = 0, safe = 0] = policies.map(policy =>
      cells.reduce((sum, cell) => (cell.policy === policy ? sum + figure(cell.figures) : sum), 0),
    )
    return always === 0 && safe === 0 ? '0' : `${always} / ${safe}`
  }
  const all = cells.map(cell => cell.figures)
  const figures = [
    both(one => one.done),
    both(one => one.lost),
    both(one => one.doubled),
    both(one => one.errors['UNKNOWN'] ?? 0),
    anythingElse(trials, all),
    Math.max(...all.map(one => one.pauseMs)),
    afterMajority(all).replace(' ms', ''),
  ]
  return [`| ${fault.name} | ${fault.what} | ${figures.join(' | ')} |`]
}

function anythingElse(trials: readonly Trial[], all: readonly Figures[]): string {
  const found = columns
    .filter(([, figure]) => figure !== 'lost' && figure !== 'doubled')
    .map(([title, figure]): [string, number] => [title, all.reduce((sum, one) => sum + one[figure], 0)])
  const errors = Object.entries(addUp(all.map(one => one.errors))).filter(([code]) => code !== 'UNKNOWN')
  const stray: [string, number] = [
    'writes to a node that was no master',
    trials.reduce((n, one) => n + one.strayWrites, 0),
  ]
  const named = [...found, ...errors, stray].filter(([, n]) => n > 0).map(([title, n]) => `${title} ${n}`)
  return named.join(', ') || '0'
}

/** Each reason once, with the faults that make use of it. */
function reasons(trials: readonly Trial[], faults: readonly Fault[]): string[] {
  const found = new Map<string, Set<string>>()
  for (const fault of faults) {
    const cells = ofFault(trials, fault).flatMap(trial => trial.cells)
    for (const line of explanations(fault, cells)) {
      if (line.startsWith('- ')) found.set(line, (found.get(line) ?? new Set()).add(fault.name))
    }
  }
  return [...found].map(([line, names]) => `${line} (${[...names].join(', ')})`)
}

function legend(): string[] {
  return [
    '| load | what its clients do |',
    '|---|---|',
    ...loads.map(({ name, what }) => `| ${name} | ${what} |`),
    '',
    '| column | what is counted |',
    '|---|---|',
    '| done | commands with a reply that is no error |',
    '| connection errors | client connections that were refused or broke |',
    '| error replies | by their first word |',
    '| lost | acknowledged writes that the master does not have afterwards; messages counted as delivered that did not come |',
    '| lost outside | those of lost that were acknowledged more than 1 s before the fault, or after the hand-over |',
    '| doubled | effects that took place more often than they were asked for |',
    '| reordered | replies, elements or messages out of the order of the commands |',
    '| untrue | commands of which the client was told that they did not run, and that did |',
    '| stray | writes that a node took as a master while a majority of the Sentinels named another one |',
    '| unanswered | commands that never had a reply |',
    '| pause | the longest time one client waited between two replies, milliseconds |',
    "| after majority | from the majority's answer to the last client's first reply, milliseconds |",
    '',
  ]
}

function section(fault: Fault, trials: readonly Trial[]): string[] {
  if (trials.length === 0) return []
  const cells = trials.flatMap(trial => trial.cells)
  const stray = trials.reduce((sum, trial) => sum + trial.strayWrites, 0)
  return [
    `## ${fault.name}`,
    '',
    `${fault.what}.`,
    '',
    `| server | policy | load | done | ${columns.map(([title]) => title).join(' | ')} | error replies | pause | after majority |`,
    `|---|---|---|---|${columns.map(() => '---').join('|')}|---|---|---|`,
    ...cells.map(row),
    '',
    ...(stray > 0 ? [`Writes to a node that was not the master, by its own counters: ${stray}.`, ''] : []),
    ...explanations(fault, cells),
  ]
}

function row({ server, policy, load, figures }: Cell): string {
  const errors = Object.entries(figures.errors).map(([code, n]) => `${code} ${n}`)
  const counts = columns.map(([, figure]) => figures[figure])
  const last = [errors.join(', ') || 0, figures.pauseMs, figures.afterMajorityMs ?? '-']
  return `| ${[server, policy, load, figures.done, ...counts, ...last].join(' | ')} |`
}

/** Each reason once, where a cell has made use of it; what no reason covers is named as well. */
function explanations(fault: Fault, cells: readonly Cell[]): string[] {
  const lines = new Set<string>()
  for (const { load, policy, figures } of cells) {
    for (const [, figure] of columns) {
      if (figures[figure] === 0) continue
      const reason = allowanceFor(fault, { figure, load, policy })?.reason
      lines.add(reason ? `- ${figure}: ${reason}.` : `- **${figure}, ${load}, ${policy}: not allowed.**`)
    }
    for (const code of Object.keys(figures.errors)) {
      const reason = allowanceFor(fault, { figure: 'errors', code, load, policy })?.reason
      lines.add(reason ? `- ${code}: ${reason}.` : `- **${code}, ${load}, ${policy}: not allowed.**`)
    }
  }
  return lines.size === 0 ? ['Nothing but a pause.', ''] : [...lines, '']
}
