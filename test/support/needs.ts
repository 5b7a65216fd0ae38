// needs.ts: what a test needs besides redis-server: programs that not every distribution has. Without them it is
// skipped, and the run counts it. And how old the server is that a distribution has.
// Never: installs anything (scripts/setup.mjs does).
import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Tap's `skip`: why a test cannot be run here, or false when all of the programs are on PATH. */
export function without(...programs: readonly string[]): string | false {
  const missing = programs.filter(program => pathOf(program) === undefined)
  return missing.length > 0 && `not installed: ${missing.join(', ')}`
}

/** Where it is on PATH; undefined where it is not. */
export function pathOf(program: string): string | undefined {
  const { PATH = '' } = process.env
  return PATH.split(delimiter)
    .map(folder => join(folder, program))
    .find(file => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** Whether the installed server of that name is older than this version, as 7.2; false where there is none. */
export function isOlder(flavour: 'redis' | 'valkey', version: number): boolean {
  const program = `${flavour}-server`
  if (pathOf(program) === undefined) return false
  const own = /\bv=(\d+\.\d+)/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' }))?.[1]
  if (own === undefined) throw new Error(`${program} --version says no version`)
  return Number(own) < version
}
