// What V8 is told: no optimizing compiler while nobody uses the proxy, one as soon as somebody does; no garbage of the start.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { compactHeap, mayHold } from '../../src/cli/engine.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { RespClient } from '../support/resp-client.ts'
import { anyFlavour, endServer, makeFolder, removeFolder, startServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'

const main = join(fileURLToPath(new URL('../..', import.meta.url)), 'src', 'main.ts')

t.test('the optimizing compiler — is not used before there is traffic, and is used then', async t => {
  const dir = await makeFolder()
  t.teardown(() => removeFolder(dir))
  const node = await startServer({ flavour: anyFlavour(), kind: 'data', name: 'one', dir, config: ['save ""'] })
  t.teardown(() => endServer(node))
  const sentinel = await FakeSentinel.start(t, { master: { host: node.host, port: node.port } })
  const { PATH } = process.env
  const words = ['--sentinels', `${sentinel.host}:${sentinel.port}`, '--master', 'mymaster', '--listen', '127.0.0.1:0']
  const child = spawn(process.execPath, ['--trace-opt', main, ...words], {
    env: { PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise(resolve => child.once('close', resolve))
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  await waitUntil('it serves', () => out.includes('hold.end'), { withinMs: 60_000 })
  // A restart for Node's flags comes first, and what runs until then is not meant.
  const after = out.slice(out.indexOf('process.start'))
  t.notMatch(after, 'TURBOFAN')
  const [, port] = /"address":"127\.0\.0\.1:(\d+)"/.exec(out) ?? []
  const client = await RespClient.connect(Number(port))
  t.equal(await client.send('SET', 'k', 'v'.repeat(64)), 'OK')
  const optimized = async (): Promise<boolean> => {
    await Promise.all(Array.from({ length: 2000 }, () => client.send('GET', 'k')))
    return out.includes('TURBOFAN')
  }
  await waitUntil('the compiler is used', optimized, { withinMs: 60_000 })
  await client.close()
})

t.test('the optimizing compiler — is left alone — where Node was told what to do with it', async t => {
  t.equal(mayHold([]), true)
  t.equal(mayHold(['--single-threaded-gc'], '--max-old-space-size=100'), true)
  for (const flag of ['--no-opt', '--opt', '--no-turbofan', '--jitless']) t.equal(mayHold([flag]), false, flag)
  t.equal(mayHold([], '--jitless'), false, 'in NODE_OPTIONS')
})

t.test('the heap — has no garbage — after it was compacted', async t => {
  const kept = { objects: Array.from({ length: 1_000_000 }, (_, i) => ({ i })) }
  const before = process.memoryUsage().heapUsed
  kept.objects = []
  compactHeap()
  const after = process.memoryUsage().heapUsed
  t.ok(after < before - 20_000_000, `${before} ${after}`)
  t.equal('gc' in globalThis, false)
})
