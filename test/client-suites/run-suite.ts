// run-suite.ts: one run of a suite against an address.
//
// Owns: the suite's processes, ended as a group however the run ends, and its output. Never: judges it.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { Outcome } from '../redis-suite/outcome.ts'
import { processEnded, reapProcess } from '../support/reaper.ts'
import type { Result, Suite, Target } from './suite.ts'

export interface Run {
  readonly suite: Suite
  /** Where it is laid out. */
  readonly folder: string
  readonly target: Target
  /** Where its output goes. */
  readonly output: string
  /** Does what the suite asks for by a line `# please: WHAT`; the suite is then told `done`. */
  readonly onPlease: (what: string) => Promise<void>
}

/** No suite takes a third of it on a machine with nothing else to do. */
const limitMs = 480_000
// biome-ignore lint/suspicious/noControlCharactersInRegex: suites colour their output with escape sequences.
const colours = /\x1b\[[0-9;]*m/g

/** Runs the suite to its end. An early end is an outcome, no error. */
export async function runSuite({ suite, folder, target, output, onPlease }: Run): Promise<Outcome> {
  const { argv, env = {} } = suite.command(folder, target)
  rmSync(target.report, { force: true })
  const [program, ...words] = argv
  // A group of its own: suites start programs and leave them behind where they end early.
  const child = spawn(program, words, { cwd: folder, detached: true, env: { ...process.env, ...env } })
  const group = -(child.pid ?? 0)
  reapProcess(group)
  let text = ''
  let ended = ''
  const take = (part: string): void => {
    const from = text.lastIndexOf('\n') + 1
    text += part
    for (const [, what = ''] of text.slice(from, text.lastIndexOf('\n') + 1).matchAll(/^# please: (.*)$/gm)) {
      onPlease(what).then(
        () => child.stdin.write('done\n'),
        error => {
          ended = `${what}: ${error}`
          kill(group)
        },
      )
    }
  }
  child.stdout.setEncoding('utf8').on('data', take)
  child.stderr.setEncoding('utf8').on('data', take)
  const timer = setTimeout(() => {
    ended = `no end after ${limitMs / 1000} s`
    kill(group)
  }, limitMs)
  const signal = await new Promise<NodeJS.Signals | null>((resolve, reject) => {
    child.once('close', (_code, signal) => resolve(signal)).once('error', reject)
  })
  clearTimeout(timer)
  kill(group)
  processEnded(group)
  const report = existsSync(target.report) ? readFileSync(target.report, 'utf8') : text.replaceAll(colours, '')
  writeFileSync(output, text)
  return outcome(suite.name, suite.read(report), ended || (signal ? `ended by ${signal}` : ''))
}

function outcome(unit: string, results: readonly Result[], ended: string): Outcome {
  const passed = new Map<string, number>()
  for (const { test, verdict } of results) {
    const name = `${unit}: ${test}`
    if (verdict === 'passed') passed.set(name, (passed.get(name) ?? 0) + 1)
  }
  const failures = results.flatMap(({ test, verdict, cause }) => (verdict === 'failed' ? [{ unit, test, cause }] : []))
  const cause = ended || (passed.size === 0 ? 'no test passed' : '')
  return { passed, failures, units: [unit], early: cause ? [{ unit, cause }] : [] }
}

function kill(group: number): void {
  try {
    process.kill(group, 'SIGKILL')
  } catch {
    // All of it has ended.
  }
}
