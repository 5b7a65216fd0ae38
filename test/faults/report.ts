// report.ts: figures as text: a line for a trial, one summary page in two parts, and a page of all cells. Pure.
//
// A run under always and safe makes the page, one under once and replicated the part of it between two marks: each
// leaves the other's as it is.
import { marksOf, partOf, withPart } from '../support/page-part.ts'
import { armOf } from './arms.ts'
import { allowanceFor } from './judge.ts'
import { loads } from './loads.ts'
import { underReplicated } from './reasons.ts'
import type { Arm, Cell, Counted, Fault, Figures, Trial } from './types.ts'

/** One line that a person can follow. */
export function trialLine(trial: Trial): string {
  const all = trial.cells.map(cell => cell.figures)
  const sum = (figure: Exclude<Counted, 'errors'>): number => all.reduce((total, one) => total + one[figure], 0)
  const errors = addUp(all.map(one => one.errors))
  return (
    `${trial.fault} ${trial.server} ${armOf(trial)} (${(trial.tookMs / 1000).toFixed(1)} s): ` +
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

const plainArms = ['always', 'safe'] as const
const provenArms = ['once', 'replicated'] as const
/** The part of the page about provenArms. */
const provenPart = 'proven'

/** The page for people, with what `trials` are about anew; one row for each fault, and each reason once. */
export function writeSummary(page: string, trials: readonly Trial[], facts: Facts): string {
  const [plain, proven] = [plainArms, provenArms].map(arms =>
    trials.filter(trial => arms.some(arm => arm === armOf(trial))),
  )
  const kept = partOf(page, provenPart) ?? ''
  const before = partOf(page, provenPart) === null ? marksOf(provenPart).join('\n') : page
  const whole = plain?.length ? plainPage(plain, facts) : before
  return withPart(whole, provenPart, proven?.length ? provenText(proven, facts) : kept)
}

function plainPage(trials: readonly Trial[], facts: Facts): string {
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
    '## Under `once`, and with `--ack replicated`',
    '',
    ...marksOf(provenPart),
    '',
    '## Words',
    '',
    ...legend(),
  ].join('\n')}\n`
}

/** Faults that cost nothing but a pause have no row. */
function provenText(trials: readonly Trial[], facts: Facts): string {
  const own = facts.faults.flatMap(fault => {
    const found = ofFault(trials, fault)
    return found.length === 0 ? [] : [{ fault, found }]
  })
  const isWhole = ({ found }: (typeof own)[number]): boolean => costOf(found).every(text => text === '0')
  const pauses = (found: readonly Trial[]): string => inEach(provenArms, found, longestPause)
  const whole = own.filter(isWhole).map(({ fault, found }) => `${fault.name} (${pauses(found)})`)
  const done = inEach(provenArms, trials, all => all.reduce((sum, one) => sum + one.done, 0))
  return [
    'The same under `--retry-policy once`, and under `once` with `--ack replicated --reads committed`, by',
    `\`npm run faults -- --policy once,replicated\`. ${factsOf(facts)}`,
    `${trials.length} trials; ${done} commands done. ${verdictOf(trials)}`,
    'Figures are sums over servers and loads, `once` / `replicated`; pauses are the longest.',
    '',
    '| fault | lost | doubled | UNKNOWN | APPLIED | TRYAGAIN | anything else | pause, ms |',
    '|---|---|---|---|---|---|---|---|',
    ...own
      .filter(one => !isWhole(one))
      .map(({ fault, found }) => `| ${[fault.name, ...costOf(found), pauses(found)].join(' | ')} |`),
    '',
    ...(whole.length === 0 ? [] : [`Nothing but a pause, ms: ${whole.join(', ')}.`, '']),
    ...reasons(trials, facts.faults),
  ].join('\n')
}

const provenCodes = ['UNKNOWN', 'APPLIED', 'TRYAGAIN']

function costOf(trials: readonly Trial[]): string[] {
  const sum = (figure: (one: Figures) => number): string =>
    inEach(provenArms, trials, all => all.reduce((total, one) => total + figure(one), 0))
  return [
    sum(one => one.lost),
    sum(one => one.doubled),
    ...provenCodes.map(code => sum(one => one.errors[code] ?? 0)),
    anythingElse(trials, provenCodes),
  ]
}

const longestPause = (all: readonly Figures[]): number => Math.max(0, ...all.map(one => one.pauseMs))

