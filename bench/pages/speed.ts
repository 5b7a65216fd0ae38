// speed.ts: from runs of closed loops to the tables of README.md and docs/performance.md. Pure.

import type { CaseSummary, Ratios, TargetSummary } from '../summary.ts'
import { figure, table, twoDigits, withRange } from './markdown.ts'
import type { CompareFile } from './runs.ts'

type Peer = keyof Ratios

const peerTitles: Readonly<Record<Peer, string>> = {
  direct: 'a direct connection',
  haproxy: 'HAProxy',
  twemproxy: 'twemproxy',
  predixy: 'predixy',
  base: 'the version before',
}
const groupTitles: Readonly<Record<string, string>> = {
  c50p1: '50 clients, one at a time',
  c200p1: '200 clients, one at a time',
  c50p16: '50 clients, pipelines of 16',
  c50p100: '50 clients, pipelines of 100',
  v16k: '50 clients, values of 16 KB',
  c1p1: '1 client',
}
const proxyTitles: Readonly<Record<string, string>> = {
  'echo-c': 'echo in C',
  'echo-node': 'echo in Node',
  'echo-onread': 'echo in Node, `onread`',
  haproxy: 'HAProxy',
  twemproxy: 'twemproxy',
  predixy: 'predixy',
  base: 'Holdfast before',
  holdfast: 'Holdfast',
}

export function targetOf(run: CompareFile, caseName: string, target: string): TargetSummary | undefined {
  return run.cases.find(one => one.name === caseName)?.targets.find(one => one.target === target)
}

/** Peers that were measured, in a fixed order. */
function peersOf(run: CompareFile): Peer[] {
  const measured = new Set(run.cases.flatMap(one => one.targets.map(({ target }) => target)))
  return (Object.keys(peerTitles) as Peer[]).filter(peer => peer !== 'base' && measured.has(peer))
}

/** README: the medians alone, SET / GET, and the CPU beside an echo. */
export function shortTable(run: CompareFile): string {
  const peers = peersOf(run)
  const rows = Object.entries(groupTitles).map(([group, title]) => {
    const both = (pick: (one: TargetSummary) => number | undefined): string =>
      ['set', 'get'].map(what => figure(pickOf(run, `${group}.${what}`, pick), 2)).join(' / ')
    const echo = both(one => one.ofEcho?.median)
    return [
      `${title}, SET / GET`,
      ...peers.map(peer => both(one => one.ratio[peer]?.median)),
      echo.includes('–') ? '–' : echo,
    ]
  })
  return table(['', ...peers.map(peer => `of ${peerTitles[peer]}`), "CPU, of an echo's"], rows)
}

function pickOf(run: CompareFile, name: string, pick: (one: TargetSummary) => number | undefined): number | undefined {
  const found = targetOf(run, name, 'holdfast')
  return found === undefined ? undefined : pick(found)
}

/** docs/performance.md: every case by itself, with its range. */
export function longTable(run: CompareFile): string {
  const peers = peersOf(run)
  const rows = casesInOrder(run).map(([one, title]) => {
    const holdfast = targetOf(run, one.name, 'holdfast')
    return [title, ...peers.map(peer => withRange(holdfast?.ratio[peer])), withRange(holdfast?.ofEcho)]
  })
  return table(['', ...peers.map(peer => `of ${peerTitles[peer]}`), "CPU, of an echo's"], rows)
}

function casesInOrder(run: CompareFile): [CaseSummary, string][] {
  return Object.entries(groupTitles).flatMap(([group, title]) =>
    run.cases
      .filter(one => one.name.startsWith(`${group}.`))
      .map(one => [one, `${title}, ${one.name.endsWith('.set') ? 'SET' : 'GET'}`] as [CaseSummary, string]),
  )
}

const cpuCases = ['c50p1.set', 'c50p1.get', 'c200p1.set', 'c200p1.get']

/** User + system, microseconds a command, and the ratio to the echo. */
export function cpuTable(run: CompareFile): string {
  const rows = Object.entries(proxyTitles)
    .filter(([target]) => targetOf(run, 'c50p1.set', target) !== undefined)
    .map(([target, title]) => [
      title,
      ...cpuCases.map(name => cpuCell(targetOf(run, name, target))),
      target.startsWith('echo') ? '–' : figure(targetOf(run, 'c50p1.set', target)?.serverCpuPerMillion, 1),
    ])
  const direct = targetOf(run, 'c50p1.set', 'direct')
  if (direct !== undefined) rows.push(['no proxy', '–', '–', '–', '–', figure(direct.serverCpuPerMillion, 1)])
  const head = ['', '50 clients, SET', '50, GET', '200, SET', '200, GET', 'redis-server, 50, SET']
  return table(head, rows)
}

function cpuCell(one: TargetSummary | undefined): string {
  if (one === undefined || one.proxyPartsPerMillion === null) return '–'
  const { user, system } = one.proxyPartsPerMillion
  return `${twoDigits(user)} + ${twoDigits(system)} (${figure(one.ofEcho?.median, 2)})`
}

/** Of HAProxy, SET / GET, by clients and pipeline, and every other case. */
export function fullTables(run: CompareFile): string {
  const ratio = (name: string): string => figure(targetOf(run, name, 'holdfast')?.ratio.haproxy?.median, 2)
  const both = (group: string): string => `${ratio(`${group}.set`)} / ${ratio(`${group}.get`)}`
  const byClients = [1, 50, 200, 1_000].map(clients => [
    clients.toLocaleString('en'),
    ...[1, 16, 100].map(pipeline => both(`c${clients}p${pipeline}`)),
  ])
  const others = [
    ['values of 16 B, 1 KB, 1 MB, SET / GET', ['v16', 'v1k', 'v1m'].map(both).join(', ')],
    ['INCR one at a time, in pipelines of 16', `${ratio('incr.p1')}, ${ratio('incr.p16')}`],
    ['MGET of 100 keys, LRANGE of 1,000 elements', `${ratio('mget100.p1')}, ${ratio('lrange1000.p1')}`],
    ['RESP3 one at a time, in pipelines of 16, SET / GET', `${both('r3p1')}, ${both('r3p16')}`],
    ['45 clients beside 5 sessions blocked in BLPOP, SET / GET', both('mix50')],
  ]
  return [
    table(['clients', 'one at a time', 'pipelines of 16', 'pipelines of 100'], byClients),
    table(['50 clients', 'of HAProxy'], others),
  ].join('\n\n')
}

const level = 0.98

/** Every case in which a peer was faster, worst first. */
export function behindList(run: CompareFile): string {
  const peers = peersOf(run).filter(peer => peer !== 'direct')
  const behind = casesInOrder(run).flatMap(([one, title]) =>
    peers.flatMap(peer => {
      const ratio = targetOf(run, one.name, 'holdfast')?.ratio[peer]
      return ratio !== undefined && ratio.median < level ? [{ title, peer, ratio }] : []
    }),
  )
  if (behind.length === 0) return 'In none of these cases is a peer faster by more than 2 %.'
  const rows = behind
    .sort((a, b) => a.ratio.median - b.ratio.median)
    .map(({ title, peer, ratio }) => [title, peerTitles[peer], withRange(ratio)])
  return table(['behind in', 'whom', 'ratio'], rows)
}
