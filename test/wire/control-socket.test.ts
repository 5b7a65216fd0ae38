// The control socket: who can have it, what it says to wrong clients, and `holdfast ctl` by running it.

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { ControlClient } from '../../src/control/client.ts'
import { asks, type ControlError } from '../../src/control/protocol.ts'
import { controlPath, openControl, runProgram } from '../support/control.ts'
import { startHoldfast, startSingle, startSingleProcess } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { ask, RespClient } from '../support/resp-client.ts'
import { waitUntil } from '../support/wait-until.ts'

const skip = without('redis-server')

async function start(t: Test) {
  const path = await controlPath(t)
  return { path, ...(await startSingle(t, { options: { 'control-socket': path } })) }
}

/** The first line that the socket answers, when it is written to in these parts. */
async function say(t: Test, path: string, ...parts: string[]): Promise<{ line: object; socket: Socket }> {
  const socket = connect(path).on('error', () => {})
  t.teardown(() => socket.destroy())
  let text = ''
  socket.setEncoding('utf8').on('data', (more: string) => {
    text += more
  })
  for (const part of parts) await new Promise(resolve => socket.write(part, resolve))
  await waitUntil('it answers', () => text.includes('\n'), { withinMs: 5000 })
  return { line: JSON.parse(text.slice(0, text.indexOf('\n'))), socket }
}

const failure = async (work: Promise<unknown>): Promise<ControlError['failure']> => {
  const error = await work.then(
    () => undefined,
    (reason: ControlError) => reason,
  )
  if (error === undefined) throw new Error('it was done')
  return error.failure
}

t.test(
  'control socket — is its owner’s alone — from the moment it is there, and gone with the proxy',
  { skip },
  async t => {
    const { path, holdfast } = await start(t)
    t.equal(statSync(path).mode & 0o777, 0o600)
    t.equal(statSync(path).isSocket(), true)
    const client = await openControl(t, path)
    t.match(await client.ask('status'), {
      masterName: 'mymaster',
      gate: { state: 'open' },
      pause: null,
      logLevel: 'debug',
    })
    await holdfast.stop()
    await client.closed
    t.equal(existsSync(path), false)
  },
)

t.test(
  'control socket — left by a killed process — is taken over; of a living one it is an error',
  { skip },
  async t => {
    const path = await controlPath(t)
    const leave = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', leave, path])
    t.equal(existsSync(path), true, 'nobody serves it')
    const { sentinel } = await startSingle(t, { options: { 'control-socket': path } })
    t.match(await (await openControl(t, path)).ask('status'), { masterName: 'mymaster' })
    const second = { sentinels: [`${sentinel.host}:${sentinel.port}`], options: { 'control-socket': path } }
    await t.rejects(startHoldfast(t, second), {
      message: /another process serves it; stop that one, or choose another place with --control-socket/,
    })
    t.match(await (await openControl(t, path)).ask('status'), { masterName: 'mymaster' }, 'that one has not changed')
  },
)

t.test('control socket — answers what is no request with a cause and a remedy', { skip }, async t => {
  const { path } = await start(t)
  const wrong: [string, object][] = [
    ['what\n', { id: 0, ok: false, error: { code: 'bad-request' } }],
    ['[1]\n', { error: { code: 'bad-request', cause: /no JSON object/ } }],
    ['{"v":2,"id":5,"ask":"status"}\n', { v: 1, id: 5, error: { code: 'version', cause: /version 2 .* version 1/ } }],
    ['{"v":1,"id":6,"ask":"explode"}\n', { id: 6, error: { code: 'unknown-command', remedy: /status, .*pause/ } }],
    ['{"v":1,"id":7,"ask":"pause","master":"x"}\n', { error: { code: 'unknown-master', remedy: /mymaster/ } }],
    ['{"v":1,"id":7,"ask":"pause","master":4}\n', { error: { code: 'bad-request' } }],
    ['{"v":1,"id":8,"ask":"pause","maxMs":-1}\n', { error: { cause: /maxMs is -1, and not a number from 1/ } }],
    ['{"v":1,"id":8,"ask":"pause","maxMs":1e9}\n', { error: { code: 'bad-request' } }],
    ['{"v":1,"id":8,"ask":"pause","leaseMs":1}\n', { error: { cause: /leaseMs/ } }],
    ['{"v":1,"id":8,"ask":"pause","ignoreBlocked":"yes"}\n', { error: { cause: /ignoreBlocked/ } }],
    ['{"v":1,"id":9,"ask":"log-level","level":"loud"}\n', { error: { cause: /level is none of trace/ } }],
    ['{"v":1,"id":9,"ask":"renew"}\n', { error: { code: 'not-paused' } }],
    ['{"v":1,"id":9,"ask":"drain"}\n', { error: { code: 'failed', remedy: 'stop that program' } }],
  ]
  for (const [bytes, answer] of wrong) t.match((await say(t, path, bytes)).line, answer, bytes)
  t.equal(asks.length, 9, 'each has a test here or in pause.test.ts')
})

