// runtest.ts: one run of the suite against an address, as an external client of it.
//
// Owns: the suite's processes, ended as a group however the run ends, and its output. Never: judges it (outcome.ts
// does).
import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { processEnded, reapProcess } from '../support/reaper.ts'
import { type Outcome, readOutcome, withoutColours } from './outcome.ts'

export interface Run {
  /** Where the suite is laid out. */
  readonly folder: string
  readonly host: string
  readonly port: number
  /** More words for the suite: `--single`, `unit/pubsub`. */
  readonly words: readonly string[]
  /** Where its output goes. */
  readonly output: string
  /** Each unit that has come to its end, as the suite prints it. */
  readonly onUnit: (line: string) => void
}

/** Not run: what takes minutes, what needs a replica of its own, and what looks into a server by DEBUG. */
const tags = '-slow -needs:repl -needs:debug'
/**
 * A test without progress for so long is stuck; the longest takes some ten seconds on a machine with nothing else to
 * do.
 */
const stuckSeconds = 240
/** The suite's own processes talk by ports from here on; below those of outgoing connections. */
const ports = ['--baseport', '31500', '--portcount', '300']

/** Runs the suite to its end. An early end is an outcome, no error. */
export async function runSuite({ folder, host, port, words, output, onUnit }: Run): Promise<Outcome> {
  const fixed = ['--host', host, '--port', String(port), '--verbose', '--durable', '--tags', tags, ...ports]
  const argv = ['tests/test_helper.tcl', ...fixed, '--timeout', String(stuckSeconds), ...words]
  // A group of its own: the suite starts clients of itself and leaves them behind where it ends early.
  const child = spawn('tclsh', argv, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const group = -(child.pid ?? 0)
  reapProcess(group)
  const file = createWriteStream(output)
  let text = ''
  let partial = ''
  const take = (part: string): void => {
    file.write(part)
    text += part
    const lines = (partial + part).split('\n')
    partial = lines.pop() ?? ''
    for (const line of lines) if (/^\[\d+\/\d+ /.test(line)) onUnit(withoutColours(line))
  }
  child.stdout.setEncoding('utf8').on('data', take)
  child.stderr.setEncoding('utf8').on('data', take)
  await new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject))
  try {
    process.kill(group, 'SIGKILL')
  } catch {
    // All of it has ended.
  }
  processEnded(group)
  file.end()
  await finished(file)
  return readOutcome(text)
}
