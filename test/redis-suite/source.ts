// source.ts — Redis's own test suite, from the source package of the redis-server that is installed here.
//
// Owns: a folder for each version under the user's cache folder, written once. The machine's own list of package sources stays as
// it is: apt is asked with lists of its own, in a temporary folder. Never: builds anything; the suite uses the installed programs.
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

const { PATH = '', XDG_CACHE_HOME } = process.env

/** Folder of what is fetched and of the last results. */
export const cacheFolder = join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'holdfast', 'redis-suite')

const byHand = "fetch Redis's source by hand and give its folder with --source"
const programs = [
  'redis-server',
  'redis-sentinel',
  'redis-cli',
  'redis-benchmark',
  'redis-check-aof',
  'redis-check-rdb',
]

/** The folder of the source, fetched where it is not there yet. @throws Error that says what to do. */
export function fetchSource(): string {
  const named = packageOfServer()
  const folder = join(cacheFolder, named.replace(/[^\w.=+~-]/g, '_'))
  if (existsSync(join(folder, 'tests'))) return folder
  const work = mkdtempSync(join(tmpdir(), 'holdfast-source-'))
  try {
    const archive = download(named, work)
    const unpacked = join(work, 'source')
    mkdirSync(unpacked)
    run('tar', ['-xf', archive, '-C', unpacked, '--strip-components=1', '--exclude=*/deps', '--exclude=*/modules/*'])
    mkdirSync(cacheFolder, { recursive: true })
    rmSync(folder, { recursive: true, force: true })
    cpSync(unpacked, folder, { recursive: true })
    return folder
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Makes `folder` a place where the suite can run: what it needs of `source`, and the programs that are installed here. */
export function layOut(source: string, folder: string): void {
  for (const part of ['tests', 'utils', 'redis.conf', 'sentinel.conf', join('src', 'commands')]) {
    cpSync(join(source, part), join(folder, part), { recursive: true })
  }
  const folders = PATH.split(delimiter)
  for (const program of programs) {
    const found = folders.map(one => join(one, program)).find(file => existsSync(file))
    if (found) symlinkSync(found, join(folder, 'src', program))
  }
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: it is a format of dpkg-query.
const format = '${source:Package}=${source:Version}'

/** `redis=5:8.0.2-3`: the source package of the installed server, so that suite and server are of one version. */
function packageOfServer(): string {
  try {
    return run('dpkg-query', ['--show', '--showformat', format, 'redis-server'])
  } catch {
    throw new Error(`redis-server does not come from a Debian package here; ${byHand}`)
  }
}

/** Answers the path of the archive in `work`. */
function download(named: string, work: string): string {
  const parts = join(work, 'parts')
  mkdirSync(parts)
  for (const [name, text] of ownSources()) writeFileSync(join(parts, name), text)
  mkdirSync(join(work, 'lists', 'partial'), { recursive: true })
  mkdirSync(join(work, 'cache', 'archives', 'partial'), { recursive: true })
  const own = {
    'Dir::Etc::sourceparts': parts,
    'Dir::Etc::sourcelist': '/dev/null',
    'Dir::State::lists': join(work, 'lists'),
    'Dir::Cache': join(work, 'cache'),
    'APT::Sandbox::User': '',
  }
  const options = Object.entries(own).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  try {
    run('apt-get', [...options, 'update', '-qq'])
    run('apt-get', [...options, 'source', '-qq', '--download-only', '--tar-only', named], work)
  } catch (error) {
    throw new Error(
      `the source package ${named} cannot be had: ${error instanceof Error ? error.message : error}; ${byHand}`,
    )
  }
  const archive = readdirSync(work).find(name => /\.orig\.tar\.\w+$/.test(name))
  if (!archive) throw new Error(`the source package ${named} has no archive; ${byHand}`)
  return join(work, archive)
}

/** The machine's lists of package sources, turned into lists of sources of the same places. */
function ownSources(): [string, string][] {
  const etc = '/etc/apt'
  const parts = join(etc, 'sources.list.d')
  const files = existsSync(parts) ? readdirSync(parts).map(name => join(parts, name)) : []
  return [join(etc, 'sources.list'), ...files]
    .filter(file => existsSync(file) && /\.(list|sources)$/.test(file))
    .map((file, index) => {
      const text = readFileSync(file, 'utf8')
      return file.endsWith('.list')
        ? [`${index}.list`, text.replace(/^deb(-src)? /gm, 'deb-src ')]
        : [`${index}.sources`, text.replace(/^Types:.*$/gm, 'Types: deb-src')]
    })
}

function run(command: string, args: readonly string[], cwd?: string): string {
  return execFileSync(command, [...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd ? { cwd } : {}),
  })
}