t.test('control socket — tells the ids of the links — that the server lists', { skip }, async t => {
  const { path, node, holdfast } = await start(t)
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  t.equal(await client.send('WATCH', 'k'), 'OK', 'a link of its own')
  const { ids } = await (await openControl(t, path)).ask('links', { master: 'mymaster' })
  const listed = [...String(await ask(node, ['CLIENT', 'LIST'])).matchAll(/^id=(\d+) .*cmd=(\S+)/gm)]
  const watching = listed.find(([, , command]) => command === 'watch')
  t.ok(watching && (ids as string[]).includes(watching[1] ?? ''), `${ids}`)
  t.ok(
    (ids as string[]).every(id => listed.some(([, one]) => one === id)),
    'and no other',
  )
})

t.test('control socket — takes lines in pieces, and ends with one that is too long', { skip }, async t => {
  const { path } = await start(t)
  const { line, socket } = await say(t, path, '{"v":1,"id":1,"ask":"res', 'ume"}\n{"v":1,"id":2,"ask":"stat', 'us"}\n')
  t.match(line, { id: 1, ok: true, result: { masters: [{ master: 'mymaster', wasPaused: false }] } })
  socket.destroy()
  const long = await say(t, path, 'x'.repeat(70_000))
  t.match(long.line, { id: 0, error: { code: 'bad-request', cause: /more than 65536 bytes/ } })
  await waitUntil('it is closed', () => long.socket.destroyed, { withinMs: 5000 })
})

t.test('control socket — has sixteen connections — and says so to the next', { skip }, async t => {
  const { path } = await start(t)
  const clients = await Promise.all(Array.from({ length: 16 }, () => openControl(t, path)))
  for (const client of clients) await client.ask('status')
  t.match(await failure((await openControl(t, path)).ask('status')), { code: 'too-many' })
  clients[0]?.close()
  const works = async () => (await openControl(t, path)).ask('status')
  t.match(await waitUntil('there is room again', works, { withinMs: 5000 }), { masterName: 'mymaster' })
})

t.test('control client — says why it cannot — with a remedy, and never waits for ever', async t => {
  const path = await controlPath(t)
  t.match(await failure(ControlClient.open(path)), { code: 'no-socket', remedy: /--control-socket/ })
  writeFileSync(path, '')
  t.match(await failure(ControlClient.open(path)), { code: 'not-served' })
  const silent = `${path}.silent`
  const sockets: Socket[] = []
  const server = createServer(socket => sockets.push(socket)).listen(silent)
  t.teardown(() => server.close())
  await once(server, 'listening')
  const client = await openControl(t, silent)
  t.match(await failure(client.ask('status', {}, 50)), { code: 'no-answer', cause: /within 50 ms/ })
  const waiting = failure(client.ask('status', {}, 60_000))
  await waitUntil('it is connected', () => sockets.length === 1, { withinMs: 5000 })
  sockets[0]?.destroy()
  t.match(await waiting, { code: 'closed' })
  t.match(await failure(client.ask('status')), { code: 'closed' })
  if (process.getuid?.() !== 0) {
    chmodSync(silent, 0)
    t.match(await failure(ControlClient.open(silent)), { code: 'not-permitted', remedy: /as the user of the proxy/ })
  }
})

t.test('control client — hears the answer — that came while it stood still itself', { skip }, async t => {
  const { path } = await start(t)
  const client = await openControl(t, path)
  const answer = client.ask('status', {}, 300)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
  t.match(await answer, { masterName: 'mymaster' })
})

t.test('ctl — wrong words and options — exit code 2, nothing asked', async t => {
  const wrong: [string[], RegExp][] = [
    [[], /expected one of status, pause/],
    [['paus'], /did you mean pause\?/],
    [['status'], /needs --control-socket/],
    [['resume', '--max', '3s'], /ctl resume: takes no --max/],
    [['pause', '--max', 'soon'], /--max: got "soon", expected a time/],
    [['pause', '--max'], /--max: expected a value/],
    [['pause', 'now'], /too many words/],
    [['log-level'], /log-level: argument 2: expected one of trace, debug, info/],
    [['log-level', 'loud', '--control-socket', '/nowhere'], /log-level: argument 2: expected one of trace, debug/],
    [['status', '--nonsense'], /--nonsense: no such option\n/],
    [['pause', '--maxx', '5s', '--control-socket', '/nowhere'], /--maxx: no such option \(did you mean --max\?\)\n/],
    [['pause', '--max-session', '5'], /--max-session: no such option \(did you mean --max-sessions\?\)\n/],
    [['pause', 'queue'], /too many words; --master NAME names a master/],
    [['drain', '--master', 'queue'], /ctl drain: takes no --master: it is about the whole process/],
    // An option of the proxy by this name would be ignored, and the pause be real.
    [['pause', '--dry-run', '--control-socket', '/nowhere'], /ctl pause: takes no --dry-run: it acts at once/],
    [['resume', '--dry-run=on', '--control-socket', '/nowhere'], /ctl resume: takes no --dry-run/],
  ]
  for (const [words, text] of wrong) {
    const { code, stdout, stderr } = await runProgram(t, ['ctl', ...words])
    t.equal(code, 2, words.join(' '))
    t.equal(stdout, '')
    t.match(stderr, text)
    t.match(stderr, /\nholdfast: see holdfast ctl --help\n$/)
  }
})

