// What each command loads: a probe that runs every few seconds loads no package, and the proxy none that it may not need.
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { reapChild } from '../support/reaper.ts'
import { waitUntil } from '../support/wait-until.ts'

const main = join(fileURLToPath(new URL('../..', import.meta.url)), 'src', 'main.ts')

/** Says at the end, on standard error, all that was loaded by name. */
const witness = `import { registerHooks } from 'node:module'
const urls = new Set()
registerHooks({ resolve(name, context, next) { const to = next(name, context); urls.add(to.url); return to } })
process.on('exit', () => process.stderr.write(JSON.stringify([...urls])))`

function run(t: Test, argv: readonly string[]) {
  const words = ['--import', `data:text/javascript,${encodeURIComponent(witness)}`, main, ...argv]
  const { PATH } = process.env
  const child = spawn(process.execPath, words, { env: { PATH }, stdio: ['ignore', 'pipe', 'pipe'] })
  reapChild(child)
  t.teardown(() => child.kill('SIGKILL'))
  const out = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    out.stderr += text
  })
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  const loaded = (): string[] => JSON.parse(out.stderr.slice(out.stderr.lastIndexOf('["')))
  return { child, out, ended, loaded }
}

/** The names of packages among these URLs. */
function packagesOf(urls: readonly string[]): string[] {
  const names = urls.map(url => /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1])
  return [...new Set(names.filter(name => name !== undefined))].sort()
}

const filesOf = (urls: readonly string[]): string[] =>
  urls.flatMap(url => /\/src\/(.*)\.ts$/.exec(url)?.[1] ?? []).sort()

t.test('version — loads no package and no table of options', async t => {
  for (const word of ['--version', '-v']) {
    const version = run(t, [word])
    t.equal(await version.ended, 0)
    t.match(version.out.stdout, /^holdfast \d/)
    t.strictSame(packagesOf(version.loaded()), [])
    t.strictSame(filesOf(version.loaded()), ['cli/node-flags', 'cli/output', 'main'])
  }
})

t.test('help — loads no package', async t => {
  const help = run(t, ['--help'])
  t.equal(await help.ended, 0)
  t.strictSame(packagesOf(help.loaded()), [])
})

t.test('health — loads no package, nothing of TLS and nothing of the proxy', async t => {
  const admin = createServer((_, response) => response.end())
  await new Promise<void>(resolve => admin.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    admin.closeAllConnections()
    admin.close()
  })
  const address = admin.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  const health = run(t, ['health', '--admin-listen', String(port)])
  t.equal(await health.ended, 0)
  const loaded = health.loaded()
  t.ok(filesOf(loaded).includes('cli/health'))
  t.strictSame(packagesOf(loaded), [])
  t.notOk(loaded.includes('node:tls'))
  t.strictSame(
    filesOf(loaded).filter(file => /^(proxy|client|relay|upstream|sentinel|ops)/.test(file)),
    [],
  )
})

t.test('proxy — loads what it was not asked for neither at its start nor later', async t => {
  const proxy = run(t, ['--sentinels', '127.0.0.1:1', '--master', 'm', '--listen', '127.0.0.1:0'])
  await waitUntil('it listens', () => proxy.out.stdout.includes('process.listening'), { withinMs: 30_000 })
  proxy.child.kill('SIGTERM')
  t.equal(await proxy.ended, 0)
  const packages = packagesOf(proxy.loaded())
  for (const name of ['ioredis', 'pino', 'redis-parser']) t.ok(packages.includes(name), `${name} does real work`)
  for (const name of ['@prometheus-io/client', 'pino-pretty', 'yaml']) t.notOk(packages.includes(name), name)
  t.notOk(proxy.loaded().includes('node:http'), 'only the admin port needs it')
})
