// places.ts: where the libraries are that no package of a distribution holds, and what is compiled: in the user's cache
// folder. Each is fetched or built once for each version of what it is made from.
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { run } from '../support/source-package.ts'

const { XDG_CACHE_HOME } = process.env
const cacheFolder = join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'holdfast', 'clients')
export const programs = join(import.meta.dirname, 'programs')

/** A folder that `make` fills; made anew where one of `sources` has changed. @throws Error of `make`. */
function made(name: string, sources: readonly string[], make: (folder: string) => void): string {
  const hash = createHash('sha256')
  for (const file of sources) hash.update(readFileSync(file))
  const folder = join(cacheFolder, `${name}-${hash.digest('hex').slice(0, 12)}`)
  if (existsSync(folder)) return folder
  const unfinished = `${folder}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { recursive: true })
  make(unfinished)
  cpSync(unfinished, folder, { recursive: true })
  rmSync(unfinished, { recursive: true })
  return folder
}

/** iovalkey and valkey-glide. */
export function npmFolder(): string {
  const list = join(import.meta.dirname, 'npm', 'package.json')
  return made('npm', [list], folder => {
    cpSync(list, join(folder, 'package.json'))
    run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], folder)
  })
}

/** Jedis, Lettuce, Redisson and what they need. */
function jarsFolder(): string {
  const pom = join(programs, 'java', 'pom.xml')
  return made('jars', [pom], folder => {
    run('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`])
  })
}

export function jarVersion(name: string): string {
  const found = readdirSync(jarsFolder()).find(file => file.startsWith(`${name}-`))
  return found?.slice(name.length + 1).replace(/(\.RELEASE)?\.jar$/, '') ?? ''
}

/** The class path of the compiled programs. */
export function javaClasses(): string {
  const folder = join(programs, 'java')
  const sources = readdirSync(folder)
    .filter(file => file.endsWith('.java'))
    .map(file => join(folder, file))
  const jars = join(jarsFolder(), '*')
  const classes = made('classes', sources, out => void run('javac', ['-d', out, '-cp', jars, ...sources]))
  return `${classes}:${jars}`
}

export const javaJars = (): string => join(jarsFolder(), '*')

/** The program in Go, with the libraries of Debian's packages. */
export function goProgram(name: string): string {
  const folder = join(programs, 'go')
  const sources = [join(folder, name, 'main.go'), join(folder, 'work', 'work.go')]
  const built = made(`go-${name}`, sources, out =>
    goBuild(out, join(out, name), `holdfast/${name}`, path => cpSync(folder, path, { recursive: true })),
  )
  return join(built, name)
}

/** One file, built in `folder`. */
export function goFile(file: string, folder: string): string {
  const output = join(folder, 'program')
  goBuild(folder, output, 'holdfast/one', path => cpSync(file, join(path, 'one', 'main.go')))
  return output
}

/** Debian's packages lie where Go looked before it had modules. */
function goBuild(folder: string, output: string, target: string, layOut: (path: string) => void): void {
  const path = join(folder, 'path')
  cpSync('/usr/share/gocode/src', join(path, 'src'), { recursive: true, dereference: true })
  layOut(join(path, 'src', 'holdfast'))
  const env = { GOPATH: path, GO111MODULE: 'off', GOFLAGS: '', GOCACHE: join(cacheFolder, 'go-cache') }
  run('go', ['build', '-o', output, target], folder, env)
  rmSync(path, { recursive: true })
}

export function cProgram(file: string): string {
  return join(
    made('c', [file], out => void cFile(file, out)),
    'program',
  )
}

/** One file, built in `folder`. */
export function cFile(file: string, folder: string): string {
  const output = join(folder, 'program')
  run('gcc', ['-Wall', '-o', output, file, '-lhiredis'])
  return output
}
