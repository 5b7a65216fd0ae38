// source-package.ts: the archive of a Debian source package, without a change to the machine.
//
// Owns: lists of package sources of its own, in a temporary folder; the machine's own list stays as it is. Never:
// unpacks for good or builds anything.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/**
 * Unpacks the archive of the source package `named` (`redis`, `redis=5:8.0.2-3`) into `folder`, which comes to be whole
 * or not at all. @throws Error that ends with `byHand`, what a person can do instead.
 */
export function unpackSource(named: string, folder: string, byHand: string, exclude: readonly string[] = []): void {
  const work = mkdtempSync(join(tmpdir(), 'holdfast-source-'))
  try {
    const archive = download(named, work, byHand)
    const unpacked = join(work, 'source')
    mkdirSync(unpacked)
    const excluded = exclude.map(pattern => `--exclude=${pattern}`)
    run('tar', ['-xf', archive, '-C', unpacked, '--strip-components=1', ...excluded])
    mkdirSync(dirname(folder), { recursive: true })
    rmSync(folder, { recursive: true, force: true })
    cpSync(unpacked, folder, { recursive: true })
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Answers the path of the archive in `work`. */
function download(named: string, work: string, byHand: string): string {
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

/** Runs a program to its end and answers what it printed. @throws Error with what it said on standard error. */
export function run(
  command: string,
  args: readonly string[],
  cwd?: string,
  env?: Readonly<Record<string, string>>,
): string {
  return execFileSync(command, [...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 2 ** 26,
    ...(cwd ? { cwd } : {}),
    ...(env ? { env: { ...process.env, ...env } } : {}),
  })
}
