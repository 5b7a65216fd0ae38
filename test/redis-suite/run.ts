// run.ts: `npm run redis-suite [-- options]`: Redis's own test suite, directly and through Holdfast, and what the
// second run lacks.
//
//   source ─▶ server, Sentinels, Holdfast ─▶ suite at the server ─▶ suite at Holdfast ─▶ compare ─▶ lines, exit code
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder, removeFolder } from '../support/servers.ts'
import { compare, type Failure, join as joined, type Missing, type Outcome, passes } from './outcome.ts'
import { reasons } from './reasons.ts'
import { runSuite } from './runtest.ts'
import { cacheFolder, fetchSource, layOut } from './source.ts'
import { startStage } from './stage.ts'

const help = `npm run redis-suite -- [options]: Redis's own test suite, directly and through Holdfast; some ten minutes

  --source FOLDER   Redis's source, unpacked (else Debian's source package of the installed redis-server, kept in
                    ${cacheFolder})
  --retry-policy P  always or safe (always)
  --through         only through Holdfast; compares with nothing and fails for each test that fails
  anything else     goes to the suite: --single unit/pubsub, --only "NAME OF A TEST"

Exit code 0: the suite came to its end, and every test that passes directly passes through Holdfast, but for those that
docs/guarantees.md names. The last line is 'N passed, N failed'.
`

interface Options {
  readonly source: string | undefined
  readonly policy: string
  readonly throughOnly: boolean
  readonly words: readonly string[]
}

function readOptions(argv: readonly string[]): Options {
  const words = [...argv]
  const flag = (name: string): boolean => {
    const at = words.indexOf(name)
    if (at >= 0) words.splice(at, 1)
    return at >= 0
  }
  const value = (name: string): string | undefined => {
    const at = words.indexOf(name)
    return at >= 0 ? words.splice(at, 2)[1] : undefined
  }
  return {
    source: value('--source'),
    policy: value('--retry-policy') ?? 'always',
    throughOnly: flag('--through'),
    words,
  }
}

/** What is undone at the end. */
const undo: (() => unknown)[] = []

async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help')) return say(help)
  const options = readOptions(argv)
  const source = options.source ?? fetchSource()
  const folder = await makeFolder()
  undo.push(() => removeFolder(folder))
  layOut(source, folder)
  mkdirSync(cacheFolder, { recursive: true })
  const direct = options.throughOnly ? undefined : await runAll('direct', folder, options)
  const through = await runAll('through', folder, options)
  if (direct === undefined) return report(through.failures.map(named), { direct, through })
  const missing = compare(direct, through, reasons)
  return report(await lookAgain(missing, folder, options), { direct, through })
}

const named = ({ unit, test, cause }: Failure): Missing => ({
  test: `${unit}: ${test}`,
  unit,
  reason: undefined,
  cause,
})

/**
 * Several tests of the suite wait for 50 ms or less, and fail on a machine that is busy for so long. So the unit of a
 * test that is missing without a reason is run once more, on both sides. What passes then is said, and not missing.
 */
async function lookAgain(missing: readonly Missing[], folder: string, options: Options): Promise<Missing[]> {
  const units = new Set(missing.filter(({ reason }) => reason === undefined).map(({ unit }) => unit))
  const kept: Missing[] = missing.filter(({ reason }) => reason !== undefined)
  for (const unit of units) {
    say(`\n${unit} once more: a test of it is missing`)
    const once = { ...options, words: ['--single', unit] }
    const direct = await runAll('direct', folder, once)
    const through = await runAll('through', folder, once)
    const again = new Set(compare(direct, through, reasons).map(({ test }) => test))
    for (const one of missing.filter(one => one.unit === unit && one.reason === undefined)) {
      const passed = !again.has(one.test) && (through.passed.get(one.test) ?? 0) > 0
      if (passed) say(`passed the second time: ${one.test}; the first time: ${indented(one.cause)}`)
      else kept.push(one)
    }
    const found = compare(direct, through, reasons).filter(one => one.reason === undefined)
    kept.push(...found.filter(one => !missing.some(({ test }) => test === one.test)))
  }
  return kept
}

/** The suite to its end. Where it ends early in a unit, it goes on behind that unit, with servers of their own. */
async function runAll(where: 'direct' | 'through', folder: string, { words, policy }: Options): Promise<Outcome> {
  let all: Outcome | undefined
  for (let part = 1; ; part++) {
    const last = all?.early.at(-1)?.unit
    const rest = last === undefined ? words : [...words, '--skip-till', last]
    const stage: (() => unknown)[] = []
    undo.push(() => endAll(stage))
    const teardown = (fn: () => unknown): void => void stage.push(fn)
    const { host, port } = await startStage({ teardown }, where, { 'retry-policy': policy })
    const output = join(cacheFolder, `last-${where}-${part}.txt`)
    const onUnit = (line: string): void => void say(`${where} ${line}`)
    const outcome = await runSuite({ folder, host, port, words: rest, output, onUnit })
    await endAll(stage)
    say(`${where}: ${passes(outcome)} tests pass, ${outcome.failures.length} fail; output: ${output}`)
    for (const { unit, cause } of outcome.early) say(`ENDED EARLY in ${unit}: ${indented(cause)}`)
    all = all ? joined(all, outcome) : outcome
    const { unit } = outcome.early[0] ?? { unit: '' }
    if (unit === '' || unit === last) return all
  }
}

/** Ends what was started, last first; each part even where another one fails. */
async function endAll(parts: (() => unknown)[]): Promise<void> {
  for (const end of parts.splice(0).reverse()) {
    try {
      await end()
    } catch (error) {
      say(String(error))
      process.exitCode = 1
    }
  }
}

interface Both {
  readonly direct: Outcome | undefined
  readonly through: Outcome
}

function report(all: readonly Missing[], { direct, through }: Both): number {
  const failed = all.filter(({ reason }) => reason === undefined)
  for (const { test, reason, cause } of all) {
    say(reason === undefined ? `\nMISSING ${test}\n${indented(cause)}` : `\nexcused ${test}: ${reason}`)
  }
  const early = [...(direct?.early ?? []), ...through.early]
  const isEmpty = direct !== undefined && passes(direct) === 0
  if (isEmpty) say('\nno test passed directly: nothing was compared')
  const bad = failed.length + early.length + (isEmpty ? 1 : 0)
  say(`\nmissing and excused: ${all.length - failed.length}`)
  say(`${passes(through)} passed, ${bad} failed`)
  return bad === 0 ? 0 : 1
}

const indented = (text: string): string => text.replaceAll('\n', '\n    ')

function say(text: string): number {
  console.log(text)
  return 0
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.log(error instanceof Error ? (error.stack ?? error.message) : error)
  say('0 passed, 1 failed')
  process.exitCode = 1
} finally {
  await endAll(undo)
}
