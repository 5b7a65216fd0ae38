// test.mjs: `npm test`: makes the machine ready, checks types and style, runs the tests.
//
//   node scripts/test.mjs [file or folder ...]
//
// Prints tap's own stream, then what failed once more, and as its last line `N passed, N failed[, N skipped]`. The exit
// code is 0 only if all of it went well; a check that fails counts as one failure, and so does a run that ends without
// saying what failed.
import { readdirSync, statSync } from 'node:fs'
import { join, sep } from 'node:path'
import { readFailures } from './failures.mjs'
import { exitCode, start } from './run.mjs'
import { root, SetupError, setup } from './setup.mjs'

async function main(files) {
  let node
  try {
    node = await setup({ useful: ['cli', 'valkey', 'openssl', 'deploy', 'ops', 'clock', 'browser'] })
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    process.stderr.write(`setup: ${error.message}\n`)
    return finish({ passed: 0, failed: 1, skipped: 0 }, 1)
  }
  const checks = [
    await check(node, 'types', ['tsc', '-p', 'tsconfig.json']),
    await check(node, 'types of the page', ['tsc', '-p', 'src/page/browser']),
    await check(node, 'style', ['biome', 'check']),
  ]
  const failedChecks = checks.filter(code => code !== 0).length
  const { code, counts } = await runTap(node, files)
  const failed = Math.max(counts.failed, code === 0 ? 0 : 1) + failedChecks
  finish({ ...counts, failed }, code !== 0 ? code : failed > 0 ? 1 : 0)
}

async function check(node, what, words) {
  const code = await exitCode(start(node, words, { cwd: root }))
  process.stdout.write(`# ${what}: ${code === 0 ? 'ok' : `failed (${words.join(' ')})`}\n`)
  return code
}

async function runTap(node, files) {
  const words = ['scripts/suite.mjs', ...(files.length === 0 ? ['test'] : files).flatMap(testFilesOf)]
  const child = start(node, words, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  let tail = ''
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', text => {
    process.stdout.write(text)
    tail = (tail + text).slice(-4096)
  })
  const failures = readFailures(child.stdout)
  const code = await exitCode(child)
  for (const failure of await failures) process.stdout.write(`# ${failure}\n`)
  return { code, counts: readCounts(tail) }
}

/** A file is itself; a folder is the tests in it. The soak runs for as long as it is told to: it is no part of this. */
function testFilesOf(path) {
  if (!statSync(join(root, path), { throwIfNoEntry: false })?.isDirectory()) return [path]
  const folder = path.replace(/\/+$/, '')
  return readdirSync(join(root, folder), { recursive: true })
    .map(name => `${folder}/${name.replaceAll(sep, '/')}`)
    .filter(file => file.endsWith('.test.ts') && !file.startsWith('test/soak/'))
}

/** From tap's closing line, `# { total: 4, pass: 3, skip: 1 }`; a key that is missing is 0. */
function readCounts(tail) {
  const last = [...tail.matchAll(/^# \{ total: .*\}$/gm)].at(-1)?.[0] ?? ''
  const count = key => Number(new RegExp(`\\b${key}: (\\d+)`).exec(last)?.[1] ?? 0)
  return { passed: count('pass'), failed: count('fail'), skipped: count('skip') + count('todo') }
}

function finish({ passed, failed, skipped }, code) {
  process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
  process.exitCode = code
}

await main(process.argv.slice(2))
