// Whoever reads the program's standard output may stop or leave: clients are served, lines are dropped and counted, and
// SIGTERM ends the process as ever.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { scrape } from '../support/admin.ts'
import { childEnvironment } from '../support/child-environment.ts'
import { startSingle } from '../support/holdfast.ts'
import { processEnded, reapProcess } from '../support/reaper.ts'
import { RespClient } from '../support/resp-client.ts'
import { freePort } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

const main = join(fileURLToPath(new URL('../..', import.meta.url)), 'src', 'main.ts')

interface Program {
  readonly child: ChildProcess
  readonly port: number
  readonly dropped: () => Promise<number>
  readonly end: () => Promise<number | null>
}

async function start(t: Test, stdout: 'pipe' | number, words: readonly string[] = []): Promise<Program> {
  const { sentinel } = await startSingle(t)
  // Nobody reads the log here, which would tell the ports: they are chosen, and others if these are taken by then.
  for (let attempt = 1; ; attempt++) {
    const program = await startOnce(t, { sentinel, stdout, words })
    if (program !== null) return program
    if (attempt === 5) throw new Error('it ends at once, whatever its ports')
  }
}

interface Start {
  readonly sentinel: { readonly host: string; readonly port: number }
  readonly stdout: 'pipe' | number
  readonly words: readonly string[]
}

/** Null where it ended before it served. */
async function startOnce(t: Test, { sentinel, stdout, words }: Start): Promise<Program | null> {
  const [port, adminPort] = [await freePort(), await freePort()]
  const options = ['--sentinels', `${sentinel.host}:${sentinel.port}`, '--master', 'mymaster', '--log-level', 'debug']
  const places = ['--listen', `127.0.0.1:${port}`, '--admin-listen', `127.0.0.1:${adminPort}`, '--shutdown-grace', '1s']
  const child = spawn(process.execPath, [main, ...options, ...places, ...words], {
    env: childEnvironment(),
    stdio: ['ignore', stdout, 'inherit'],
  })
  reapProcess(child.pid ?? 0)
  const ended = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)))
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
    processEnded(child.pid ?? 0)
  })
  const answers = async (): Promise<boolean> => {
    if (child.exitCode !== null) return true
    const client = await RespClient.connect(port)
    const answer = await client.send('PING')
    await client.close()
    return answer === 'PONG'
  }
  await waitUntil('it serves', answers, { withinMs: 60_000 })
  if (child.exitCode !== null) return null
  return {
    child,
    port,
    dropped: async () =>
      (await scrape(`http://127.0.0.1:${adminPort}`)).get('holdfast_log_lines_dropped_total') ?? Number.NaN,
    end: () => {
      child.kill('SIGTERM')
      return ended
    },
  }
}

/** A session more or less is two lines of the level debug. */
function visit(port: number): Promise<void> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => socket.resetAndDestroy())
    socket.on('error', () => {}).once('close', () => resolve())
  })
}

/** Lets clients come and go until lines have been dropped. Answers how many; -1 where the process has ended instead. */
async function fill({ child, port, dropped }: Program): Promise<number> {
  const enough = async (): Promise<number> => {
    if (child.exitCode !== null) return -1
    await Promise.all(Array.from({ length: 200 }, () => visit(port)))
    return dropped()
  }
  return waitUntil('lines are dropped', enough, { withinMs: 120_000 })
}

for (const words of [[], ['--log-pretty']]) {
  const format = words[0] ?? 'JSON'
  t.test(`the reader of the log — leaves — and clients are served, and SIGTERM drains: ${format}`, async t => {
    const program = await start(t, 'pipe', words)
    program.child.stdout?.once('data', () => program.child.stdout?.destroy())
    t.ok((await fill(program)) > 0)
    const client = await RespClient.connect(program.port)
    t.equal(await client.send('SET', 'k', 'v'), 'OK')
    await client.close()
    t.equal(await program.end(), 0)
  })
}

t.test('the reader of the log — stops — and nobody waits for it; back again, it is told', async t => {
  const program = await start(t, 'pipe')
  const missing = await fill(program)
  t.ok(missing > 0)
  const client = await RespClient.connect(program.port)
  t.equal(await client.send('SET', 'k', 'v'), 'OK')
  await client.close()
  let text = ''
  program.child.stdout?.setEncoding('utf8').on('data', (part: string) => {
    text += part
  })
  await waitUntil('it is told', () => text.includes('"log.dropped"'), { withinMs: 60_000 })
  const line = text.split('\n').find(one => one.includes('"log.dropped"')) ?? ''
  const told: { readonly level: string; readonly missing: number } = JSON.parse(line)
  t.equal(told.level, 'warn')
  t.ok(told.missing >= missing, `${told.missing} are missing, of which ${missing} were seen to be`)
  t.equal(await program.end(), 0)
  await waitUntil('the last line is there', () => text.includes('"proxy.stopped"'), { withinMs: 60_000 })
  t.doesNotThrow(
    () =>
      text
        .trimEnd()
        .split('\n')
        .map(one => JSON.parse(one)),
    'no line is torn',
  )
})

t.test('the reader of the log — is stopped for good — and SIGTERM ends the process all the same', async t => {
  const program = await start(t, 'pipe')
  t.ok((await fill(program)) > 0)
  t.equal(await program.end(), 0)
})

t.test('the log — goes to a full disk — and clients are served', async t => {
  const full = openSync('/dev/full', 'w')
  t.teardown(() => closeSync(full))
  const program = await start(t, full)
  const lost = async (): Promise<boolean> => (await program.dropped()) > 0
  await waitUntil('lines are dropped', lost, { withinMs: 60_000 })
  const client = await RespClient.connect(program.port)
  t.equal(await client.send('SET', 'k', 'v'), 'OK')
  await client.close()
  t.equal(await program.end(), 0)
})
