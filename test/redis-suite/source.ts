// source.ts: Redis's own test suite, from the source package of the redis-server that is installed here.
//
// Owns: a folder for each version under the user's cache folder, written once. Never: builds anything; the suite uses
// the installed programs.
import { cpSync, existsSync, symlinkSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { run, unpackSource } from '../support/source-package.ts'

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
  unpackSource(named, folder, byHand, ['*/deps', '*/modules/*'])
  return folder
}

/**
 * Makes `folder` a place where the suite can run: what it needs of `source`, and the programs that are installed here.
 */
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
