// page.ts: the figures of `npm run prove` as a page for people. Pure.
import { type Fault, faults } from './faults.ts'
import type { Arm } from './rounds.ts'
import { brokenBy, merge, mustShow, type Total } from './total.ts'

/** docs/proof-report.md, of the totals of any number of runs. */
export function pageOf(totals: readonly Total[]): string {
  const sums = [...Map.groupBy(totals, keyOf).values()].map(same => same.reduce(merge))
  const arms = [...Map.groupBy(sums, armOf)]
  return `${[
    '# What the proof found',
    '',
    '<!-- Written by `npm run prove -- --page test/prove/results.jsonl`. Do not edit: add lines there by `--out`. -->',
    '',
    'Clients write through Holdfast without pause while something is done to the servers. They retry nothing. In the end',
    'a judge compares what the servers hold with all that the clients were told. The loads append to lists, count, move',
    'and take jobs, transfer amounts, and compare and set registers, one command at a time, in pipelines and in',
    'transactions. [exactly-once.md](exactly-once.md) says what is promised.',
    '',
    '- **doubled**: an effect is there more often than it was asked for.',
    '- **wrong**: an answer is not true.',
    '- **order**: effects stand the wrong way round, or no order explains the answers about a register.',
    '- **lost**: acknowledged, and not there. Redis replicates asynchronously: without `--ack replicated` a crash may do it.',
    '- **APPLIED**: operations that took effect, and whose reply was lost; in so many rounds.',
    '- **apart**: the master has a core that no other server uses, as on a machine of its own. Where replicas share its',
    '  core, a kill leaves `APPLIED` several times as often',
    '  ([decision 22](decisions/0022-applied-or-lost.md#what-the-share-depends-on)).',
    '- **UNKNOWN**: operations of which nobody can tell.',
    '- **Beyond** are rounds in which the Sentinels failed over once more than the fault asks for, because a machine with too',
    '  much to do made them take a new master for dead: N replicas survive N losses.',
    '',
    ...arms.flatMap(([arm, of]) => [`## ${arm}`, '', ...table(of), '']),
    '## The faults',
    '',
    ...faults.map(fault => `- **${fault.name}**: ${fault.what}.${exceptionsOf(fault)}`),
  ].join('\n')}\n`
}

function keyOf(total: Total): string {
  return `${armOf(total)} ${total.fault} ${total.isApart}`
}

function armOf({ flavour, policy, ack, reads }: Arm): string {
  const options = [
    `--retry-policy ${policy}`,
    ...(ack === null ? [] : [`--ack ${ack}`]),
    ...(reads === null ? [] : [`--reads ${reads}`]),
  ]
  return `${flavour}, \`${options.join(' ')}\``
}

function table(totals: readonly Total[]): string[] {
  const order = (name: string): number => faults.findIndex(fault => fault.name === name)
  const rows = totals.toSorted((a, b) => order(a.fault) - order(b.fault)).map(row)
  const [first] = totals
  const shows = first === undefined ? null : mustShow(first)
  return [
    ...(shows === null ? [] : [`A control arm: it has to show what is ${shows}, or the others prove nothing.`, '']),
    '| fault | rounds | operations | doubled | wrong | order | lost | APPLIED | UNKNOWN |',
    '|---|---|---|---|---|---|---|---|---|',
    ...rows,
  ]
}

function row(total: Total): string {
  const { fault, isApart, rounds, operations, doubled, wrong, order, applied, withApplied, beyond } = total
  const and = (figure: number, ofBeyond: number): string =>
    beyond === 0 ? String(figure) : `${figure} (and ${ofBeyond} in ${beyond} beyond)`
  const lost = and(total.lost, total.lostBeyond)
  const unknown = and(total.unknown, total.unknownBeyond)
  const told = applied === 0 ? '0' : `${applied} in ${withApplied}`
  const known = faults.find(({ name }) => name === fault)
  const broken = known === undefined ? [] : brokenBy(total, known)
  const figures = [rounds, operations, doubled, wrong, order, lost, told, unknown]
  return `| ${fault}${isApart ? ', apart' : ''}${broken.length > 0 ? ` **(broken: ${broken.join(', ')})**` : ''} | ${figures.join(' | ')} |`
}

function exceptionsOf({ loses, unknown, refusals, failovers = 1 }: Fault): string {
  const enough = failovers > 1 ? `--ack replicated=${failovers}` : '--ack replicated'
  return [
    ...(loses === 'unreplicated' ? [` Acknowledged writes may be lost without \`${enough}\`.`] : []),
    ...(loses === 'all' ? [' Acknowledged writes may be lost.'] : []),
    ...(unknown === undefined ? [] : [` \`UNKNOWN\` may come: ${unknown}.`]),
    ...(refusals === undefined ? [] : [' Clients see the errors of the server.']),
  ].join('')
}
