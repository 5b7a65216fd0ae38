// needs.ts — what a test needs besides redis-server: programs that not every distribution has. Without them it is
// skipped, and the run counts it. Never: installs anything (scripts/setup.mjs does).
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Tap's `skip`: why a test cannot be run here, or false when all of the programs are on PATH. */
export function without(...programs: readonly string[]): string | false {
  const missing = programs.filter(program => !isOnPath(program))
  return missing.length > 0 && `not installed: ${missing.join(', ')}`
}

function isOnPath(program: string): boolean {
  const { PATH = '' } = process.env
  return PATH.split(delimiter).some(folder => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
