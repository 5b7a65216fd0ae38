// What is not installed is skipped, and no test file forgets to ask for it.
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { without } from '../../support/needs.ts'

const tests = fileURLToPath(new URL('../..', import.meta.url))

/** What a test file does that needs a program, and that program. */
const signs: readonly (readonly [RegExp, string])[] = [
  [/support\/(?:certificates|tls-scene)\.ts'/, 'openssl'],
  [/\/manifests\.ts'[\s\S]*\brender\(/, 'kubectl'],
  [/\/compose-(?:file|world)\.ts'[\s\S]*\b(?:checkCompose|readServices|startCompose)\(/, 'docker-compose'],
  [/\['redis', 'valkey'\]/, 'valkey-server'],
  [/(?:run|spawnSync|execFile|execFileSync|spawn)\('promtool'/, 'promtool'],
  [/(?:run|spawnSync|execFile|execFileSync|spawn)\('redis-cli'/, 'redis-cli'],
  [/(?:run|spawnSync|execFile|execFileSync|spawn)\('prlimit'/, 'prlimit'],
]

function forgottenIn(text: string): string[] {
  const asked = [...text.matchAll(/\bwithout\(([^)]*)\)/g)].map(([, words = '']) => words).join()
  const isAsked = (program: string): boolean =>
    asked.includes(`'${program}'`) ||
    (program === 'docker-compose' && text.includes('withoutCompose()')) ||
    (program === 'valkey-server' && (/findServer\(/.test(text) || /`\$\{flavour\}-server`/.test(asked)))
  return signs.filter(([sign, program]) => sign.test(text) && !isAsked(program)).map(([, name]) => name)
}

t.test('without — names the programs that are not on PATH — and is false when all are', async t => {
  const folder = t.testdir()
  const before = process.env['PATH']
  t.teardown(() => {
    process.env['PATH'] = before
  })
  process.env['PATH'] = folder
  for (const name of ['here', 'plain']) writeFileSync(join(folder, name), '')
  chmodSync(join(folder, 'here'), 0o755)
  t.equal(without('here'), false)
  t.equal(without('here', 'gone', 'away'), 'not installed: gone, away')
})

t.test('forgottenIn — finds what is planted', async t => {
  t.strictSame(forgottenIn(`import '../support/tls-scene.ts'`), ['openssl'])
  t.strictSame(forgottenIn(`run('redis-cli', []); const skip = without('openssl')`), ['redis-cli'])
  t.strictSame(forgottenIn(`for (const flavour of ['redis', 'valkey'])`), ['valkey-server'])
  t.strictSame(forgottenIn(`run('redis-cli', []); const skip = without('openssl', 'redis-cli')`), [])
})

t.test('test files — ask for each program that not every distribution has', async t => {
  const files = readdirSync(tests, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.test.ts'))
  t.ok(files.length > 100, 'they were found')
  const self = join('unit', 'support', 'needs.test.ts')
  const wrong = files
    .filter(file => file !== self)
    .flatMap(file => forgottenIn(readFileSync(join(tests, file), 'utf8')).map(name => `${file}: ${name}`))
  t.strictSame(wrong, [])
})
