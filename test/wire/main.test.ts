// The process edge, by running it: exit codes, what is written where, signals, and a port that is taken.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { Authority } from '../support/certificates.ts'
import { childEnvironment } from '../support/child-environment.ts'
import { judgeOnce } from '../support/judge-bound.ts'
import { without } from '../support/needs.ts'
import { openWindow } from '../support/pace.ts'
import { reapChild } from '../support/reaper.ts'
import { waitUntil } from '../support/wait-until.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const source = join(root, 'src', 'main.ts')

interface Run {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  readonly ended: Promise<{ code: number | null; signal: string | null }>
  stdout: string
  stderr: string
}

/** Runs the program; it is ended with the test. The environment holds no option but those of `env`. */
function start(
  t: Test,
  argv: readonly string[],
  options: { env?: Record<string, string>; node?: string[]; main?: string } = {},
): Run {
  // The test runner gives its flags to all that it starts; without --enable-source-maps a stack is what Holdfast makes it.
  const [program = '', ...first] = [
    ...(options.main === undefined ? [] : ['env', '-u', 'NODE_OPTIONS']),
    process.execPath,
  ]
  const child = spawn(program, [...first, ...(options.node ?? []), options.main ?? source, ...argv], {
    env: childEnvironment(options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  reapChild(child)
  const ended = new Promise<{ code: number | null; signal: string | null }>(resolve => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const run: Run = { child, ended, stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    run.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    run.stderr += text
  })
  return run
}

async function runToEnd(t: Test, argv: readonly string[], env: Record<string, string> = {}) {
  const run = start(t, argv, { env })
  const { code } = await run.ended
  return { code, stdout: run.stdout, stderr: run.stderr }
}

// Nothing listens on port 1 of the loopback: Sentinels that cannot be reached, which is no reason to end.
const unreachable = ['--sentinels', '127.0.0.1:1', '--master', 'm', '--listen', '127.0.0.1:0']

interface LogLine {
  readonly event?: string
  readonly err?: { readonly stack?: string }
  readonly address?: string
}

function logLines(run: Run): LogLine[] {
  const whole = run.stdout.slice(0, run.stdout.lastIndexOf('\n') + 1)
  return whole
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line))
}

function findEvent(run: Run, event: string): LogLine | undefined {
  return logLines(run).find(line => line.event === event)
}

/** Waits until the program accepts clients; answers its port. */
async function portOf(run: Run): Promise<number> {
  const line = await waitUntil('it listens', () => findEvent(run, 'process.listening'), { withinMs: 10_000 })
  return Number(/^127\.0\.0\.1:(\d+)$/.exec(line.address ?? '')?.[1])
}

/** A client whose command is held, as there is no master: it keeps a stop from ending before the grace is over. */
async function connectHeld(t: Test, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.once('connect', () => socket.write('*2\r\n$3\r\nGET\r\n$1\r\nk\r\n', () => resolve()))
  })
  socket.on('error', () => {})
  return socket
}

t.test('main — answers --help and --version — on standard output with exit code 0', async t => {
  const help = await runToEnd(t, ['--help'])
  t.match(help.stdout, /\n$/, 'the prompt behind it has a line of its own')
  t.match(help, { code: 0, stderr: '', stdout: /^Holdfast: [\s\S]*--sentinels HOST[\s\S]*HOLDFAST_SENTINELS/ })
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  t.strictSame(await runToEnd(t, ['--version']), { code: 0, stdout: `holdfast ${version}\n`, stderr: '' })
})

t.test('main — reports what is wrong in all three sources at once — with exit code 2', async t => {
  const file = join(t.testdir({ 'h.yaml': 'max-sessions: -1\nmastre: m\nsentinel-password: hunter2\n' }), 'h.yaml')
  const result = await runToEnd(t, ['--links', 'shared', '--config', file, '--redis-pasword', 'hunter2'], {
    HOLDFAST_HOLD_TIMEOUT: 'soon',
    HOLDFAST_REDIS_PASSWORD: 'hunter2',
    HOLDFAST_REDIS_PASSWORD_FILE: file,
    HOLDFAST_SENTINELS: 'redis://:hunter2@h:1',
  })
  t.equal(result.code, 2)
  t.equal(result.stdout, '')
  for (const part of [
    'holdfast: --redis-pasword: no such option (did you mean --redis-password?)',
    'holdfast: --links: got "shared"',
    'holdfast: HOLDFAST_HOLD_TIMEOUT (environment): got "soon"',
    `holdfast: ${file}: mastre: no such option (did you mean master?)`,
    `holdfast: ${file}: max-sessions: got "-1"`,
    'holdfast: HOLDFAST_REDIS_PASSWORD (environment): given together with',
    'holdfast: --master: required',
  ]) {
    t.match(result.stderr, part)
  }
  t.match(result.stderr, /\nholdfast: see holdfast --help\n$/)
  t.notMatch(result.stderr, 'hunter2')
})

