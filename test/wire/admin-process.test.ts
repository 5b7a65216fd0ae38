// The admin port of the program as it is run: a port that is taken, readiness through the stop, lines for people.
import { spawn } from 'node:child_process'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ask, probes, scrape } from '../support/admin.ts'
import { childEnvironment } from '../support/child-environment.ts'
import { startHoldfastProcess } from '../support/holdfast.ts'
import { reapChild } from '../support/reaper.ts'
import { deadline, waitUntil } from '../support/wait-until.ts'

const main = join(fileURLToPath(new URL('../..', import.meta.url)), 'src', 'main.ts')
const options = ['--sentinels', '127.0.0.1:1', '--master', 'm', '--listen', '127.0.0.1:0']

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the program until `until` sees enough of its output, or to its end. */
function run(words: readonly string[], until: (stdout: string) => boolean = () => false): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...words], {
    env: childEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  reapChild(child)
  let told = false
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    // Once: a second signal ends it without a drain.
    if (!told && until(stdout)) told = child.kill('SIGTERM')
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const end = deadline(20_000, () => child.kill('SIGKILL'))
  return new Promise(resolve => {
    child.once('close', code => {
      end()
      resolve({ code, stdout, stderr })
    })
  })
}

t.test('an admin port that is taken — is named with cause and remedy — with exit code 1', async t => {
  const server = createServer()
  t.teardown(() => server.close())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  const { code, stderr } = await run([...options, '--admin-listen', `${port}`])
  t.equal(code, 1)
  t.equal(
    stderr,
    `holdfast: cannot listen on 127.0.0.1:${port}: something else listens there (EADDRINUSE); ` +
      'stop it, or choose another with --admin-listen or HOLDFAST_ADMIN_LISTEN\n',
  )
})

t.test(
  'ready — is 503 from the signal on, through the shutdown delay — and the port is there until the end',
  async t => {
    const holdfast = await startHoldfastProcess(t, {
      sentinels: ['127.0.0.1:1'],
      options: { 'admin-listen': '127.0.0.1:0', 'shutdown-delay': '2s' },
    })
    t.strictSame(await probes(holdfast.admin), { startup: 503, ready: 200, live: 200 })
    const stopped = holdfast.stop()
    await waitUntil('the stop has begun', () => holdfast.find('proxy.stopping'), { withinMs: 5000 })
    t.strictSame(await ask(holdfast.admin, '/ready'), { status: 503, body: 'stopping\n' })
    t.equal((await ask(holdfast.admin, '/live')).status, 200)
    t.equal(JSON.parse((await ask(holdfast.admin, '/status')).body).stopping, true)
    await stopped
    await t.rejects(ask(holdfast.admin, '/live'), { code: 'ECONNREFUSED' })
  },
)

t.test('event loop delay — is in the metrics — when the process stood still', async t => {
  const holdfast = await startHoldfastProcess(t, {
    sentinels: ['127.0.0.1:1'],
    options: { 'admin-listen': '127.0.0.1:0' },
  })
  const worst = async (): Promise<number> =>
    (await scrape(holdfast.admin)).get('holdfast_event_loop_delay_seconds{statistic="max"}') ?? -1
  t.ok((await worst()) >= 0, 'there from the start')
  process.kill(holdfast.pid, 'SIGSTOP')
  const stoppedAt = performance.now()
  await waitUntil('a standstill', () => performance.now() - stoppedAt > 1500, { withinMs: 10_000 })
  process.kill(holdfast.pid, 'SIGCONT')
  await waitUntil('it is told', async () => (await worst()) > 1, { withinMs: 10_000 })
})

t.test('--log-pretty — writes lines for people, without secrets — where JSON would be', async t => {
  const words = [...options, '--log-pretty', '--redis-password', 'hunter2']
  const { code, stdout } = await run(words, text => text.includes('process.listening'))
  t.equal(code, 0)
  const lines = stdout.trimEnd().split('\n')
  t.strictSame(
    lines.filter(line => line.startsWith('{')),
    [],
  )
  const listening = lines.find(line => line.includes('process.listening'))
  t.match(
    listening,
    /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: process\.listening: clients may connect \{"address":"127\.0\.0\.1:\d+"/,
  )
  t.match(lines.at(-1), /INFO: proxy\.stopped: the proxy has stopped$/)
  t.notMatch(stdout, 'hunter2')
})

t.test('a port that is taken — is not said to have a listener — when an outgoing connection has it', async t => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const address = server.address()
  const to = typeof address === 'object' ? (address?.port ?? 0) : 0
  const socket = connect({ host: '127.0.0.1', port: to })
  t.teardown(() => socket.destroy())
  await waitUntil('it is connected', () => socket.localPort !== undefined && !socket.connecting, { withinMs: 20_000 })
  for (const [words, door] of [
    [options.slice(0, 4), '--listen'],
    [options, '--admin-listen'],
  ] as const) {
    const { code, stderr } = await run([...words, door, `127.0.0.1:${socket.localPort}`])
    t.equal(code, 1)
    t.match(stderr, /^holdfast: cannot listen on .*: the port is in use, but nothing accepts connections/)
    t.match(stderr, new RegExp(`outgoing connection.*${door}.*ip_local_reserved_ports`))
  }
})
