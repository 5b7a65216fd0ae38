import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import t from 'tap'
import { ask } from '../support/resp-client.ts'
import {
  anyFlavour,
  endServer,
  freePort,
  isAlive,
  isRunning,
  makeFolder,
  PortTaken,
  removeFolder,
  restartServer,
  startServer,
} from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

const servers = new URL('../support/servers.ts', import.meta.url).href

t.test('freePort — gives ports below 32768, never one twice — and none that is in use', async t => {
  const ports = await Promise.all(Array.from({ length: 40 }, () => freePort()))
  t.equal(new Set(ports).size, 40)
  t.ok(ports.every(port => port >= 10_000 && port < 32_768))
})

t.test('server — says that its port is taken — when something else listens there', async t => {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const port = await freePort()
  const blocker = createServer(socket => socket.destroy())
  await new Promise<void>(resolve => blocker.listen(port, '127.0.0.1', resolve))
  t.teardown(() => new Promise(resolve => blocker.close(resolve)))
  const spec = { flavour: anyFlavour(), kind: 'data' as const, name: 'late', dir, port, config: ['save ""'] }
  await t.rejects(startServer(spec), PortTaken)
})

t.test('server — shows the end of its log — when its config is wrong', async t => {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const port = await freePort()
  const spec = { flavour: anyFlavour(), kind: 'data' as const, name: 'bad', dir, port, config: ['no-such-option 1'] }
  await t.rejects(startServer(spec), /bad: ended at once|end of .*bad\.log/)
})

t.test('server — comes back on its port with a new pid — when restarted', async t => {
  const dir = await makeFolder()
  const port = await freePort()
  const node = await startServer({ flavour: anyFlavour(), kind: 'data', name: 'one', dir, port, config: ['save ""'] })
  t.teardown(async () => {
    await endServer(node)
    await removeFolder(dir)
  })
  const before = node.pid
  await t.rejects(restartServer(node), /still runs/)
  await endServer(node)
  t.strictSame([isRunning(node), isAlive(before)], [false, false])
  await restartServer(node)
  t.not(node.pid, before)
  t.equal(await ask(node, ['PING']), 'PONG')
  const delay = await ask(node, ['CONFIG', 'GET', 'repl-diskless-sync-delay'])
  t.strictSame(delay, ['repl-diskless-sync-delay', '0'], 'its replicas do not wait for more of them')
})

for (const end of ['SIGKILL', 'exit', 'throw'] as const) {
  t.test(`server — does not outlive the test process — when that ends by ${end}`, async t => {
    const script = `
      const s = await import(${JSON.stringify(servers)})
      const dir = await s.makeFolder()
      const port = await s.freePort()
      const node = await s.startServer({ flavour: s.anyFlavour(), kind: 'data', name: 'x', dir, port, config: ['save ""'] })
      process.stdout.write(JSON.stringify({ pid: node.pid, dir }) + '\\n')
      process.stdin.once('data', () => {
        if (${JSON.stringify(end)} === 'throw') throw new Error('as a failing test does')
        process.exit(3)
      })`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'ignore'] })
    t.teardown(() => child.kill('SIGKILL'))
    let out = ''
    child.stdout.on('data', chunk => {
      out += String(chunk)
    })
    await waitUntil('the server runs', () => out.endsWith('\n'), { withinMs: 15_000 })
    const { pid, dir } = JSON.parse(out) as { pid: number; dir: string }
    t.strictSame([isAlive(pid), existsSync(dir)], [true, true])
    if (end === 'SIGKILL') child.kill('SIGKILL')
    else child.stdin.write('now\n')
    await waitUntil('the server is gone', () => !isAlive(pid), { withinMs: 5000 })
    await waitUntil('its folder is gone', () => !existsSync(dir), { withinMs: 5000 })
  })
}