t.test('main — names the address, the cause and the remedy — when the port is taken', async t => {
  const server = createServer()
  t.teardown(() => server.close())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const result = await runToEnd(t, [...unreachable.slice(0, 4), '--listen', `${port}`])
  t.equal(result.code, 1)
  t.equal(
    result.stderr,
    `holdfast: cannot listen on 127.0.0.1:${port}: something else listens there (EADDRINUSE); ` +
      'stop it, or choose another with --listen or HOLDFAST_LISTEN\n',
  )
})

t.test('main — names the master — when the port of one of several is taken', async t => {
  const server = createServer()
  t.teardown(() => server.close())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const result = await runToEnd(t, ['--sentinels', '127.0.0.1:1', '--master', `cache=0,queue=${port}`])
  t.equal(result.code, 1)
  t.equal(
    result.stderr,
    `holdfast: cannot listen on 127.0.0.1:${port}: something else listens there (EADDRINUSE); ` +
      'stop it, or choose another for the master queue\n',
  )
})

t.test('main — logs where each of several masters listens — and ends with exit code 0', async t => {
  const run = start(t, ['--sentinels', '127.0.0.1:1', '--master', 'cache=0,queue=0', '--shutdown-grace', '0'])
  const line = await waitUntil('it listens', () => findEvent(run, 'process.listening'), { withinMs: 10_000 })
  const address = /^127\.0\.0\.1:\d+$/
  t.match(line, {
    masters: [
      { name: 'cache', address, socket: null },
      { name: 'queue', address },
    ],
  })
  t.match(findEvent(run, 'process.start'), { config: { masters: { cache: {}, queue: {} }, holdTimeoutMs: 60_000 } })
  run.child.kill('SIGTERM')
  t.strictSame(await run.ended, { code: 0, signal: null })
})

t.test('main — says so — when the address is none of this machine', async t => {
  // 192.0.2.0/24 is kept for documentation (RFC 5737): no machine has it.
  const result = await runToEnd(t, [...unreachable.slice(0, 4), '--listen', '192.0.2.1:7000'])
  t.equal(result.code, 1)
  t.match(result.stderr, /^holdfast: cannot listen on 192\.0\.2\.1:7000: .* \(EADDRNOTAVAIL\); .*--listen/)
})

t.test('main — logs where it listens and how it is set, without secrets', async t => {
  const run = start(t, unreachable, { env: { HOLDFAST_REDIS_PASSWORD: 'hunter2', HOLDFAST_LOG_LEVEL: 'trace' } })
  t.ok((await portOf(run)) > 0)
  t.match(findEvent(run, 'process.start'), { config: { masterName: 'm', redisPassword: '[secret]' }, level: 'info' })
  run.child.kill('SIGTERM')
  t.strictSame(await run.ended, { code: 0, signal: null })
  t.notMatch(run.stdout + run.stderr, 'hunter2')
})

