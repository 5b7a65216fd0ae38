// image-check.ts: `npm run image:check`: builds the image from the Dockerfile and runs it through a failover.
//
//   node scripts/run.mjs scripts/image-check.ts [--base IMAGE]
//
// With buildah and podman, as root, in a store of its own that is gone afterwards. Without --base it builds on
// stand-ins for the images that the Dockerfile names (image/base.ts), so that it needs no registry of images. A minute
// or two. Prints what holds and what it measured; the exit code is 0 only if all of it holds.
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Bases, makeBases } from './image/base.ts'
import { createStore, type Store } from './image/store.ts'
import { type Trial, tryImage } from './image/trial.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Row {
  readonly label: string
  readonly value: string
  readonly holds: boolean
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { base: { type: 'string' } } })
  if (process.getuid?.() !== 0) {
    process.stderr.write('image-check: needs root, to build and run containers without a daemon; run it with sudo\n')
    return 1
  }
  const store = createStore()
  try {
    const bases = values.base === undefined ? await makeBases(store) : { slim: values.base, bare: values.base }
    let held = true
    for (const kind of ['slim', 'bare'] as const) held = (await check(store, kind, bases)) && held
    return held ? 0 : 1
  } finally {
    await store.remove()
  }
}

async function check(store: Store, kind: keyof Bases, bases: Bases): Promise<boolean> {
  const image = `localhost/holdfast-check/${kind}-result`
  const from = performance.now()
  await buildImage(store, { image, build: bases.slim, runtime: bases[kind] })
  const seconds = (performance.now() - from) / 1000
  const size = await sizeOf(store, image)
  const base = await sizeOf(store, bases[kind])
  const rows = [
    told('built', `${seconds.toFixed(1)} s`),
    told('image', `${megabytes(size)} MB, of these ${megabytes(size - base)} MB on top of its base`),
    must('user', await inspect(store, image, '{{.Config.User}}'), value => value === '1000:1000'),
    ...judge(await tryImage(store, image)),
  ]
  process.stdout.write(`\n${kind === 'slim' ? 'on Debian with Node' : 'on Node alone, without a shell'}\n`)
  for (const { label, value, holds } of rows) {
    process.stdout.write(`   ${label.padEnd(34)}${value}${holds ? '' : '   BROKEN'}\n`)
  }
  return rows.every(({ holds }) => holds)
}

function judge({ report, healthy, peakMb, exitCode, stopMs }: Trial): Row[] {
  return [
    must('commands answered', `${report.ok} of ${report.operations}`, () => report.ok === report.operations),
    must('connection errors', String(report.connectionErrors.length), value => value === '0'),
    must('error replies', String(Object.keys(report.errors).length), value => value === '0'),
    told('longest pause of one client', `${(report.longestPause.ms / 1000).toFixed(1)} s`),
    must('health check, before and after', healthy.join(' '), value => value === '0 0'),
    must('memory at most', `${peakMb} MB`, () => peakMb > 0 && peakMb < 512),
    must('exit code after SIGTERM', `${exitCode} in ${stopMs} ms`, () => exitCode === 0),
  ]
}

function must(label: string, value: string, holds: (value: string) => boolean): Row {
  return { label, value, holds: holds(value) }
}

function told(label: string, value: string): Row {
  return { label, value, holds: true }
}

interface Build {
  readonly image: string
  readonly build: string
  readonly runtime: string
}

async function buildImage(store: Store, { image, build, runtime }: Build): Promise<void> {
  // The Docker format, as the other one has no place for a HEALTHCHECK.
  const words = [
    'build',
    '--format',
    'docker',
    '--isolation',
    'chroot',
    '--network',
    'host',
    '--pull=never',
    '--layers',
  ]
  const bases = ['--build-arg', `BUILD_IMAGE=${build}`, '--build-arg', `RUNTIME_IMAGE=${runtime}`]
  await store.run('buildah', ...words, ...bases, '-t', image, root)
}

async function inspect(store: Store, image: string, format: string): Promise<string> {
  return (await store.run('podman', 'image', 'inspect', '--format', format, image)).trim()
}

async function sizeOf(store: Store, image: string): Promise<number> {
  return Number(await inspect(store, image, '{{.Size}}'))
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0)
}

process.exitCode = await main()
