// Signals that come while the program starts. It reads its options from a pipe here, and so waits in the middle of it.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { processEnded, reapProcess } from '../support/reaper.ts'
import { waitUntil } from '../support/wait-until.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** Nothing listens on port 1 of the loopback. */
const options = 'sentinels: 127.0.0.1:1\nmaster: m\nlisten: 127.0.0.1:0\n'

interface Starting {
  readonly child: ChildProcess
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>
  readonly configured: () => Promise<void>
  readonly stdout: () => string
}

async function startInTheMiddle(t: Test): Promise<Starting> {
  const pipe = join(t.testdir({}), 'options.yaml')
  execFileSync('mkfifo', [pipe])
  // The test runner's own flags would have Node listen to signals.
  const words = ['-u', 'NODE_OPTIONS', process.execPath, main, '--config', pipe]
  const child = spawn('env', words, { env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'pipe', 'inherit'] })
  const pid = child.pid ?? 0
  reapProcess(pid)
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  const ended = new Promise<{ code: number | null; signal: string | null }>(resolve => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
    processEnded(pid)
  })
  let writer: FileHandle | undefined
  // It opens when somebody reads.
  const opened = open(pipe, 'w').then(handle => {
    writer = handle
    return true
  })
  await waitUntil('it reads its options', () => opened, { withinMs: 30_000 })
  return {
    child,
    ended,
    stdout: () => stdout,
    async configured() {
      await writer?.writeFile(options).catch(() => {})
      await writer?.close()
    },
  }
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const)
  t.test(`${signal} — while the program starts — ends it with exit code 0`, async t => {
    const run = await startInTheMiddle(t)
    run.child.kill(signal)
    await run.configured()
    t.strictSame(await run.ended, { code: 0, signal: null })
  })

t.test('SIGHUP — while the program starts — ends nothing', async t => {
  const run = await startInTheMiddle(t)
  run.child.kill('SIGHUP')
  await run.configured()
  const listens = (): boolean => run.stdout().includes('"process.listening"') || run.child.signalCode !== null
  await waitUntil('it listens, or has ended', listens, { withinMs: 30_000 })
  t.equal(run.child.signalCode, null)
  run.child.kill('SIGTERM')
  t.strictSame(await run.ended, { code: 0, signal: null })
})
