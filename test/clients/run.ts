// run.ts: `npm run clients [-- names]`: unmodified client libraries, each a program of its own, through kill -9, a
// planned failover and a frozen master.
//
//   each client x way x settings ─▶ groups ─▶ one set for a group, a Holdfast for each ─▶ faults ─▶ judge ─▶ report
import { parseArgs } from 'node:util'
import { settings as underTest } from '../support/settings.ts'
import type { Client, Settings, Trial } from './client.ts'
import { absent, clients } from './clients.ts'
import { complaints, type Fault, faults, unexpected } from './judge.ts'
import { writeCode, writePage } from './page.ts'
import { mustBeClean, trialLine } from './report.ts'
import { runSnippets } from './snippets.ts'
import { type Outcome, runTrials } from './trials.ts'

const help = `npm run clients [-- NAME...]: client libraries through failovers, each a program of its own

  --faults killed,planned,frozen     which faults; all where not given
  --settings default,recommended     with which settings; both where not given
  --together N                       how many programs at once (6)
  --page                             writes the table and the code of docs/clients.md
  --code                             writes the code of docs/clients.md, and runs nothing

Names: ${clients.map(({ name }) => name).join(', ')}; none: all of them.
Exit code 0: with the recommended settings no client saw an error, a warning, a wrong reply or a new connection, nor did
one with its own settings that had asked to be told of holds; and the code of the page runs. Under \`once\` a client may
be told of a reply that was lost (docs/exactly-once.md). The last line is
'N passed, N failed'.
`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    faults: { type: 'string', default: faults.join(',') },
    settings: { type: 'string', default: 'default,recommended' },
    together: { type: 'string', default: '6' },
    page: { type: 'boolean', default: false },
    code: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

function versionsOf(chosen: readonly Client[]): Map<Client, string> {
  const versions = new Map<Client, string>()
  for (const client of chosen) {
    try {
      versions.set(client, client.version())
      client.program()
    } catch (error) {
      versions.delete(client)
      say(`skipped ${client.name}: ${error instanceof Error ? error.message.split('\n')[0] : error}`)
    }
  }
  return versions
}

/** Where the defaults are what we recommend, one run is both. */
function trialsOf(client: Client, settings: readonly Settings[]): Trial[] {
  const differing = client.recommended === null ? settings.slice(0, 1) : settings
  return client.ways.flatMap(way => differing.map(choice => ({ client, way, settings: choice })))
}

async function main(): Promise<number> {
  const unknown = positionals.filter(name => !clients.some(client => client.name === name))
  if (values.help || unknown.length > 0) return say(help)
  if (values.code) {
    writeCode()
    return 0
  }
  const chosen = clients.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  const wanted = faults.filter(fault => values.faults.split(',').includes(fault))
  const settings = (['default', 'recommended'] as const).filter(one => values.settings.split(',').includes(one))
  const versions = versionsOf(chosen)
  for (const one of absent) say(`not here: ${one}`)
  const trials = [...versions.keys()].flatMap(client => trialsOf(client, settings))
  const outcomes: Outcome[] = []
  for (let n = 0; n < trials.length; n += Number(values.together))
    outcomes.push(...(await tryOut(trials.slice(n, n + Number(values.together)), wanted)))
  const snippets = await runSnippets([...versions.keys()])
  for (const { client, problem } of snippets)
    if (problem !== undefined) say(`FAILED the code of ${client.name}: ${problem}`)
  const failed = outcomes.filter(isBad).length + snippets.filter(({ problem }) => problem !== undefined).length
  say(`${outcomes.length + snippets.length - failed} passed, ${failed} failed`)
  if (values.page) writePage(outcomes, versions)
  return failed === 0 ? 0 : 1
}

async function tryOut(trials: readonly Trial[], wanted: readonly Fault[]): Promise<Outcome[]> {
  const outcomes = await runTrials(trials, wanted).catch((error: Error) =>
    trials.map((trial): Outcome => ({ trial, handoffs: 'no', figures: [], problem: error.message })),
  )
  for (const outcome of outcomes) {
    say(trialLine(outcome))
    const all = [...(outcome.problem === undefined ? [] : [outcome.problem]), ...outcome.figures.flatMap(complaints)]
    for (const one of all.slice(0, 12)) say(`    ${one.replaceAll('\n', '\n    ')}`)
  }
  return outcomes
}

function isBad(outcome: Outcome): boolean {
  if (outcome.problem !== undefined) return true
  return mustBeClean(outcome) && outcome.figures.some(one => unexpected(one, underTest).length > 0)
}

function say(text: string): number {
  console.log(text)
  return 0
}

try {
  process.exitCode = await main()
} catch (error) {
  console.log(error instanceof Error ? (error.stack ?? error.message) : error)
  say('0 passed, 1 failed')
  process.exitCode = 1
}
