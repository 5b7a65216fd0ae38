// The Dockerfile, step by step, without a container: what it says, and that its steps, run in a copy of what
// .dockerignore lets in, give a program that starts by the very words of its ENTRYPOINT. `npm run image:check` builds
// and runs the image.

import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import t, { type Test } from 'tap'
import { nodeFlags } from '../../src/cli/node-flags.ts'
import { FakeSentinel } from '../support/fake-sentinel.ts'
import { freePort, makeFolder, removeFolder } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'
import { endChild, launch, placeIn } from './compose-world.ts'
import { all, execForm, parseDockerfile, type Stage } from './dockerfile.ts'
import { root } from './manifests.ts'

// Two times npm ci: seconds, or a minute each where the cache is empty and the machine is busy.

const stages = parseDockerfile(readFileSync(join(root, 'Dockerfile'), 'utf8'))
const makers = stages.slice(0, -1)
const runtime = stages.at(-1)

t.test('the Dockerfile — has stages to install, to compile and to run — on the current Node LTS', async t => {
  t.strictSame(
    stages.map(({ name, base }) => [name, base]),
    [
      ['packages', 'docker.io/library/node:24-trixie-slim'],
      ['build', 'docker.io/library/node:24-trixie-slim'],
      ['runtime', 'gcr.io/distroless/nodejs24-debian13'],
    ],
  )
})

t.test('the image — runs as a user that is a number and not root — so that runAsNonRoot can be checked', async t => {
  t.strictSame(all(runtime, 'USER'), ['1000:1000'])
})

t.test('the image — needs no shell — to start, to tell its health, or to be built on its base', async t => {
  t.strictSame(all(runtime, 'RUN'), [], 'nothing runs in the last stage')
  // With Node's flags, so that it need not start over.
  const words = ['node', ...nodeFlags, '/app/dist/main.js']
  t.strictSame(execForm(all(runtime, 'ENTRYPOINT')[0] ?? ''), words)
  t.notMatch(runtime?.base ?? '', /slim|alpine/, 'its base has no shell and no npm')
  t.strictSame(execForm(all(runtime, 'HEALTHCHECK')[0] ?? ''), ['node', '/app/dist/main.js', 'health'])
})

t.test('the image — has malloc give back what is free — by its environment', async t => {
  const settings = [...(all(runtime, 'ENV')[0] ?? '').matchAll(/\bMALLOC_\w+=\d+/g)].map(([setting]) => setting)
  t.strictSame(settings, ['MALLOC_ARENA_MAX=1', 'MALLOC_MMAP_THRESHOLD_=131072', 'MALLOC_TRIM_THRESHOLD_=131072'])
})

