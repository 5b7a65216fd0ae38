// `holdfast health` by running it: what it asks, what it answers, and that it needs nothing but the admin address.
import { spawn } from 'node:child_process'
import { createServer, type RequestListener } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { ownFlags } from '../../src/cli/switchover-flags.ts'
import { childEnvironment } from '../support/child-environment.ts'
import { reapChild } from '../support/reaper.ts'

const source = join(fileURLToPath(new URL('../..', import.meta.url)), 'src', 'main.ts')

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** `onStart` is told its process id. */
function run(
  t: Test,
  argv: readonly string[],
  env: Record<string, string> = {},
  onStart: (pid: number) => void = () => {},
): Promise<Ended> {
  const child = spawn(process.execPath, [source, ...argv], {
    env: childEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  reapChild(child)
  t.teardown(() => child.kill('SIGKILL'))
  onStart(child.pid ?? 0)
  const out = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    out.stderr += text
  })
  return new Promise(resolve => child.once('close', code => resolve({ code, ...out })))
}

/** An admin server that answers as told; what it is asked is kept. */
async function startAdmin(t: Test, listener: RequestListener): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    listener(request, response)
  })
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return { port: typeof address === 'object' && address !== null ? address.port : 0, asked }
}

t.test('health — asks /ready and says nothing — when the proxy is ready', async t => {
  const admin = await startAdmin(t, (_, response) => response.end('ready\n'))
  const result = await run(t, ['health', '--admin-listen', `${admin.port}`])
  t.strictSame(result, { code: 0, stdout: '', stderr: '' })
  t.strictSame(admin.asked, ['GET /ready'])
})

for (const word of ['startup', 'live', 'ready'] as const) {
  t.test(`health — asks /${word} — for the word ${word}, with the address from the environment`, async t => {
    const admin = await startAdmin(t, (_, response) => response.end())
    const env = { HOLDFAST_ADMIN_LISTEN: `0.0.0.0:${admin.port}`, HOLDFAST_REDIS_PASSWORD_FILE: '/nowhere' }
    t.strictSame(await run(t, ['health', word], env), { code: 0, stdout: '', stderr: '' })
    t.strictSame(admin.asked, [`GET /${word}`])
  })
}

t.test('health — exit code 1 and one line with the reason — when the proxy is not ready', async t => {
  const admin = await startAdmin(t, (_, response) => response.writeHead(503).end('no master\nsince 3 s\n'))
  t.strictSame(await run(t, ['health', '--admin-listen', `${admin.port}`]), {
    code: 1,
    stdout: '',
    stderr: `holdfast: health: 127.0.0.1:${admin.port}/ready: status 503: no master since 3 s\n`,
  })
})

t.test('health — exit code 1 — when nothing listens there', async t => {
  const { code, stderr } = await run(t, ['health', '--admin-listen', '127.0.0.1:1'])
  t.equal(code, 1)
  t.match(
    stderr,
    /^holdfast: health: 127\.0\.0\.1:1\/ready: .*ECONNREFUSED.*nobody listens there: .* --admin-listen .*\n$/,
  )
})

t.test('health — exit code 1 within its time — when the answer does not come, or does not end', async t => {
  const silent = await startAdmin(t, () => {})
  const endless = await startAdmin(t, (_, response) => response.write('rea'))
  for (const { port } of [silent, endless]) {
    const result = await run(t, ['health', 'live', '--admin-listen', `${port}`])
    const stderr = `holdfast: health: 127.0.0.1:${port}/live: no answer within 1000 ms\n`
    t.strictSame(result, { code: 1, stdout: '', stderr })
  }
})

t.test('health — hears the answer — that came while it stood still itself', async t => {
  const standStill = async (): Promise<Ended> => {
    let pid = 0
    const admin = await startAdmin(t, (_, response) => {
      process.kill(pid, 'SIGSTOP')
      response.end('ready\n')
      setTimeout(() => process.kill(pid, 'SIGCONT'), 2000)
    })
    return run(t, ['health', '--admin-listen', `${admin.port}`], {}, started => {
      pid = started
    })
  }
  // Which comes first when a process wakes up, timers or sockets, is a matter of chance.
  const all = await Promise.all(Array.from({ length: 6 }, standStill))
  for (const ended of all) t.strictSame(ended, { code: 0, stdout: '', stderr: '' })
})

t.test('health — exit code 2 — when it cannot know whom or what to ask', async t => {
  const cases: [string[], RegExp][] = [
    [['health'], /^holdfast: health: needs --admin-listen/],
    [['health', '--admin-listen', 'none'], /^holdfast: health: needs --admin-listen/],
    [['health', '--admin-listen', '0'], /port 0/],
    [['health', 'redy', '--admin-listen', '1'], /expected one of startup, live, ready/],
    [['health', '--admin-lisen', '1'], /--admin-lisen: no such option \(did you mean --admin-listen\?\)/],
  ]
  for (const [argv, text] of cases) {
    const { code, stderr } = await run(t, argv)
    t.equal(code, 2, argv.join(' '))
    t.match(stderr, text)
  }
})

t.test('main — suggests a command and does not show the word — for one that it does not know', async t => {
  t.strictSame(await run(t, ['helth', '--admin-listen', '1']), {
    code: 2,
    stdout: '',
    stderr:
      'holdfast: argument 1: expected an option (--name value) or a command (check, ctl, drill, health, switchover) ' +
      '(did you mean health?)\n' +
      'holdfast: see holdfast --help\n',
  })
  const { code, stderr } = await run(t, ['hunter2'])
  t.equal(code, 2)
  t.notMatch(stderr, 'hunter2')
})

t.test('main — lists the commands in --help — and says of a word of ctl where it belongs', async t => {
  const commands = ['check', 'ctl', 'drill', 'health', 'switchover']
  const { code, stdout } = await run(t, ['--help'])
  t.equal(code, 0)
  for (const command of commands) t.match(stdout, new RegExp(`\\n {2}${command} .*\\S`), command)
  t.match(await run(t, ['pause']), { code: 2, stderr: /\(did you mean ctl pause\?\)/ })
})

t.test('main — has a help for each command with flags of its own — which names each flag and exit code', async t => {
  const flags = {
    check: ['json'],
    health: ['admin-listen'],
    ctl: ['json', 'master', 'max', 'timeout', 'ignore-blocked', 'foreground', 'for'],
    switchover: [...ownFlags.switches, ...ownFlags.values],
    drill: [...ownFlags.switches, ...ownFlags.values, 'hold'],
  }
  const pages: Record<string, string> = { check: 'operations', health: 'operations', ctl: 'control' }
  for (const [command, names] of Object.entries(flags)) {
    const { code, stdout } = await run(t, [command, '--help'])
    t.notMatch(stdout, /--max-held-bytes/, 'the options of the proxy are elsewhere')
    t.equal(code, 0)
    t.match(stdout, new RegExp(`^Usage: holdfast ${command} `))
    for (const name of names) t.match(stdout, new RegExp(`\\n {2}--${name} .*\\S`), `${command} --${name}`)
    t.match(stdout, /\n {2}0 {2}.*\n {2}1 {2}.*\n {2}2 {2}wrong options\n/)
    t.match(stdout, new RegExp(`More: docs/${pages[command] ?? command}\\.md\\.\n$`))
  }
})