/** `3 / 0`: of each arm; one 0 where all are. */
function inEach(arms: readonly Arm[], trials: readonly Trial[], figure: (all: readonly Figures[]) => number): string {
  const each = arms.map(arm =>
    figure(trials.flatMap(trial => (armOf(trial) === arm ? trial.cells.map(cell => cell.figures) : []))),
  )
  return each.every(n => n === 0) ? '0' : each.join(' / ')
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
  return [
    '# What clients see when something breaks',
    '',
    '<!-- Written by `npm run faults`. Do not edit: run it again. -->',
    '',
    'Each fault is made against a Sentinel set of its own (a master, two replicas, three Sentinels) while all loads run',
    `through Holdfast at once. ${factsOf(facts)}`,
    '',
    '    npm run faults                            all of it, and this page; some 310 trials of 3 to 40 s each',
    '    npm run faults -- --policy always,safe    half of it; the other half of the page stays as it is',
    '    npm run faults -- --only kill,planned     some of it; the page stays as it is',
    '    npm run faults -- --cells FILE            every cell too: server, policy and load by themselves',
    '',
    verdictOf(trials),
    '',
  ]
}

function factsOf({ servers, node, cpus, seed, rounds, when }: Facts): string {
  const times = `${rounds} ${rounds === 1 ? 'round' : 'rounds'}`
  return `${servers.join(', ')}; Node ${node}; ${cpus} cores; seed ${seed}, ${times}; ${when.slice(0, 10)}.`
}

function verdictOf(trials: readonly Trial[]): string {
  const violations = trials.flatMap(trial => trial.violations)
  return violations.length === 0
    ? 'Every figure that is not zero has a reason below.'
    : `**${violations.length} figures are not allowed and not explained.**`
}

function summaryRow(fault: Fault, trials: readonly Trial[]): string[] {
  if (trials.length === 0) return []
  const both = (figure: (one: Figures) => number): string =>
    inEach(plainArms, trials, all => all.reduce((sum, one) => sum + figure(one), 0))
  const all = trials.flatMap(trial => trial.cells.map(cell => cell.figures))
  const figures = [
    both(one => one.done),
    both(one => one.lost),
    both(one => one.doubled),
    both(one => one.errors['UNKNOWN'] ?? 0),
    anythingElse(trials, ['UNKNOWN']),
    longestPause(all),
    afterMajority(all).replace(' ms', ''),
  ]
  return [`| ${fault.name} | ${fault.what} | ${figures.join(' | ')} |`]
}

/** `shown`: error replies that have a column. */
function anythingElse(trials: readonly Trial[], shown: readonly string[]): string {
  const all = trials.flatMap(trial => trial.cells.map(cell => cell.figures))
  const found = columns
    .filter(([, figure]) => figure !== 'lost' && figure !== 'doubled')
    .map(([title, figure]): [string, number] => [title, all.reduce((sum, one) => sum + one[figure], 0)])
  const errors = Object.entries(addUp(all.map(one => one.errors))).filter(([code]) => !shown.includes(code))
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
    for (const line of explanations(fault, ofFault(trials, fault))) {
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
  const stray = trials.reduce((sum, trial) => sum + trial.strayWrites, 0)
  return [
    `## ${fault.name}`,
    '',
    `${fault.what}.`,
    '',
    `| server | policy | load | done | ${columns.map(([title]) => title).join(' | ')} | error replies | pause | after majority |`,
    `|---|---|---|---|${columns.map(() => '---').join('|')}|---|---|---|`,
    ...trials.flatMap(trial => trial.cells.map(cell => row(trial, cell))),
    '',
    ...(stray > 0 ? [`Writes to a node that was not the master, by its own counters: ${stray}.`, ''] : []),
    ...explanations(fault, trials),
  ]
}

function row(trial: Trial, { server, load, figures }: Cell): string {
  const errors = Object.entries(figures.errors).map(([code, n]) => `${code} ${n}`)
  const counts = columns.map(([, figure]) => figures[figure])
  const last = [errors.join(', ') || 0, figures.pauseMs, figures.afterMajorityMs ?? '-']
  return `| ${[server, armOf(trial), load, figures.done, ...counts, ...last].join(' | ')} |`
}

/** Each reason once, where a cell has made use of it; what no reason covers is named as well. */
function explanations(fault: Fault, trials: readonly Trial[]): string[] {
  const lines = new Set<string>()
  for (const trial of trials) {
    const judged = trial.isReplicated ? underReplicated(fault) : fault
    for (const { load, policy, figures } of trial.cells) {
      for (const [, figure] of columns) {
        if (figures[figure] === 0) continue
        const reason = allowanceFor(judged, { figure, load, policy })?.reason
        lines.add(reason ? `- ${figure}: ${reason}.` : `- **${figure}, ${load}, ${armOf(trial)}: not allowed.**`)
      }
      for (const code of Object.keys(figures.errors)) {
        const reason = allowanceFor(judged, { figure: 'errors', code, load, policy })?.reason
        lines.add(reason ? `- ${code}: ${reason}.` : `- **${code}, ${load}, ${armOf(trial)}: not allowed.**`)
      }
    }
  }
  return lines.size === 0 ? ['Nothing but a pause.', ''] : [...lines, '']
}
