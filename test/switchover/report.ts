// report.ts: what many switchovers and plain failovers cost the clients, as text. Pure.

export interface Round {
  readonly flavour: string
  readonly kind: 'switchover' | 'plain'
  /** Of each client's longest wait for one reply: the median and the longest. */
  readonly medianMs: number
  readonly longestMs: number
  readonly commands: number
  /** Acknowledged writes that are not there afterwards. */
  readonly lost: number
  /** Commands without a good reply, and connections that broke. */
  readonly failed: number
  /** Run twice, or out of order. */
  readonly wrong: number
  /** Why it did not come to its end; '' where it did. */
  readonly trouble: string
}

export function reportOf(rounds: readonly Round[]): { readonly text: string; readonly clean: boolean } {
  const rows = (['switchover', 'plain'] as const).map(kind =>
    rowOf(
      kind,
      rounds.filter(round => round.kind === kind),
    ),
  )
  const troubles = rounds.filter(({ trouble }) => trouble !== '').map(({ trouble }) => `not done: ${trouble}`)
  const head = [
    '| kind | rounds | commands | lost | failed | doubled, reordered | median wait | p90 | longest |',
    '|---|---|---|---|---|---|---|---|---|',
  ]
  const judged = rounds.filter(({ kind }) => kind === 'switchover')
  const clean = judged.length > 0 && judged.every(one => one.lost + one.failed + one.wrong === 0 && one.trouble === '')
  return { text: `${[...head, ...rows, ...troubles].join('\n')}\n`, clean }
}

function rowOf(kind: string, rounds: readonly Round[]): string {
  const total = (of: 'commands' | 'lost' | 'failed' | 'wrong'): number => rounds.reduce((sum, one) => sum + one[of], 0)
  const medians = rounds.map(({ medianMs }) => medianMs).sort((a, b) => a - b)
  const at = (share: number): string =>
    `${medians[Math.min(medians.length - 1, Math.floor(share * medians.length))] ?? 0} ms`
  const longest = Math.max(0, ...rounds.map(({ longestMs }) => longestMs))
  const cells = [kind, rounds.length, total('commands'), total('lost'), total('failed'), total('wrong')]
  return `| ${[...cells, at(0.5), at(0.9), `${longest} ms`].join(' | ')} |`
}
