// release-notes.ts: `npm run release-notes -- vX.Y.Z`: prints what CHANGELOG.md says of a version, the text of its
// tag.
//
// Refuses, with exit code 1, what does not fit together: tag, version of the package, changelog, address of the
// repository.
// Never: writes a file, asks the network.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The section of `version` without its heading; undefined where there is none, '' where it is empty. */
export function notesOf(changelog: string, version: string): string | undefined {
  const sections = changelog.split(/^## /m).slice(1)
  const section = sections.find(text => text.startsWith(`[${version}] - `))
  return section?.slice(section.indexOf('\n')).trim()
}

/** Why a tag cannot be released, in words; empty where it can. */
export function problemsOf(tag: string, manifest: { version: string; repository: { url: string } }, changelog: string) {
  const { version, repository } = manifest
  const notes = notesOf(changelog, version)
  return [
    ...(tag === `v${version}` ? [] : [`the tag is ${tag}, and package.json says ${version}: it must be v${version}`]),
    ...(notes ? [] : [`CHANGELOG.md has no text under "## [${version}] - YYYY-MM-DD"`]),
    ...(repository.url.includes('/OWNER/')
      ? ['package.json: OWNER is still to be replaced by who owns the repository']
      : []),
  ]
}

function main(tag: string): void {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8')
  const problems = problemsOf(tag, manifest, changelog)
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  if (problems.length > 0) process.exitCode = 1
  else process.stdout.write(`${notesOf(changelog, manifest.version) ?? ''}\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv[2] ?? '')
