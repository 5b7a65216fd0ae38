// The npm package: packed from a copy of the checkout without dist/, installed globally into an empty folder, it is a
// program that serves, without this repository and without the network.
import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { nodeFlags } from '../../src/cli/node-flags.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { RespClient } from '../support/resp-client.ts'
import { anyFlavour, endServer, makeFolder, removeFolder, startServer } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'
import { endChild, launch, placeIn } from './compose-world.ts'
import { root } from './manifests.ts'
import { startRegistry } from './package-registry.ts'

/** What git would not have in a clean clone. */
const left = ['node_modules', 'dist', '.git', '.tap']

/** Runs to the end, with a home of its own; answers what it wrote. */
function run(t: Test, words: readonly string[], { cwd, home }: { cwd: string; home: string }): Promise<string> {
  const child = launch(words, { HOME: home }, cwd)
  t.teardown(() => endChild(child))
  let said = ''
  let errors = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code =>
      code === 0 ? resolve(said) : reject(new Error(`${words.join(' ')}: exit ${code}\n${said}${errors}`)),
    )
  })
}

t.test('the package — is built when it is packed, and holds the program alone', async t => {
  const folder = await makeFolder()
  t.teardown(() => removeFolder(folder))
  const clone = join(folder, 'clone')
  cpSync(root, clone, {
    recursive: true,
    filter: path => dirname(path) !== dirname(join(root, 'x')) || !left.includes(basename(path)),
  })
  symlinkSync(realpathSync(join(root, 'node_modules')), join(clone, 'node_modules'))
  await run(t, ['npm', 'pack', '--pack-destination', folder], { cwd: clone, home: folder })
  const tarball = readdirSync(folder).find(name => name.endsWith('.tgz')) ?? ''
  const { stdout } = spawnSync('tar', ['-tzf', join(folder, tarball)], { encoding: 'utf8' })
  const odd = stdout
    .trim()
    .split('\n')
    .filter(
      path =>
        !/^package\/(dist\/[\w-]+\.js(?:\.map)?|dist\/page\/[\w-]+\.(?:js|css|html|svg)|dist\/package\.json|package\.json|README\.md|LICENSE)$/.test(
          path,
        ),
    )
  t.strictSame(odd, [])

  const prefix = join(folder, 'prefix')
  const registry = await startRegistry(t, join(folder, 'packed'))
  const words = [
    'npm',
    'install',
    '--global',
    '--prefix',
    prefix,
    '--registry',
    registry,
    '--cache',
    join(folder, 'cache'),
  ]
  await run(t, [...words, '--no-audit', '--no-fund', join(folder, tarball)], { cwd: folder, home: folder })
  const program = join(prefix, 'bin', 'holdfast')

  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  t.equal(await run(t, [program, '--version'], { cwd: folder, home: folder }), `holdfast ${version}\n`)
  t.match(readFileSync(program, 'utf8'), /^#!\/usr\/bin\/env node\n/, 'one word for env, as busybox has it')
  for (const words of [[program], [process.execPath, realpathSync(program)]]) await serves(t, words, folder)
})

/** Started by these words it serves a command, with Node's flags in force, and ends when it is told to. */
async function serves(t: Test, words: readonly string[], dir: string): Promise<void> {
  const node = await startServer({ flavour: anyFlavour(), kind: 'data', name: 'one', dir, config: ['save ""'] })
  t.teardown(() => endServer(node))
  const sentinel = await FakeSentinel.start(t, { master: { host: node.host, port: node.port } })
  const child = launch(
    [...words, '--sentinels', `${sentinel.host}:${sentinel.port}`, '--master', 'mymaster', '--listen', '127.0.0.1:0'],
    {},
  )
  t.teardown(() => endChild(child))
  let log = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  await waitUntil('it serves', () => log.includes('hold.end'), { withinMs: 30_000 })
  const client = await RespClient.connect(placeIn(log, 'address').port)
  t.equal(await client.send('SET', 'k', 'v'), 'OK')
  await client.close()
  t.notMatch(log, 'process.node_flags')
  if (process.platform === 'linux') {
    const started = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').split('\0')
    t.strictSame(started.slice(1, 1 + nodeFlags.length), nodeFlags, `${words.length} words: ${started.join(' ')}`)
  }
  child.kill('SIGTERM')
  await waitUntil('it ends', () => child.exitCode !== null, { withinMs: 30_000 })
  t.equal(child.exitCode, 0)
}