t.test('ctl — status, log level and reload — as a table and as JSON', { skip }, async t => {
  const { path, holdfast } = await start(t)
  const env = { HOLDFAST_CONTROL_SOCKET: path }
  const table = await runProgram(t, ['ctl', 'status'], env)
  t.match(table, { code: 0, stderr: '' })
  t.match(table.stdout, /master +mymaster at 127\.0\.0\.1:\d+\ngate +open for .*\npause +none\n/)
  const json = await runProgram(t, ['ctl', 'status', '--json', '--control-socket', path])
  t.match(JSON.parse(json.stdout), { masterName: 'mymaster', pause: null })
  const client = await openControl(t, path)
  const level = await runProgram(t, ['ctl', 'log-level', 'warn', '--for', '60s'], env)
  t.match(level, { code: 0, stdout: 'the log level was debug and is warn\n' })
  t.match(holdfast.find('log.level'), { from: 'debug', to: 'warn', forMs: 60_000 })
  t.match(await client.ask('status'), { logLevel: 'warn' })
  t.match(await runProgram(t, ['ctl', 'log-level', 'warn', '--for', '100ms'], env), { code: 0 })
  const isBack = (level: string) => async (): Promise<boolean> => (await client.ask('status'))['logLevel'] === level
  await waitUntil('it is as before', isBack('debug'), { withinMs: 5000 })
  t.match(
    holdfast.log.findLast(({ event }) => event === 'log.level'),
    { from: 'warn', to: 'debug', forMs: null },
  )
  t.match(await client.ask('log-level', { level: 'info' }), { was: 'debug', level: 'info', forMs: null })
  t.match(await client.ask('log-level', { level: 'warn', forMs: 100 }), { was: 'info', level: 'warn', forMs: 100 })
  await waitUntil('it is what it was set to until the restart', isBack('info'), { withinMs: 5000 })
  t.match(await client.ask('log-level', { level: 'debug' }), { was: 'info' })
  t.match(await runProgram(t, ['ctl', 'reload'], env), { code: 0, stdout: /0 changed/ })
  t.match(holdfast.find('process.reload'), { by: 'ctl', changed: 0 })
  const failed = await runProgram(t, ['ctl', 'status', '--control-socket', `${path}x`])
  t.match(failed, {
    code: 1,
    stdout: '',
    stderr: /holdfast: ctl status: there is no socket at .*; start the proxy with/,
  })
  const asJson = await runProgram(t, ['ctl', 'status', '--json', '--control-socket', `${path}x`])
  t.match(JSON.parse(asJson.stdout), { error: { code: 'no-socket' } })
})

t.test('ctl — drain — stops the proxy as SIGTERM does', { skip }, async t => {
  const path = await controlPath(t)
  const { holdfast } = await startSingleProcess(t, { options: { 'control-socket': path } })
  const ended = await runProgram(t, ['ctl', 'drain', '--control-socket', path])
  t.match(ended, { code: 0, stdout: /as after SIGTERM/ })
  t.equal(await holdfast.ended, 0)
  t.ok(holdfast.find('control.drain'))
  t.ok(holdfast.find('proxy.stopped'))
  holdfast.signal('SIGTERM') // it has ended, as it was told to
})

t.test('ctl — drain, once more, and the supervisor’s SIGTERM behind it — one stop, in order', { skip }, async t => {
  const path = await controlPath(t)
  const { holdfast } = await startSingleProcess(t, {
    options: { 'control-socket': path, 'shutdown-grace': '10m' },
  })
  const client = await RespClient.connect(holdfast.port)
  t.teardown(() => client.close())
  t.equal(await client.send('SET', 'k', 'v'), 'OK')
  for (const _ of [1, 2]) t.match(await runProgram(t, ['ctl', 'drain', '--control-socket', path]), { code: 0 })
  holdfast.signal('SIGTERM')
  await waitUntil('the signal is heard', () => holdfast.find('process.signal'), { withinMs: 10_000 })
  t.equal(await client.send('GET', 'k'), 'v', 'it serves on')
  await client.close()
  t.equal(await holdfast.ended, 0)
  t.equal(holdfast.find('process.abort'), undefined)
})
