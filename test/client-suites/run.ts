// run.ts: `npm run client-suites [-- names]`: the test suites of client libraries, directly and through Holdfast, and
// what the second run lacks.
//
//   for each suite: lay out ─▶ server, Sentinels, Holdfast ─▶ suite at the server ─▶ suite at Holdfast ─▶ compare
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { compare, type Missing, type Outcome, passes } from '../redis-suite/outcome.ts'
import { makeFolder, removeFolder } from '../support/servers.ts'
import { cacheFolder } from './cache.ts'
import { reasons } from './reasons.ts'
import { runSuite } from './run-suite.ts'
import { startStage } from './stage.ts'
import type { Suite } from './suite.ts'
import { suites } from './suites.ts'

const help = `npm run client-suites [-- names]: test suites of client libraries, directly and through Holdfast

Names: ${suites.map(({ name }) => name).join(', ')}; none: all of them.
Libraries and suites come from Debian's packages and source packages; sources and last results are kept in
${cacheFolder}

Exit code 0: each suite came to its end, and every test that passes directly passes through Holdfast, but for those that
docs/clients.md names. The last line is 'N passed, N failed'.
`

interface Account {
  readonly passed: number
  readonly failed: number
}

async function main(names: readonly string[]): Promise<number> {
  const chosen = suites.filter(({ name }) => names.length === 0 || names.includes(name))
  const unknown = names.filter(name => !suites.some(suite => suite.name === name))
  if (names.includes('--help') || unknown.length > 0) return say(help)
  mkdirSync(cacheFolder, { recursive: true })
  let passed = 0
  let failed = 0
  for (const suite of chosen) {
    const account = await tryOut(suite).catch((error: unknown): Account => {
      say(`FAILED ${suite.name}: ${error instanceof Error ? error.message : error}`)
      return { passed: 0, failed: 1 }
    })
    passed += account.passed
    failed += account.failed
  }
  say(`${passed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

async function tryOut(suite: Suite): Promise<Account> {
  const folder = await makeFolder()
  try {
    suite.layOut(folder)
    say(`\n${suite.library(folder)}`)
    const direct = await runOnce(suite, folder, 'direct')
    const through = await runOnce(suite, folder, 'through')
    return report(direct, through)
  } finally {
    await removeFolder(folder)
  }
}

/** With servers of its own, so that nothing is left of the other run. */
async function runOnce(suite: Suite, folder: string, where: 'direct' | 'through'): Promise<Outcome> {
  const parts: (() => unknown)[] = []
  try {
    const stage = await startStage({ teardown: part => void parts.push(part) }, folder, suite)
    const output = join(cacheFolder, `last-${suite.name}-${where}.txt`)
    const onPlease = where === 'direct' ? async (): Promise<void> => undefined : stage.please
    const outcome = await runSuite({ suite, folder, target: stage[where], output, onPlease })
    say(`${suite.name} ${where}: ${passes(outcome)} tests pass, ${outcome.failures.length} fail; output: ${output}`)
    for (const { cause } of outcome.early) say(`ENDED EARLY: ${indented(cause)}`)
    return outcome
  } finally {
    for (const end of parts.reverse()) await end()
  }
}

function report(direct: Outcome, through: Outcome): Account {
  const all: readonly Missing[] = compare(direct, through, reasons)
  for (const { test, reason, cause } of all) {
    say(reason === undefined ? `MISSING ${test}\n    ${indented(cause)}` : `excused ${test}: ${reason}`)
  }
  const missing = all.filter(({ reason }) => reason === undefined)
  return { passed: passes(through), failed: missing.length + direct.early.length + through.early.length }
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
}
