// screen.ts: the picture of the live demo as lines of text with colours. Pure: the same picture gives the same lines.
import type { Totals } from './load.ts'
import type { StoryLine, View } from './story.ts'
import { count, seconds } from './verdict.ts'

export interface Picture {
  readonly port: number
  /** The address of Holdfast's page. */
  readonly page: string
  /** The path of its --config file. */
  readonly config: string
  readonly view: View
  /** Commands answered in each of the last seconds, the newest last. */
  readonly rates: readonly number[]
  readonly totals: Readonly<Totals>
  readonly connected: number
  readonly clients: number
  readonly silentMs: number
  /** The act that is being played. */
  readonly busy: string | null
  readonly last: { readonly text: string; readonly kept: boolean } | null
  readonly story: readonly StoryLine[]
}

export interface Size {
  readonly columns: number
  readonly rows: number
}

const styles = { plain: '', bold: '1', dim: '2', red: '31;1', green: '32;1', yellow: '33;1', cyan: '36' } as const
type Style = keyof typeof styles
type Part = readonly [text: string, style: Style]

const gates: Readonly<Record<View['gate'], Part>> = {
  closed: ['CLOSED: no master yet', 'yellow'],
  holding: ['HOLDING: commands wait', 'yellow'],
  draining: ['DRAINING: what waited is being sent', 'yellow'],
  open: ['OPEN', 'green'],
  tripped: ['TRIPPED: commands fail at once', 'red'],
}
/** Above this nobody can speak of a steady rate any more. */
const silenceShownMs = 300
const labelWidth = 12

/** At most `rows` lines, none wider than `columns`. */
export function render(picture: Picture, { columns, rows }: Size): string[] {
  const head = [...headLines(picture), ...lastLines(picture, columns), [] as Part[]]
  const foot: Part[][] = [[], footLine(picture)]
  const room = Math.max(0, rows - head.length - foot.length)
  const story = picture.story.slice(-room || picture.story.length).map(storyLine)
  const body = room === 0 ? [] : story
  const filler = Array.from({ length: room - body.length }, (): Part[] => [])
  return [...head, ...body, ...filler, ...foot].slice(-rows).map(parts => paint(parts, columns))
}

function headLines(picture: Picture): Part[][] {
  const { view, totals, connected, clients, silentMs, rates, port, page, config } = picture
  const errors = totals.errorReplies + totals.connectionErrors
  const silence: Part[] = silentMs > silenceShownMs ? [[`   no answer for ${seconds(silentMs)}`, 'yellow']] : []
  const problem: Part[] = totals.lastProblem === null ? [] : [[`   ${totals.lastProblem}`, 'red']]
  const numbers = `${count(totals.errorReplies)} error replies, ${count(totals.connectionErrors)} connection errors`
  return [
    [
      ['Holdfast', 'bold'],
      [`   ${clients} clients ▶ 127.0.0.1:${port} ▶ ${view.master ?? 'no master'}`, 'plain'],
    ],
    [],
    line('join in', [[`redis-cli -p ${port}`, 'cyan']]),
    line('watch', [[page, 'cyan']]),
    line('operate', [[`npm start -- switchover --config ${config}`, 'cyan']]),
    line('master', [
      [view.master ?? 'none', 'bold'],
      [view.epoch === null ? '' : `   epoch ${view.epoch}`, 'dim'],
    ]),
    line('gate', [gates[view.gate]]),
    line('clients', [[`${connected} of ${clients} connected`, connected === clients ? 'green' : 'red']]),
    line('errors', [[numbers, errors === 0 ? 'green' : 'red'], ...problem]),
    line('pause', [[`longest ${seconds(totals.longestPauseMs)}`, 'plain'], ...silence]),
    line('commands', [[`${count(rates.at(-1) ?? 0)} a second, ${count(totals.answered)} in all`, 'plain']]),
    line('', [[sparkline(rates), 'cyan']]),
  ]
}

function line(label: string, parts: readonly Part[]): Part[] {
  return [[label.padEnd(labelWidth), 'dim'], ...parts]
}

function lastLines({ last }: Picture, columns: number): Part[][] {
  if (last === null) return []
  const lines = wrap(last.text, columns - labelWidth).slice(0, 4)
  return lines.map((text, i) => line(i === 0 ? 'last' : '', [[text, last.kept ? 'green' : 'red']]))
}

function footLine({ busy }: Picture): Part[] {
  if (busy !== null) {
    return [
      [`${busy}: under way until there are two replicas again`, 'yellow'],
      ['   q quit', 'dim'],
    ]
  }
  const keys = { k: 'kill -9 the master', p: 'planned failover', s: 'stop the master', q: 'quit' }
  return Object.entries(keys).flatMap(([key, what]): Part[] => [
    [key, 'bold'],
    [` ${what}   `, 'dim'],
  ])
}

function storyLine({ ms, text }: StoryLine): Part[] {
  return [
    [seconds(ms).padStart(labelWidth - 2), 'dim'],
    [`  ${text}`, 'plain'],
  ]
}

const bars = '▁▂▃▄▅▆▇█'

/** One bar a value, the highest full; a value of 0 is a gap. */
export function sparkline(values: readonly number[]): string {
  const top = Math.max(1, ...values)
  return values.map(value => (value === 0 ? ' ' : (bars[Math.ceil((value / top) * bars.length) - 1] ?? ' '))).join('')
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const longer = `${lines.at(-1) ?? ''} ${word}`
    if (lines.length > 0 && longer.length <= width) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines
}

/** Cuts at the edge first and colours then, as colours take no room. */
function paint(parts: readonly Part[], columns: number): string {
  let room = columns
  let painted = ''
  for (const [text, style] of parts) {
    const seen = [...text].slice(0, room).join('')
    room -= [...seen].length
    painted += style === 'plain' || seen === '' ? seen : `\u001b[${styles[style]}m${seen}\u001b[0m`
  }
  return painted
}
