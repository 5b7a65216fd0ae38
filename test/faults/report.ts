// report.ts — figures as text: a line for a trial, a page for all. Pure.
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

/** The whole page. */
export function writeTable(trials: readonly Trial[], facts: Facts): string {
  const violations = trials.flatMap(trial => trial.violations)
  return `${[
    '# What clients see when something breaks',
    '',
    '<!-- Written by `npm run faults`. Do not edit: run it again. -->',
    '',
    `Each fault was made against a Sentinel set of its own (a master, two replicas, three Sentinels) while all loads ran through`,
    `Holdfast at once, with both retry policies. ${facts.servers.join(', ')}; Node ${facts.node}; ${facts.cpus} cores;`,
    `seed ${facts.seed}, ${facts.rounds} ${facts.rounds === 1 ? 'round' : 'rounds'}; ${facts.when.slice(0, 10)}.`,
    '',
    '    npm run faults                            all of it, and this page; some 160 trials of 3 to 40 s each',
    '    npm run faults -- --only kill,planned     some of it; the page stays as it is',
    '',
    violations.length === 0
      ? 'No cell has anything but zero that is not explained below.'
      : `**${violations.length} figures are not allowed and not explained.**`,
    '',
    ...legend(),
    ...facts.faults.flatMap(fault =>
      section(
        fault,
        trials.filter(trial => trial.fault === fault.name),
      ),
    ),
  ].join('\n')}\n`
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
