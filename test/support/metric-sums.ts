// metric-sums.ts: what must add up in /metrics, whatever happens to clients and servers. Pure: no I/O.
//
// Each answers in words what is wrong; nothing where all is right. `series` are those of scrape (admin.ts).
type Series = ReadonlyMap<string, number>

/** Without clients each of them is 0, but for what is made ahead (idle and shared links). */
const zeroWithoutClients = [
  'holdfast_sessions',
  'holdfast_handoff_sessions',
  'holdfast_library_sessions',
  'holdfast_unfinished_bytes',
  'holdfast_transaction_bytes',
  'holdfast_unread_bytes',
  'holdfast_held_requests',
  'holdfast_held_bytes',
  'holdfast_pending_bytes',
  'holdfast_withheld_replies',
  'holdfast_withheld_bytes',
  'holdfast_requests_in_flight',
  'holdfast_replica_sessions',
  'holdfast_replica_held_requests',
  'holdfast_split_held_requests',
  'holdfast_sentinel_port_sessions',
  'holdfast_page_viewers',
  'holdfast_paused',
  'holdfast_breaker_open',
  'holdfast_gate_shut_seconds',
]

/** The sum over all series of one metric with these labels; `master` '' where there is one alone. */
export function sumFor(
  series: Series,
  name: string,
  { master, label = '' }: { readonly master: string; readonly label?: string },
): number {
  let sum = 0
  for (const [key, value] of series) {
    const [own, labels = ''] = key.split('{')
    const isWanted =
      own === name && labels.includes(master === '' ? '' : `master="${master}"`) && labels.includes(label)
    if (isWanted) sum += value
  }
  return sum
}

/** Holds at every moment. */
export function sumsOf(series: Series, master: string): string[] {
  const of = (name: string, label = ''): number => sumFor(series, `holdfast_${name}`, { master, label })
  const isShut = of('gate', 'state="holding"') + of('gate', 'state="tripped"')
  const equal: readonly [string, number, number][] = [
    ['held = ended + waiting', of('held_total'), of('held_ended_total') + of('held_requests')],
    ['waits = held ended', of('held_wait_seconds_count'), of('held_ended_total')],
    ['holds = their times + the one that lasts', of('holds_total'), of('hold_seconds_count') + isShut],
    ['pauses = their times', of('pauses_total'), of('pause_seconds_count')],
    ['the gate is in one state', of('gate'), 1],
    ['a shut gate has one cause', of('gate_cause'), isShut],
    ['the breaker is a tripped gate', of('breaker_open'), of('gate', 'state="tripped"')],
    ['sessions = those of all libraries', of('sessions'), of('library_sessions')],
    [
      'replica: held = ended + waiting',
      of('replica_held_total'),
      of('replica_held_ended_total') + of('replica_held_requests'),
    ],
    ['split: at the master = its causes', of('split_reads_total', 'where="master"'), of('split_reads_at_master_total')],
    ...['held_wait', 'hold', 'pause', 'failover'].map((name): [string, number, number] => {
      return [
        `${name}: the last bucket has all`,
        of(`${name}_seconds_bucket`, 'le="+Inf"'),
        of(`${name}_seconds_count`),
      ]
    }),
  ]
  const wrong = equal
    .filter(([, one, other]) => one !== other)
    .map(([rule, one, other]) => `${rule}: ${one} != ${other}`)
  const atMost: readonly [string, number, number][] = [
    ['failovers that drained <= failovers', of('failover_seconds_count'), of('failovers_total')],
    ['open sessions <= accepted ones', of('sessions'), of('sessions_accepted_total')],
    ['breaker trips <= holds', of('breaker_trips_total'), of('holds_total')],
    ['split reads <= commands', of('split_reads_total'), of('commands_total')],
  ]
  const more = atMost.filter(([, one, most]) => one > most).map(([rule, one, most]) => `${rule}: ${one} > ${most}`)
  return [...wrong, ...more].map(text => `${master === '' ? '' : `${master}: `}${text}`)
}

/** A counter never falls, and no series goes. */
export function fallen(before: Series, after: Series): string[] {
  return [...before].flatMap(([key, was]) => {
    const is = after.get(key)
    const isCounter = /_(total|count|sum|bucket)$/.test(key.split('{')[0] ?? '')
    // The address of the master is a label.
    if (is === undefined) return key.startsWith('holdfast_master_info') ? [] : [`${key} is gone`]
    return isCounter && is < was ? [`${key} fell from ${was} to ${is}`] : []
  })
}

/** What there is although no client is connected. */
export function leftWithoutClients(series: Series): string[] {
  return [...series].flatMap(([key, value]) => {
    const [name = '', labels = ''] = key.split('{')
    const isLink = name === 'holdfast_links' && /kind="(private|retired)"/.test(labels)
    return (zeroWithoutClients.includes(name) || isLink) && value !== 0 ? [`${key} is ${value}`] : []
  })
}
