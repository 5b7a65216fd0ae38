// report.ts: outcomes as lines and tables of text. Pure.
import { type Client, type Settings, type Trial, trialName, type Way } from './client.ts'
import { type Fault, type Figures, faults } from './judge.ts'
import type { Outcome } from './trials.ts'

/** With the recommended settings, and with the client's own where it was told of holds. */
export const mustBeClean = ({ trial, handoffs }: Outcome): boolean =>
  trial.settings === 'recommended' || trial.client.recommended === null || handoffs === 'told'

export const errorsIn = ({ errors }: Figures): number => errors.reduce((sum, [, times]) => sum + times, 0)

const shortName = ({ via, protocol }: Way): string => `${via === 'direct' ? '' : 'Sentinel '}RESP${protocol}`
const settingsName = ({ settings }: Trial): string => (settings === 'default' ? 'its own settings' : 'recommended')

const toldText = { no: 'did not ask to be told', asked: 'asked, and is not told on RESP2', told: 'told of holds' }
const seconds = (ms: number): string => (ms / 1000).toFixed(1)

export function trialLine({ trial, handoffs, figures }: Outcome): string {
  const parts = figures.map(
    one =>
      `${one.fault}: ${one.done} done, errors ${errorsIn(one)}, pause ${seconds(one.pauseMs)} s ` +
      `(held ${seconds(one.heldMs)} s), reconnects ${one.reconnects}, warnings ${one.warnings.length}, ` +
      `lost ${one.lost}, doubled ${one.doubled}, ran anyway ${one.ranAnyway}`,
  )
  return [`${trialName(trial)}: ${toldText[handoffs]}`, ...parts].join('\n  ')
}

/** One row for a client with one choice of settings: sums over its ways, the longest pause of them. */
export function resultTable(outcomes: readonly Outcome[], versions: ReadonlyMap<Client, string>): string {
  const rows = [...versions].flatMap(([client, version]) =>
    (['default', 'recommended'] as const).flatMap(settings => {
      const own = outcomes.filter(({ trial }) => trial.client === client && trial.settings === settings)
      return own.length === 0 ? [] : [row(client, version, settings, own)]
    }),
  )
  return [
    '| library | reached by | settings | told of holds | errors | new connections | longest pause, s | lost | doubled | ran anyway |',
    '|---|---|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

function row(client: Client, version: string, settings: Settings, own: readonly Outcome[]): string {
  const of = (figure: (one: Figures) => number, add: (...all: number[]) => number): number[] =>
    faults.map(fault => add(...figuresOf(own, fault).map(figure)))
  const sum = (...all: number[]): number => all.reduce((total, one) => total + one, 0)
  const each = (figure: (one: Figures) => number): string => of(figure, sum).join(' / ')
  const told = own.filter(({ handoffs }) => handoffs === 'told').map(({ trial }) => shortName(trial.way))
  return `| ${[
    `${client.name.replace(/ \d+$/, '')} ${version}`,
    own.map(({ trial }) => shortName(trial.way)).join(', '),
    settings === 'default' ? 'its own' : client.recommended,
    told.length === own.length ? 'yes' : told.join(', ') || 'no',
    each(errorsIn),
    each(one => one.reconnects),
    of(
      one => one.pauseMs,
      (...all) => Math.max(0, ...all),
    )
      .map(seconds)
      .join(' / '),
    each(one => one.lost),
    each(one => one.doubled),
    each(one => one.ranAnyway),
  ].join(' | ')} |`
}

function figuresOf(own: readonly Outcome[], fault: Fault): Figures[] {
  return own.flatMap(({ figures }) => figures.filter(one => one.fault === fault))
}

/** What clients said, once for each client and settings; nothing for those that said nothing. */
export function sayings(outcomes: readonly Outcome[]): string[] {
  const texts = new Map<string, Set<string>>()
  for (const { trial, figures } of outcomes)
    for (const { errors, warnings, wrong } of figures) {
      const key = `${trial.client.name}, ${settingsName(trial)}`
      const all = texts.get(key) ?? new Set()
      for (const text of [...errors.map(([what]) => what.replace(/^\w+: /, '')), ...warnings, ...wrong])
        all.add(withoutPlace(text))
      if (all.size > 0) texts.set(key, all)
    }
  return [...texts].map(([key, all]) => `- ${key}: ${[...all].slice(0, 4).map(quoted).join(', ')}`)
}

/** Without times, addresses and counts, which differ each time. */
function withoutPlace(text: string): string {
  const short = text.replace(/^\S+T[\d:.]+Z\s+/, '').replace(/\S*127\.0\.0\.1\S*/g, '...')
  return short
    .replace(/(elapsed|pending)=.*/, '')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 140)
}

const quoted = (text: string): string => `\`${text.replaceAll('`', "'")}\``