t.test('the image — says what it is — by the labels of the OCI', async t => {
  const names = [...(all(runtime, 'LABEL')[0] ?? '').matchAll(/org\.opencontainers\.image\.(\w+)="[^"]+"/g)]
  t.strictSame(
    names.map(([, name]) => name),
    ['title', 'description', 'licenses', 'version', 'revision'],
  )
})

t.test('.dockerignore — lets in what the Dockerfile copies — and nothing else', async t => {
  const lines = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter(line => /^[^#]/.test(line))
  t.equal(lines[0], '*')
  const admitted = lines.slice(1).map(line => line.replace(/^!/, ''))
  const copied = [...new Set(makers.flatMap(copiesOf).flatMap(({ from }) => from))]
  t.strictSame(admitted.sort(), copied.map(path => path.replace(/^\.\//, '')).sort())
  for (const path of copied) t.ok(existsSync(join(root, path)), `${path} is there`)
})

t.test(
  'the steps of the Dockerfile — give a program with production packages alone — that starts and stops',
  async t => {
    const folder = await makeFolder()
    t.teardown(() => removeFolder(folder))
    const app = join(folder, 'app')
    mkdirSync(app)
    for (const stage of makers) runSteps(t, stage, join(folder, stage.name))
    for (const copy of copiesOf(runtime)) copyInto(join(folder, copy.stage), app, copy)
    t.strictSame(packagesIn(app), productionPackages(), 'the packages of the image')
    await startAndStop(t, app)
  },
)

interface Copy {
  /** From the checkout where it is empty. */
  readonly stage: string
  readonly from: readonly string[]
  readonly to: string
}

function copiesOf(stage: Stage | undefined): Copy[] {
  return all(stage, 'COPY').map(copyOf)
}

function copyOf(text: string): Copy {
  const paths = text.split(/\s+/).filter(word => !word.startsWith('--'))
  const stage = /--from=(\w+)/.exec(text)?.[1] ?? ''
  return { stage, from: paths.slice(0, -1), to: paths.at(-1) ?? '' }
}

/** As COPY does: what is in a folder, or a file by its name. `/app` is where both stages work. */
function copyInto(source: string, target: string, { from, to }: Copy): void {
  for (const path of from.map(name => name.replace('/app/', ''))) {
    const isFolder = statSync(join(source, path)).isDirectory()
    cpSync(join(source, path), isFolder ? join(target, to) : join(target, to, basename(path)), { recursive: true })
  }
}

/** COPY and RUN of a stage, in order. */
function runSteps(t: Test, stage: Stage, folder: string): void {
  mkdirSync(folder)
  for (const { name, text } of stage.instructions) {
    if (name === 'COPY') copyInto(root, folder, copyOf(text))
    if (name !== 'RUN') continue
    const [program = '', ...args] = execForm(text) ?? text.split(/\s+/)
    const result = spawnSync(program, args, { cwd: folder, encoding: 'utf8' })
    t.equal(result.status, 0, `${text}${result.status === 0 ? '' : `\n${result.stdout}${result.stderr}`}`)
  }
}

/** The folders with a package, as paths in `folder`: what is there, not what this version of npm writes of it. */
function packagesIn(folder: string, inside = 'node_modules'): string[] {
  const names = existsSync(join(folder, inside)) ? readdirSync(join(folder, inside)) : []
  const paths = names.filter(name => !name.startsWith('.')).map(name => join(inside, name))
  const packages = paths.flatMap(path => (basename(path).startsWith('@') ? scopedIn(folder, path) : [path]))
  return [...packages, ...packages.flatMap(path => packagesIn(folder, join(path, 'node_modules')))].sort()
}

function scopedIn(folder: string, scope: string): string[] {
  return readdirSync(join(folder, scope)).map(name => join(scope, name))
}

/** What the lock file does not call a development package. */
function productionPackages(): string[] {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean; devOptional?: boolean }>
  }
  return Object.entries(packages)
    .filter(([path, { dev, optional, devOptional }]) => path !== '' && !dev && !optional && !devOptional)
    .map(([path]) => path)
    .sort()
}

/** By the words of ENTRYPOINT, with /app where the copy is; asks as HEALTHCHECK does; ends it as STOPSIGNAL says. */
async function startAndStop(t: Test, app: string): Promise<void> {
  const sentinel = await FakeSentinel.start(t, { master: { host: '127.0.0.1', port: await freePort() } })
  // As the image itself sets it: nobody who runs it has to.
  const [, adminListen = ''] = /\bHOLDFAST_ADMIN_LISTEN=(\S+)/.exec(all(runtime, 'ENV')[0] ?? '') ?? []
  t.equal(adminListen, '127.0.0.1:9379')
  const environment = {
    HOLDFAST_SENTINELS: `${sentinel.host}:${sentinel.port}`,
    HOLDFAST_MASTER: 'mymaster',
    HOLDFAST_LISTEN: '127.0.0.1:0',
    HOLDFAST_ADMIN_LISTEN: adminListen.replace('9379', '0'),
  }
  const here = (text: string): string[] => (execForm(text) ?? []).map(word => word.replace('/app', app))
  const child = launch(here(all(runtime, 'ENTRYPOINT')[0] ?? ''), environment)
  t.teardown(() => endChild(child))
  let log = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      log += text
    })
  // With its last words: the exit alone may be seen before them.
  let isClosed = false
  child.once('close', () => {
    isClosed = true
  })
  await waitUntil('it listens', () => log.includes('process.listening'), { withinMs: 20_000 })
  const [program = '', ...args] = here(all(runtime, 'HEALTHCHECK')[0] ?? '')
  const { host, port } = placeIn(log, 'admin')
  const { PATH } = process.env
  const env = { PATH, ...environment, HOLDFAST_ADMIN_LISTEN: `${host}:${port}` }
  const health = spawnSync(program, args, { env, encoding: 'utf8' })
  t.equal(health.status, 0, `it is healthy: ${health.stderr}`)
  t.strictSame(all(runtime, 'STOPSIGNAL'), ['SIGTERM'])
  child.kill('SIGTERM')
  await waitUntil('it ends', () => isClosed, { withinMs: 15_000 })
  t.equal(child.exitCode, 0, `it ends with 0: ${child.signalCode ?? ''} ${log.slice(-2000)}`)
}
