// matrix.ts: `npm run faults`: the process edge. Options in, a line for each trial, the table and the figures out.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Flavour, findServer } from '../support/servers.ts'
import { armOf, arms, promisedIn } from './arms.ts'
import { faults } from './faults.ts'
import { trialLine, writeCells, writeSummary } from './report.ts'
import { runTrial } from './trial.ts'
import type { Arm, Fault, Trial } from './types.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

const help = `npm run faults -- [options]: every fault with every load, policy and server; exit code 1 where a cell has what it may not have

  --only NAMES      faults by name or group, separated by commas (all)
  --server NAMES    redis, valkey (those that are installed)
  --policy NAMES    always, safe, once, replicated: once with --ack replicated --reads committed (all)
  --rounds N        how often each trial is run (1)
  --seed N          decides the random moments (1)
  --json FILE       where all figures go (faults.json)
  --table FILE      where the summary goes: of always and safe the page, of once and replicated a part of it
                    (docs/faults.md when every fault is run with every server and both of one of these pairs)
  --cells FILE      where the figures of every cell go as a page (nowhere)
  --merge FILES     figures of earlier runs, to be in the table as well
  --list            names the faults and ends
`

interface Options {
  readonly faults: readonly Fault[]
  readonly servers: readonly Flavour[]
  readonly arms: readonly Arm[]
  readonly rounds: number
  readonly seed: number
  readonly json: string
  readonly table: string | null
  readonly cells: string | null
  readonly merge: readonly string[]
}

function readOptions(argv: readonly string[]): Options | 'help' | 'list' {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: text,
      server: text,
      policy: text,
      rounds: text,
      seed: text,
      json: text,
      table: text,
      cells: text,
      merge: text,
      list: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help) return 'help'
  if (values.list) return 'list'
  const wanted = words(values.only)
  const chosen = faults.filter(
    ({ name, group }) => wanted.length === 0 || wanted.includes(name) || wanted.includes(group),
  )
  const known = new Set(faults.flatMap(({ name, group }) => [name, group]))
  for (const name of wanted)
    if (!known.has(name)) throw new Error(`--only: there is no fault ${name}; --list names them`)
  const installed = (['redis', 'valkey'] as const).filter(name => findServer(name) !== undefined)
  const servers = pick('--server', installed, values.server)
  const chosenArms = pick('--policy', arms, values.policy)
  const complete = chosen.length === faults.length && values.server === undefined && isWholePage(chosenArms)
  return {
    faults: chosen,
    servers,
    arms: chosenArms,
    rounds: Number(values.rounds ?? 1),
    seed: Number(values.seed ?? 1),
    json: values.json ?? join(root, 'faults.json'),
    merge: words(values.merge),
    cells: values.cells ?? null,
    table: values.table ?? (complete ? join(root, 'docs', 'faults.md') : null),
  }
}

function words(list: string | undefined): string[] {
  return (list ?? '').split(',').filter(word => word !== '')
}

function pick<T extends string>(flag: string, all: readonly T[], list: string | undefined): T[] {
  const wanted = words(list)
  for (const word of wanted)
    if (!all.some(one => one === word)) throw new Error(`${flag}: ${word} is none of ${all.join(', ')}`)
  return all.filter(one => wanted.length === 0 || wanted.includes(one))
}

/** A part of the page is made from both of a pair. */
function isWholePage(chosen: readonly Arm[]): boolean {
  const pairs = [
    chosen.filter(arm => arm === 'always' || arm === 'safe'),
    chosen.filter(arm => promisedIn(arm).policy === 'once'),
  ]
  return pairs.every(({ length }) => length !== 1)
}

interface Outcome {
  readonly trials: Trial[]
  /** Trials that could not be carried out, and why. */
  readonly failed: string[]
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2))
  if (options === 'help') return say(help)
  if (options === 'list') return say(faults.map(({ name, what }) => `${name.padEnd(26)}${what}`).join('\n'))
  const outcome: Outcome = { trials: options.merge.flatMap(trialsIn), failed: [] }
  const plan = planOf(options)
  for (const [index, { fault, ...where }] of plan.entries()) {
    const at = `[${index + 1}/${plan.length}]`
    try {
      const trial = await runTrial(fault, where)
      outcome.trials.push(trial)
      console.log(`${at} ${trialLine(trial)}`)
      for (const violation of trial.violations) console.log(`    NOT ALLOWED: ${violation}`)
    } catch (error) {
      const why = `${fault.name}, ${where.server}, ${armOf(where)}: ${error instanceof Error ? error.message : String(error)}`
      outcome.failed.push(why)
      console.log(`${at} NOT CARRIED OUT: ${why}`)
    }
    // After every trial: a run that is ended early leaves what it has found.
    writeResults(options, outcome)
  }
  const { trials, failed } = outcome
  const violations = trials.reduce((sum, trial) => sum + trial.violations.length, 0)
  const cells = trials.reduce((sum, trial) => sum + trial.cells.length, 0)
  console.log(`all figures: ${options.json}${options.table === null ? '' : `; summary: ${options.table}`}`)
  console.log(`${trials.length} trials, ${cells} cells, ${violations} not allowed, ${failed.length} not carried out`)
  return violations + failed.length > 0 ? 1 : 0
}

function planOf({ faults, servers, arms, rounds, seed }: Options) {
  return Array.from({ length: rounds }, (_, round) =>
    faults.flatMap(fault =>
      servers.flatMap(server => arms.map(arm => ({ fault, server, ...promisedIn(arm), seed: seed + round }))),
    ),
  ).flat()
}

function trialsIn(file: string): Trial[] {
  const { trials }: { trials: Trial[] } = JSON.parse(readFileSync(file, 'utf8'))
  return trials
}

function writeResults(options: Options, { trials, failed }: Outcome): void {
  const facts = {
    when: new Date().toISOString(),
    seed: options.seed,
    rounds: options.rounds,
    node: process.version,
    cpus: cpus().length,
    servers: [...new Set(trials.map(({ server }) => server))].map(versionOf),
  }
  writeFileSync(options.json, `${JSON.stringify({ facts, failed, trials }, null, 1)}\n`)
  writePage(options.table, before => writeSummary(before, trials, { faults, ...facts }))
  writePage(options.cells, () => writeCells(trials, { faults, ...facts }))
}

function writePage(file: string | null, page: (before: string) => string): void {
  if (file === null) return
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, page(existsSync(file) ? readFileSync(file, 'utf8') : ''))
}

function say(text: string): number {
  console.log(text)
  return 0
}

/** `redis 8.0.2`, from the program itself. */
function versionOf(server: Flavour): string {
  const line = execFileSync(findServer(server) ?? server, ['--version'], { encoding: 'utf8' })
  return `${server} ${/v=(\S+)/.exec(line)?.[1] ?? line.trim()}`
}

process.exitCode = await main()
