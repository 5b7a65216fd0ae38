// tail-and-rest.ts: from the runs of the tail, of system calls and of a package at rest to tables of docs/performance.md. Pure.

import { disturbance } from '../report.ts'
import { median } from '../statistics.ts'
import type { RowSummary, TailSummary } from '../tail/report.ts'
import { figure, table, whole } from './markdown.ts'
import type { CallsFile, CompareFile, RestFile, TailFile } from './runs.ts'

const titles: Readonly<Record<string, string>> = {
  direct: 'direct',
  haproxy: 'HAProxy',
  twemproxy: 'twemproxy',
  predixy: 'predixy',
  holdfast: 'Holdfast',
  'holdfast-noflags': 'Holdfast without its flags',
}

/** p99 in microseconds, and its ratio to HAProxy's; MB/s where the large clients go as fast as they can. */
export function tailTable(run: TailFile): string {
  const shown = Object.keys(titles).filter(name => run.rows.some(row => findTarget(row, name) !== undefined))
  const rows = run.rows.map(row => [row.title, ...shown.map(name => tailCell(row, findTarget(row, name)))])
  return table(['beside', ...shown.map(name => titles[name] ?? name)], rows)
}

function findTarget(row: RowSummary, name: string): TailSummary | undefined {
  return row.targets.find(one => one.target === name)
}

function tailCell(row: RowSummary, one: TailSummary | undefined): string {
  if (one === undefined) return '–'
  const ratio = one.target === 'direct' || one.target === 'haproxy' ? undefined : one.ratio.haproxy?.median
  const speed = row.name.endsWith('-always') ? [`${whole(one.megabytesPerSecond)} MB/s`] : []
  const notes = [...(ratio === undefined ? [] : [ratio.toFixed(2)]), ...speed]
  return notes.length === 0 ? whole(one.p99) : `${whole(one.p99)} (${notes.join(', ')})`
}

const caseTitles: Readonly<Record<string, string>> = {
  'c1p1.get': '1 client, GET',
  'c50p1.set': '50 clients, SET',
  'c50p1.get': '50 clients, GET',
  'c50p16.set': '50 clients, pipelines of 16, SET',
  'c50p16.get': '50 clients, pipelines of 16, GET',
  'v16k.set': '50 clients, SET of 16 KB',
  'v16k.get': '50 clients, GET of 16 KB',
}

/** Reads + writes + waits + others, for a command. */
export function callsTable(run: CallsFile): string {
  const shown = ['echo-node', 'haproxy', 'twemproxy', 'predixy', 'holdfast'].filter(name =>
    run.cases.some(({ samples }) => samples.some(({ target }) => target === name)),
  )
  const rows = run.cases.map(({ name, samples }) => [
    caseTitles[name] ?? name,
    ...shown.map(target => {
      const own = samples.filter(sample => sample.target === target).map(({ calls }) => calls)
      const parts = (['reads', 'writes', 'waits', 'others'] as const).map(kind => median(own.map(one => one[kind])))
      // In a pipeline a call serves many commands.
      const digits = parts.some(part => part >= 1) ? 2 : 3
      return own.length === 0 ? '–' : parts.map(part => figure(part, digits)).join(' + ')
    }),
  ])
  return table(['', ...shown.map(name => (name === 'echo-node' ? 'echo in Node' : (titles[name] ?? name)))], rows)
}

export function restTable(run: RestFile): string {
  const seconds = (value: number): string => `${value.toFixed(2)} s`
  const rows = run.figures.map(({ name, rest, start, version, health }) => [
    name === 'base' ? 'Holdfast before' : 'Holdfast',
    `${figure(rest.residentBytes / 1e6, 0)} MB`,
    `${figure(rest.core * 100, 2)} %`,
    `${figure(rest.wakeUpsPerSecond, 0)}`,
    `${whole(start.servesAfterMs)} ms, ${seconds(start.cpuSeconds)}`,
    seconds(version.cpuSeconds),
    seconds(health.cpuSeconds),
  ])
  const { residentBytes, core, wakeUpsPerSecond } = run.nodeAlone
  const alone = [`${figure(residentBytes / 1e6, 0)} MB`, `${figure(core * 100, 2)} %`, figure(wakeUpsPerSecond, 0)]
  const head = ['', 'resident', 'of a core', 'wake-ups a second', 'start', '`--version`', '`health`']
  return table(head, [['Node that does nothing', ...alone, '–', '–', '–'], ...rows])
}

/** When, where and with what: a figure without it means little. */
export function factsLine({ cases, ...facts }: CompareFile): string {
  const { startedAt, commit, node, redis, haproxy, machine, rounds } = facts
  const version = (text: string): string => /\d+\.\d+/.exec(text)?.[0] ?? 'none'
  const programs = `Node ${version(node)}, redis-server ${version(redis)}, HAProxy ${version(haproxy)}`
  const disturbed = disturbance({
    elsewhereShare: median(cases.map(one => one.elsewhereShare)),
    stolenShare: median(cases.map(one => one.stolenShare)),
  })
  const measured = `Measured on ${startedAt.slice(0, 10)} at commit ${commit ?? 'none'} in ${rounds} rounds`
  return [`${measured} on ${machine}; ${programs}.`, ...disturbed.map(line => `The run was ${line.trim()}.`)].join(' ')
}
