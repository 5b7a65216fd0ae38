// SIGHUP: files are read again, and the process lives on.
import { execFileSync, spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { controlPath, runProgram } from '../support/control.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { startHoldfast, startHoldfastProcess, startSingleProcess } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { RespClient } from '../support/resp-client.ts'
import { TlsScene } from '../support/tls-scene.ts'
import { waitUntil } from '../support/wait-until.ts'

/** With the password in `file`, which may become one that cannot be used. */
async function startWithPassword(t: Test, file: string) {
  const sentinel = await FakeSentinel.start(t)
  sentinel.master = null
  return await startHoldfast(t, {
    sentinels: [`${sentinel.host}:${sentinel.port}`],
    options: { 'redis-password-file': file },
    expectedErrors: ['password.kept'],
  })
}

t.test('SIGHUP — reads passwords again at once — and ends nothing', async t => {
  const file = join(t.testdir({ secret: 'one' }), 'secret')
  const sentinel = await FakeSentinel.start(t)
  sentinel.master = null
  const sentinels = [`${sentinel.host}:${sentinel.port}`]
  const holdfast = await startHoldfastProcess(t, { sentinels, options: { 'redis-password-file': file } })
  writeFileSync(file, 'two')
  process.kill(holdfast.pid, 'SIGHUP')
  await waitUntil('the signal is seen', () => holdfast.find('process.reload'), { withinMs: 10_000 })
  t.match(holdfast.find('process.reload'), { level: 'info', signal: 'SIGHUP' })
  t.ok(holdfast.find('password.reloaded'), 'at once')
  const from = holdfast.log.length
  process.kill(holdfast.pid, 'SIGHUP')
  await waitUntil('a second one', () => holdfast.find('process.reload', from), { withinMs: 10_000 })
  t.match(holdfast.find('process.reload', from), { changed: 0 })
  await holdfast.stop()
})

t.test('SIGHUP — an exception while files are read again — is told, and the next signal reads them', async t => {
  const watcher = new URL('../../src/transport/file-watcher.ts', import.meta.url)
  const planted = `import { FileWatcher } from ${JSON.stringify(watcher)}
    const { lookNow } = FileWatcher.prototype
    FileWatcher.prototype.lookNow = () => {
      FileWatcher.prototype.lookNow = lookNow
      throw new RangeError('planted')
    }`
  const directory = t.testdir({ 'planted.mjs': planted, secret: 'one' })
  const sentinel = await FakeSentinel.start(t)
  sentinel.master = null
  const holdfast = await startHoldfastProcess(t, {
    sentinels: [`${sentinel.host}:${sentinel.port}`],
    options: { 'redis-password-file': join(directory, 'secret') },
    nodeArguments: ['--import', join(directory, 'planted.mjs')],
    expectedErrors: ['process.bug'],
  })
  process.kill(holdfast.pid, 'SIGHUP')
  await waitUntil('it is told', () => holdfast.find('process.bug'), { withinMs: 10_000 })
  t.match(holdfast.find('process.bug'), { step: 'SIGHUP', err: { message: 'planted' } })
  t.equal(holdfast.find('process.reload'), undefined)
  process.kill(holdfast.pid, 'SIGHUP')
  await waitUntil('the next one is seen', () => holdfast.find('process.reload'), { withinMs: 10_000 })
  await holdfast.stop()
})

t.test('TLS key from a pipe — is read once — and SIGHUP goes on with it', { skip: without('openssl') }, async t => {
  const tls = await TlsScene.make(t)
  const options = tls.holdfast('listen')
  const key = options['listen-tls-key'] ?? ''
  const pipe = join(t.testdir({}), 'pipe')
  execFileSync('mkfifo', [pipe])
  // Whoever opened it a second time would wait for ever.
  const writer = spawn('sh', ['-c', 'cat "$1" > "$2"', 'sh', key, pipe])
  t.teardown(() => writer.kill('SIGKILL'))
  const { holdfast } = await startSingleProcess(t, { options: { ...options, 'listen-tls-key': pipe } })
  const isServed = async (): Promise<void> => {
    const client = await RespClient.connect(holdfast.port, holdfast.host, { tls: tls.clientOptions() })
    t.equal(await client.send('PING'), 'PONG')
    await client.close()
  }
  await isServed()
  for (const change of [() => {}, () => rmSync(pipe)]) {
    change()
    const from = holdfast.log.length
    process.kill(holdfast.pid, 'SIGHUP')
    await waitUntil('the signal is seen', () => holdfast.find('process.reload', from), { withinMs: 10_000 })
    t.match(holdfast.find('process.reload', from), { unusable: [] })
    await isServed()
  }
  await holdfast.stop()
})

t.test('password file of an editor that marks its encoding — is refused — and the mark is named', async t => {
  const directory = t.testdir({})
  const files = { utf8: Buffer.from('\ufeffsecret\n'), utf16: Buffer.from('\ufeffsecret\n', 'utf16le') }
  for (const [name, bytes] of Object.entries(files)) {
    writeFileSync(join(directory, name), bytes)
    const flags = ['--sentinels', '127.0.0.1:1', '--master', 'm', '--redis-password-file', join(directory, name)]
    t.match(await runProgram(t, flags), { code: 2, stderr: /--redis-password-file: .* byte order mark/ })
  }
  const file = join(directory, 'secret')
  writeFileSync(file, 'one\r\n')
  const holdfast = await startWithPassword(t, file)
  writeFileSync(file, files.utf8)
  await waitUntil('it is told', () => holdfast.find('password.kept'), { withinMs: 10_000 })
  t.match(holdfast.find('password.kept'), { cause: /byte order mark/ })
})

t.test('ctl reload — a file cannot be used — is not done, however often it is asked', async t => {
  const directory = t.testdir({ secret: 'one' })
  const file = join(directory, 'secret')
  const sentinel = await FakeSentinel.start(t)
  sentinel.master = null
  const sentinels = [`${sentinel.host}:${sentinel.port}`]
  const control = await controlPath(t)
  const options = { 'redis-password-file': file, 'control-socket': control }
  const holdfast = await startHoldfastProcess(t, { sentinels, options, expectedErrors: ['password.kept'] })
  const reload = () => runProgram(t, ['ctl', 'reload'], { HOLDFAST_CONTROL_SOCKET: control })
  t.match(await reload(), { code: 0, stdout: /0 changed/ })
  writeFileSync(file, '')
  for (const _ of [1, 2])
    t.match(await reload(), {
      code: 1,
      stderr: /cannot be used.*stays in use \(.*secret: the file is empty\); correct/,
    })
  t.match(holdfast.find('process.reload'), { unusable: [] })
  t.match(
    holdfast.log.findLast(({ event }) => event === 'process.reload'),
    { unusable: [/secret: the file is empty/] },
  )
  writeFileSync(file, 'one')
  t.match(await reload(), { code: 0 }, 'the same as before')
  await holdfast.stop()
})

t.test('files — that are as they were, after others that cannot be used — end what was told of those', async t => {
  const file = join(t.testdir({ secret: 'one' }), 'secret')
  const holdfast = await startWithPassword(t, file)
  writeFileSync(file, '')
  await waitUntil('it is told', () => holdfast.find('password.kept'), { withinMs: 10_000 })
  writeFileSync(file, 'one')
  await waitUntil('it is over', () => holdfast.find('password.reloaded'), { withinMs: 10_000 })
  t.match(holdfast.find('password.reloaded'), { level: 'info', who: 'redis', msg: /correct again/ })
})

t.test(
  'SIGHUP — the file of --config is another one — names what a restart would change, and says when it would fail',
  async t => {
    const directory = t.testdir({ secret: 'one', 'holdfast.yaml': '' })
    const file = join(directory, 'holdfast.yaml')
    const write = (...lines: string[]): void => writeFileSync(file, lines.join('\n'))
    const kept = [`redis-password-file: ${join(directory, 'secret')}`, 'client-password: before']
    write('hold-timeout: 20s', ...kept)
    const sentinel = await FakeSentinel.start(t)
    sentinel.master = null
    const sentinels = [`${sentinel.host}:${sentinel.port}`]
    const control = await controlPath(t)
    const options = { config: file, 'control-socket': control }
    const holdfast = await startHoldfastProcess(t, { sentinels, options, expectedErrors: ['password.kept'] })
    const reload = () => runProgram(t, ['ctl', 'reload'], { HOLDFAST_CONTROL_SOCKET: control })
    const hangUp = async () => {
      const from = holdfast.log.length
      process.kill(holdfast.pid, 'SIGHUP')
      return waitUntil('the signal is seen', () => holdfast.find('process.reload', from), { withinMs: 10_000 })
    }
    t.match(await hangUp(), { level: 'info', changed: 0, options: [], mistakes: [] })

    write('hold-timeout: 21s', 'max-sessions: 7', kept[0] ?? '', 'client-password: behind-1')
    const told = await hangUp()
    t.strictSame(told['options'], ['client-password', 'max-sessions', 'hold-timeout'])
    t.match(told, { level: 'warn', mistakes: [], msg: /these options \(options\) are others now, and need a restart$/ })
    t.match(await reload(), {
      code: 0,
      stdout: /a restart would change client-password, max-sessions, hold-timeout\n$/,
    })

    // A flag wins over the file, and the content of a password's file needs no restart.
    write('hold-timeout: 20s', ...kept, 'shutdown-grace: 9s', 'control-socket: /elsewhere')
    writeFileSync(join(directory, 'secret'), 'two')
    t.match(await hangUp(), { level: 'info', changed: 1, options: [] })

    write('hold-timeout: 20s', ...kept, 'no-such-option: 1', 'max-sessions: many')
    t.match(await hangUp(), {
      level: 'warn',
      options: [],
      mistakes: [/holdfast.yaml: no-such-option: no such option/, /holdfast.yaml: max-sessions: got "many", expected/],
      msg: /a restart would fail: the options are wrong now \(mistakes\), and those of the start stay in use$/,
    })
    t.match(await reload(), {
      code: 1,
      stderr: /the options are wrong now.*no-such-option.*; correct them before a restart/,
    })
    rmSync(file)
    t.match(await hangUp(), { level: 'warn', mistakes: [/cannot read .*holdfast.yaml: no such file or directory/] })
    t.notMatch(JSON.stringify(holdfast.log), /behind-1|before"/, 'no password is told')
    await holdfast.stop()
  },
)
