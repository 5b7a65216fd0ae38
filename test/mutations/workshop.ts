// workshop.ts: a copy of the program and its tests in a temporary folder, where known bugs are put in and taken out.
//
// Owns: the folder and the test processes it starts. Never: writes to the checkout.
import { spawn } from 'node:child_process'
import { closeSync, cpSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { folderRemoved, reapChild, reapFolder } from '../support/reaper.ts'
import { type Mutation, mutate } from './mutation.ts'

export interface TestRun {
  readonly code: number | null
  readonly output: string
  readonly ms: number
  readonly timedOut: boolean
}

export type Verdict = { readonly kind: 'caught' } | { readonly kind: 'missed'; readonly why: string }

const root = fileURLToPath(new URL('../..', import.meta.url))
/** A test that never ends is killed, and has shown nothing. A walk of sessions takes minutes on a busy machine. */
const limitMs = 600_000
/** tap's own limit, in seconds, is for a file as a whole: what a test waits for has bounds of its own. */
const noTapLimit = '900'
/** With a bug a reply may never come: then its test says so. No test has a command that waits for longer. */
const replyLimitMs = '20000'
/** The exhaustive walks stop at this length here: a known bug shows within a few events. */
const walkLength = '4'

export class Workshop {
  readonly dir: string

  constructor() {
    this.dir = mkdtempSync(join(tmpdir(), 'holdfast-mutations-'))
    reapFolder(this.dir)
    for (const folder of ['src', 'test', 'docs'])
      cpSync(join(root, folder), join(this.dir, folder), { recursive: true })
    cpSync(join(root, 'package.json'), join(this.dir, 'package.json'))
    symlinkSync(join(root, 'node_modules'), join(this.dir, 'node_modules'), 'dir')
  }

  /** The test with the bug in place; the source is put back afterwards. @throws Error when the list is out of date. */
  async runWith(mutation: Mutation): Promise<TestRun> {
    const path = join(this.dir, mutation.file)
    const source = readFileSync(path, 'utf8')
    writeFileSync(path, mutate(source, mutation))
    try {
      return await this.run(mutation.test, { TAP_BAIL: '1' })
    } finally {
      writeFileSync(path, source)
    }
  }

  /** One test file as it is. */
  run(test: string, more: Readonly<Record<string, string>> = {}): Promise<TestRun> {
    const started = performance.now()
    const { PATH, HOME } = process.env
    const limits = {
      HOLDFAST_WALK_LENGTH: walkLength,
      TAP_TIMEOUT: noTapLimit,
      HOLDFAST_TEST_REPLY_LIMIT_MS: replyLimitMs,
    }
    const env = { PATH, HOME, TAP: '1', ...limits, ...more }
    // Into a file: a test that bails exits at once, and what a full pipe has not taken by then is lost.
    const file = join(this.dir, 'output.txt')
    const out = openSync(file, 'w')
    // A group of its own: what a test has started that hangs, or that bails before its teardowns, ends with it.
    const child = spawn(process.execPath, [test], {
      cwd: this.dir,
      env,
      stdio: ['ignore', out, out],
      detached: true,
    })
    closeSync(out)
    reapChild(child, 'group')
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    }, limitMs)
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', code => {
        clearTimeout(timer)
        resolve({ code, output: readFileSync(file, 'utf8'), ms: performance.now() - started, timedOut })
      })
    })
  }

  close(): void {
    rmSync(this.dir, { recursive: true, force: true })
    folderRemoved(this.dir)
  }
}

/** A bug is caught when its test fails and says what the list says it will. */
export function judge({ shows }: Mutation, { code, output, timedOut }: TestRun): Verdict {
  if (code === 0) return { kind: 'missed', why: 'the test passes' }
  if (timedOut) return { kind: 'missed', why: `no end within ${limitMs} ms: ${output.slice(-600)}` }
  const at = Math.max(0, output.search(/^\s*not ok/m))
  // The run ends with the first failure: the name of its test stands before it.
  const failed = output.slice(Math.max(0, output.lastIndexOf('# Subtest:', at)))
  if (!/^\s*not ok/m.test(output)) return { kind: 'missed', why: `no test failed: ${output.slice(-600)}` }
  if (shows.test(failed)) return { kind: 'caught' }
  return { kind: 'missed', why: `it fails, but not with ${shows}:\n${failed.slice(0, 1500)}` }
}
