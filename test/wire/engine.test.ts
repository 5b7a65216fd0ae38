// What V8 is told: no optimizing compiler while nobody uses the proxy, one as soon as somebody does; no garbage of the start.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { compactHeap, mayHold } from '../../src/cli/engine.ts'
import { reapChild } from '../support/reaper.ts'
import { RespClient } from '../support/resp-client.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

const root = new URL('../../', import.meta.url)
const main = join(fileURLToPath(root), 'src', 'main.ts')
const engine = new URL('src/cli/engine.ts', root)

/** Node 22 is built without V8's middle compiler, and takes its flag all the same. */
const hasMaglev = Reflect.get(process.config.variables, 'v8_enable_maglev') === 1

for (const port of ['master', 'replicas'] as const)
  t.test(`the optimizing compiler — is not used before there is traffic, and is used then — ${port}`, async t => {
    const set = await SentinelSet.start({ replicas: 1 })
    t.teardown(() => set.stopAll())
    const { PATH } = process.env
    const words = ['--sentinels', set.sentinelAddresses().join(','), '--master', 'mymaster']
    const listen = ['--listen', '127.0.0.1:0', '--replica-listen', '127.0.0.1:0']
    const child = spawn(process.execPath, ['--trace-opt', main, ...words, ...listen], {
      env: { PATH },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    reapChild(child)
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
    const after = (): string => out.slice(out.indexOf('process.start'))
    t.notMatch(after(), 'TURBOFAN')
    const listening = port === 'master' ? /"address":"127\.0\.0\.1:(\d+)"/ : /"replicas":"127\.0\.0\.1:(\d+)"/
    const client = await RespClient.connect(Number(listening.exec(out)?.[1]))
    const optimized = async (): Promise<boolean> => {
      await Promise.all(Array.from({ length: 2000 }, () => client.send('GET', 'k'.repeat(64))))
      return after().includes('TURBOFAN')
    }
    await waitUntil('the compiler is used', optimized, { withinMs: 10_000 })
    await client.close()
  })

t.test('the optimizing compiler — takes what was hot before its release, too', async t => {
  const program = `
    import { holdOptimizer, releaseOptimizer } from ${JSON.stringify(engine.href)}
    const hot = n => (n & 7) + (n >> 3)
    let sum = 0
    let rounds = 0
    const run = () => {
      for (let i = 0; i < 10_000; i++) sum += hot(i)
      if (++rounds === 1000) process.stdout.write('ten million calls\\n')
      setImmediate(run)
    }
    holdOptimizer()
    process.stdin.once('data', releaseOptimizer).once('end', () => process.exit())
    run()`
  // The middle compiler may make the loop's code of it, with hot() inlined; then hot() itself is never called.
  const flags = ['--maglev', '--no-maglev-inlining', '--no-use-osr', '--trace-opt']
  const child = spawn(process.execPath, [...flags, '--input-type=module', '--eval', program], {
    env: {},
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  reapChild(child)
  const ended = new Promise(resolve => child.once('close', resolve))
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  const isHot = hasMaglev ? /completed compiling \S+ <JSFunction hot .*MAGLEV/ : /ten million calls/
  await waitUntil('it is hot', () => isHot.test(out), { withinMs: 60_000 })
  t.notMatch(out, /<JSFunction hot .*TURBOFAN/)
  child.stdin.write('release')
  const taken = (): boolean => /completed optimizing \S+ <JSFunction hot .*TURBOFAN/.test(out)
  await waitUntil('what was hot is optimized', taken, { withinMs: 10_000 })
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