t.test('main — asks what was meant — when a name in --deny-commands is almost that of a command', async t => {
  const run = start(t, [...unreachable, '--deny-commands', '+flushal'])
  await portOf(run)
  t.match(findEvent(run, 'deny.unknown'), { level: 'warn', command: 'flushal', msg: /did you mean flushall\?/ })
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  t.test(`main — ends with exit code 0 — at ${signal}, with no Sentinel in reach`, async t => {
    const run = start(t, unreachable)
    await portOf(run)
    run.child.kill(signal)
    t.strictSame(await run.ended, { code: 0, signal: null })
    t.match(findEvent(run, 'process.signal'), { signal })
    t.equal(run.stderr, '')
  })
}

t.test('main — ends at a signal after its grace — when a client still waits', async t => {
  const run = start(t, [...unreachable, '--shutdown-grace', '300ms'])
  await connectHeld(t, await portOf(run))
  run.child.kill('SIGTERM')
  t.strictSame(await run.ended, { code: 0, signal: null })
})

t.test('main — ends at once with exit code 1 — at a second signal', async t => {
  const run = start(t, [...unreachable, '--shutdown-grace', '1h'])
  const client = await connectHeld(t, await portOf(run))
  run.child.kill('SIGTERM')
  await waitUntil('the first signal is seen', () => findEvent(run, 'process.signal'), { withinMs: 10_000 })
  t.equal(client.destroyed, false)
  const readPace = openWindow()
  run.child.kill('SIGTERM')
  t.strictSame(await run.ended, { code: 1, signal: null })
  await judgeOnce(t, 'it ends long before the grace is over', 5000, readPace().elapsedMs, readPace())
  t.ok(findEvent(run, 'process.abort'))
})

for (const [what, code] of [
  ['error', `process.on('SIGUSR2', () => { throw new Error('boom') })`],
  ['rejection', `process.on('SIGUSR2', () => { Promise.reject(new Error('boom')) })`],
] as const) {
  t.test(`main — logs an uncaught ${what} with its stack and ends with exit code 1`, async t => {
    const run = start(t, unreachable, { node: ['--import', `data:text/javascript,${encodeURIComponent(code)}`] })
    await portOf(run)
    run.child.kill('SIGUSR2')
    t.strictSame(await run.ended, { code: 1, signal: null })
    t.match(findEvent(run, 'process.crash'), { level: 'fatal', err: { message: 'boom', stack: /Error: boom\n +at / } })
  })
}

/** The program as its package has it, beside the packages that it needs. */
async function bundle(t: Test): Promise<string> {
  const folder = t.testdir()
  const out = join(folder, 'dist')
  const build = spawn(process.execPath, [join(root, 'scripts', 'bundle.mjs'), out], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  reapChild(build)
  t.teardown(() => build.kill('SIGKILL'))
  t.equal(await new Promise(resolve => build.once('close', resolve)), 0)
  mkdirSync(join(folder, 'node_modules'))
  for (const name of ['@prometheus-io', 'close-with-grace', 'ioredis', 'pino', 'redis-parser', 'yaml']) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', version: '9.8.7' }))
  return join(out, 'main.js')
}

t.test(
  'main — a TLS file is replaced by a broken one behind the check — is told without a stack',
  { skip: without('openssl') },
  async t => {
    const ca = new Authority(t.testdir(), 'authority').ca
    // The version is read for the first line of the log: the options are good then.
    const code = `import fs from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    const read = fs.readFileSync
    let isBroken = false
    fs.readFileSync = (path, ...rest) => {
      isBroken ||= String(path).endsWith('package.json')
      return isBroken && path === ${JSON.stringify(ca)} ? Buffer.alloc(0) : read(path, ...rest)
    }
    syncBuiltinESMExports()`
    const options = [...unreachable, '--redis-tls', 'on', '--redis-tls-ca', ca]
    const run = start(t, options, { node: ['--import', `data:text/javascript,${encodeURIComponent(code)}`] })
    t.match(await run.ended, { code: 1 })
    const cause = `${ca} holds no PEM certificate`
    t.equal(run.stderr, `holdfast: TLS files that were good a moment ago cannot be used: ${cause}\n`)
  },
)

t.test('main — runs when bundled, with the version of its package.json', async t => {
  const main = await bundle(t)
  t.match(readFileSync(main, 'utf8'), /^#!\/usr\/bin\/env node\n/, 'busybox has no env -S')
  const child = spawn(process.execPath, [main, '--version'], { stdio: ['ignore', 'pipe', 'inherit'] })
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  t.equal(await new Promise(resolve => child.once('close', resolve)), 0)
  t.equal(stdout, 'holdfast 9.8.7\n')
})

t.test('main — names files and lines of the source in what it logs of an exception — when it is bundled', async t => {
  const main = await bundle(t)
  // The next look of the watchdog at the clock throws.
  const code = `const now = performance.now.bind(performance)
    process.on('SIGUSR2', () => {
      performance.now = () => {
        const boom = new Error('boom')
        if (!boom.stack.includes('#sweep')) return now()
        performance.now = now
        throw boom
      }
    })`
  const run = start(t, unreachable, { main, node: ['--import', `data:text/javascript,${encodeURIComponent(code)}`] })
  await portOf(run)
  run.child.kill('SIGUSR2')
  const line = await waitUntil('an exception is logged', () => findEvent(run, 'process.bug'), { withinMs: 20_000 })
  const stack = line.err?.stack ?? ''
  const [, file = '', number = '0'] =
    /^Error: boom\n[^\n]*\n +at [^\n]*\((src\/[^:]+\.ts):(\d+):\d+\)/.exec(stack) ?? []
  t.not(file, '', stack)
  const text = readFileSync(join(root, file), 'utf8').split('\n')[Number(number) - 1]
  t.match(text, 'performance.now()', `${file}:${number}`)
  t.notMatch(stack, '/dist/')
})
