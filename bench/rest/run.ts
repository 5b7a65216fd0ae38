// run.ts: `--idle`: this checkout and the base, built as their packages are, side by side with nothing to do.

import { SentinelSet } from '../../test/support/sentinel-set.ts'
import type { Options } from '../options.ts'
import { alignTable } from '../report.ts'
import { factsText, runFacts, writeRun } from '../results.ts'
import type { Stage } from '../stage.ts'
import { ownCheckout } from '../targets.ts'
import { buildCopy } from './build.ts'
import { measureCommand, measureRest, measureStarts, restSeconds, rounds, type Subject, settleSeconds } from './rest.ts'

const nodeAlone: Subject = { name: 'node alone', program: undefined }

export async function reportRest(options: Options, stage: Stage): Promise<void> {
  const facts = runFacts(new Date(), options)
  const subjects: Subject[] = []
  if (options.base !== undefined) {
    subjects.push({ name: 'base', program: await buildCopy(stage, 'base', options.base) })
  }
  subjects.push({ name: 'holdfast', program: await buildCopy(stage, 'holdfast', ownCheckout) })
  const set = await SentinelSet.start({ flavour: 'redis' })
  stage.onClose(() => set.stopAll())
  const facing = { sentinels: set.sentinelAddresses(), masterName: set.masterName }
  console.log(`${factsText(facts)}\n`)

  const resting = [nodeAlone, ...subjects]
  const rest = await measureRest(stage, resting, facing)
  console.log(
    `at rest, in front of a healthy set: memory after ${settleSeconds} s, CPU of the ${restSeconds} s after that`,
  )
  const restRows = resting.map(({ name }, n) => {
    const {
      residentBytes = Number.NaN,
      anonymousBytes = Number.NaN,
      core = Number.NaN,
      wakeUpsPerSecond,
    } = rest[n] ?? {}
    const wakeUps = (wakeUpsPerSecond ?? Number.NaN).toFixed(1)
    return [name, mb(residentBytes), mb(anonymousBytes), `${(core * 100).toFixed(2)} %`, wakeUps]
  })
  print([['', 'RSS, MB', 'of its own, MB', 'of a core', 'wake-ups a second'], ...restRows])

  const starts = await measureStarts(stage, subjects, facing)
  const version = await measureCommand(stage, subjects, facing, '--version')
  const health = await measureCommand(stage, subjects, facing, 'health')
  console.log(`medians of ${rounds} rounds: CPU (user and system) and time`)
  const rows = subjects.map(({ name }, n) => [
    name,
    cost(starts[n]?.cpuSeconds, starts[n]?.servesAfterMs),
    cost(version[n]?.cpuSeconds, version[n]?.ms),
    cost(health[n]?.cpuSeconds, health[n]?.ms),
  ])
  print([['', 'start to first reply', '--version', 'health'], ...rows])
  const figures = subjects.map((subject, n) => ({
    ...{ name: subject.name, rest: rest[n + 1], start: starts[n], version: version[n], health: health[n] },
  }))
  console.log(`all figures: ${writeRun(options.json, facts, { nodeAlone: rest[0], figures })}`)
}

function print(rows: readonly string[][]): void {
  console.log(`${alignTable(rows).join('\n')}\n`)
}

function cost(seconds = Number.NaN, ms = Number.NaN): string {
  return `${seconds.toFixed(3)} s, ${ms.toFixed(0)} ms`
}

function mb(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}
