// The Unix-domain socket: who may have it, what stands in its way, and that clients work over it.
import { execFile, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { listenAt } from '../../src/transport/unix-socket.ts'
import { childEnvironment } from '../support/child-environment.ts'
import { type InProcess, startHoldfast, startHoldfastProcess, startSingle } from '../support/holdfast.ts'
import { without } from '../support/needs.ts'
import { RespClient } from '../support/resp-client.ts'
import { makeFolder, removeFolder } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

const withoutCli = without('redis-cli')

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

/** A folder with a short path: t.testdir() is too deep for a socket's 107 bytes. */
async function folder(t: Test): Promise<string> {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  return dir
}

/** No Sentinel can be reached: enough where clients only have to get in. */
function startAt(t: Test, options: Readonly<Record<string, string>>): Promise<InProcess> {
  return startHoldfast(t, { sentinels: ['127.0.0.1:1'], options, expectedErrors: ['sentinels.trouble'] })
}

/** The program's own words for why it does not start. */
async function refusal(t: Test, options: Readonly<Record<string, string>>): Promise<string> {
  const flags = Object.entries({ sentinels: '127.0.0.1:1', master: 'm', listen: 'none', ...options })
  const argv = flags.flatMap(([name, value]) => [`--${name}`, value])
  try {
    // What the tests are told by their environment is no option of the program.
    await run(process.execPath, [join(root, 'src', 'main.ts'), ...argv], { timeout: 120_000, env: childEnvironment() })
  } catch (error) {
    const { code, stderr } = error as { code?: number; stderr?: string }
    t.equal(code, 1, 'the exit code')
    return String(stderr)
  }
  throw new Error('it has started')
}

async function redisAt(t: Test, path: string): Promise<Redis> {
  const client = new Redis({ path, lazyConnect: true, retryStrategy: () => null })
  client.on('error', () => {})
  t.teardown(() => client.disconnect())
  await client.connect()
  return client
}

t.test('socket — serves clients — besides a port', async t => {
  const path = join(await folder(t), 'h.sock')
  const { holdfast } = await startSingle(t, { options: { 'listen-socket': path } })
  const client = await redisAt(t, path)
  t.equal(await client.set('k', 'v'), 'OK')
  t.strictSame(await client.multi().get('k').incr('n').exec(), [
    [null, 'v'],
    [null, 1],
  ])
  const other = await RespClient.connect(holdfast.port)
  t.teardown(() => other.close())
  t.equal(await other.send('GET', 'k'), 'v')
})

t.test('socket — serves redis-cli -s — instead of a port', { skip: withoutCli }, async t => {
  const path = join(await folder(t), 'h.sock')
  const { holdfast } = await startSingle(t, { options: { 'listen-socket': path, listen: 'none' } })
  t.equal(holdfast.port, 0, 'no port')
  t.equal((await run('redis-cli', ['-s', path, 'SET', 'k', 'v'])).stdout, 'OK\n')
  t.equal((await run('redis-cli', ['-s', path, '-3', 'GET', 'k'])).stdout, 'v\n')
})

t.test('socket — asks for the client password — as the port does', { skip: withoutCli }, async t => {
  const path = join(await folder(t), 'h.sock')
  await startSingle(t, { options: { 'listen-socket': path, 'client-password': 'pw' } })
  t.match((await run('redis-cli', ['-s', path, 'GET', 'k'])).stdout, /^NOAUTH /)
  const { stdout } = await run('redis-cli', ['-s', path, '-a', 'pw', '--no-auth-warning', 'PING'])
  t.equal(stdout, 'PONG\n')
})

t.test('socket — has the mode it was given — 0660 where none was', async t => {
  const dir = await folder(t)
  for (const [given, wanted] of [
    [undefined, 0o660],
    ['0600', 0o600],
    ['666', 0o666],
  ] as const) {
    const path = join(dir, `${wanted}.sock`)
    await startAt(t, { 'listen-socket': path, ...(given && { 'listen-socket-mode': given }) })
    t.equal(statSync(path).mode & 0o777, wanted)
  }
})

t.test('socket — has the owner it was given', async t => {
  const path = join(await folder(t), 'h.sock')
  const root = process.getuid?.() === 0
  const [uid, gid] = root ? [12_345, 54_321] : [process.getuid?.() ?? 0, process.getgid?.() ?? 0]
  await startAt(t, { 'listen-socket': path, 'listen-socket-owner': `${uid}:${gid}` })
  t.match(statSync(path), { uid, gid })
})

t.test('socket — is never open to more than it was made for — from the first moment', async t => {
  const path = join(await folder(t), 'h.sock')
  const seen = new Int32Array(new SharedArrayBuffer(4 * 514))
  const source = `
    const { workerData: { path, seen } } = require('node:worker_threads')
    const { statSync } = require('node:fs')
    while (Atomics.load(seen, 513) === 0) {
      Atomics.add(seen, 512, 1)
      const mode = statSync(path, { throwIfNoEntry: false })?.mode
      if (mode !== undefined) Atomics.store(seen, mode & 0o777, 1)
    }`
  const before = process.umask(0)
  t.teardown(() => process.umask(before))
  const worker = new Worker(source, { eval: true, workerData: { path, seen } })
  await waitUntil('it looks', () => Atomics.load(seen, 512) > 100, { withinMs: 10_000 })
  for (let i = 0; i < 100; i++) {
    const server = createServer()
    await listenAt(server, { path, mode: 0o640, owner: null, option: 'listen-socket' })
    await new Promise(resolve => server.close(resolve))
  }
  Atomics.store(seen, 513, 1)
  await new Promise(resolve => worker.once('exit', resolve))
  const modes = [...seen.subarray(0, 512).keys()].filter(mode => seen[mode] === 1)
  t.strictSame(
    modes.filter(mode => mode !== 0o600 && mode !== 0o640),
    [],
  )
})

t.test('socket — of a process that was killed — is replaced', async t => {
  const path = join(await folder(t), 'h.sock')
  const source = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`
  const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise(resolve => child.stdout.once('data', resolve))
  const ended = new Promise(resolve => child.once('close', resolve))
  child.kill('SIGKILL')
  await ended
  t.ok(lstatSync(path).isSocket(), 'the stale socket')
  await startSingle(t, { options: { 'listen-socket': path } })
  t.equal(await (await redisAt(t, path)).ping(), 'PONG')
})

t.test('socket — that another process serves — is left alone and named', async t => {
  const path = join(await folder(t), 'h.sock')
  const server = createServer()
  t.teardown(() => server.close())
  await new Promise<void>(resolve => server.listen(path, resolve))
  t.equal(
    await refusal(t, { 'listen-socket': path }),
    `holdfast: cannot make the socket ${path}: another process serves it; stop that one, or choose another place with --listen-socket\n`,
  )
  t.ok(lstatSync(path).isSocket())
})

t.test('socket — in whose place stands something else — is refused, and that is left alone', async t => {
  const dir = await folder(t)
  const [file, link, sub] = [join(dir, 'file'), join(dir, 'link'), join(dir, 'sub')]
  writeFileSync(file, 'precious')
  symlinkSync(join(dir, 'nowhere'), link)
  mkdirSync(sub)
  for (const path of [file, link, sub]) {
    t.match(await refusal(t, { 'listen-socket': path }), /a file that is no socket stands there; remove it, or choose/)
    t.ok(lstatSync(path))
  }
  t.equal(readFileSync(file, 'utf8'), 'precious')
})

t.test('socket — whose place cannot be had — is refused with cause and remedy', async t => {
  const dir = await folder(t)
  const missing = join(dir, 'none', 'h.sock')
  t.match(
    await refusal(t, { 'listen-socket': missing }),
    /the folder .*none cannot be had \(ENOENT\); make it, or choose/,
  )
  writeFileSync(join(dir, 'file'), '')
  t.match(await refusal(t, { 'listen-socket': join(dir, 'file', 'h.sock') }), /file is no folder; choose another place/)
  const long = join(dir, 'x'.repeat(120))
  t.match(
    await refusal(t, { 'listen-socket': long }),
    /is longer than \d+ bytes; choose a shorter one with --listen-socket/,
  )
})

/** Runs as a user who may not give files away; root may. */
async function unprivileged<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work()
  process.seteuid?.(65_534)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
  }
}

t.test('socket — that cannot be given away — is refused, and nothing is left', async t => {
  const dir = await folder(t)
  chmodSync(dir, 0o777)
  const path = join(dir, 'h.sock')
  const place = { path, mode: 0o660, owner: { uid: 0, gid: 0 } }
  await t.rejects(
    unprivileged(() => listenAt(createServer(), { ...place, option: 'listen-socket' })),
    { name: 'SocketFileError', message: /cannot give the socket .* to 0:0 \(EPERM\).*--listen-socket-owner/ },
  )
  t.equal(existsSync(path), false)
})

t.test('socket — that cannot be had — leaves the port free as well', async t => {
  const path = join(await folder(t), 'file')
  writeFileSync(path, '')
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0
  await new Promise(resolve => server.close(resolve))
  await t.rejects(startAt(t, { listen: `127.0.0.1:${port}`, 'listen-socket': path }), { name: 'SocketFileError' })
  const refused = await new Promise(resolve =>
    connect(port, '127.0.0.1').once('error', error => resolve(error.message)),
  )
  t.match(refused, /ECONNREFUSED/)
})

t.test('socket — is removed — when the proxy stops', async t => {
  const path = join(await folder(t), 'h.sock')
  const holdfast = await startAt(t, { 'listen-socket': path })
  t.equal(existsSync(path), true)
  await holdfast.stop()
  t.equal(existsSync(path), false)
})

t.test('socket and port — share the limit of sessions', async t => {
  const path = join(await folder(t), 'h.sock')
  const { holdfast } = await startSingle(t, { options: { 'listen-socket': path, 'max-sessions': '2' } })
  const first = await RespClient.connect(holdfast.port)
  t.teardown(() => first.close())
  t.equal(await first.send('PING'), 'PONG')
  const second = await redisAt(t, path)
  t.equal(await second.ping(), 'PONG')
  for (const at of [{ path }, { port: holdfast.port, host: '127.0.0.1' }]) {
    let said = ''
    const third = connect(at)
    await new Promise(resolve => third.on('data', chunk => (said += chunk)).once('close', resolve))
    t.equal(said, '-ERR max number of clients reached\r\n')
  }
})

t.test('redis-cli — is told and comes to its end — when there are too many sessions', { skip: withoutCli }, async t => {
  const path = join(await folder(t), 'h.sock')
  const { holdfast } = await startSingle(t, { options: { 'listen-socket': path, 'max-sessions': '1' } })
  const first = await RespClient.connect(holdfast.port)
  t.teardown(() => first.close())
  t.equal(await first.send('PING'), 'PONG')
  for (const at of [`-s ${path}`, `-p ${holdfast.port}`]) {
    const { stdout } = await run('redis-cli', [...at.split(' '), 'PING'], { timeout: 120_000 })
    t.equal(stdout.trim(), 'ERR max number of clients reached', at)
  }
})

t.test('doors that other machines reach — are warned of once each — when they ask for nothing', async t => {
  const sentinels = ['127.0.0.1:1']
  const expectedErrors = ['sentinels.trouble']
  const open = await startHoldfastProcess(t, { sentinels, expectedErrors, options: { listen: '0.0.0.0:0' } })
  const lines = open.log.filter(({ event }) => event === 'listen.exposed')
  t.equal(lines.length, 1)
  t.match(lines[0], { level: 'warn', address: '0.0.0.0:0', msg: /neither TLS nor a password.*--client-password-file/ })
  const asked = { listen: '0.0.0.0:0', 'client-password': 'pw' }
  const shut = await startHoldfastProcess(t, { sentinels, expectedErrors, options: asked })
  t.equal(shut.find('listen.exposed'), undefined)
})
