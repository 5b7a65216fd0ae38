// output.ts: what all commands print in the same way: complaints, the answers to questions, the version.
// Never: prints a secret.
import { readFileSync } from 'node:fs'
import type { Question, WrongOptions } from '../config.ts'

const EXIT_WRONG_OPTIONS = 2

/** Prints what comes in place of the work: help, version, or what is wrong with the options (exit code 2). */
export function answerInstead(read: Question | WrongOptions): void {
  switch (read.kind) {
    case 'help':
      process.stdout.write(read.text)
      break
    case 'version':
      process.stdout.write(`holdfast ${packageVersion()}\n`)
      break
    case 'errors':
      for (const error of read.errors) complain(error)
      complain('see holdfast --help')
      process.exitCode = EXIT_WRONG_OPTIONS
      break
  }
}

export function complain(text: string): void {
  process.stderr.write(`holdfast: ${text}\n`)
}

/** From package.json, which is above src/cli and dist. */
export function packageVersion(): string {
  return versionIn('../package.json') ?? versionIn('../../package.json') ?? 'unknown'
}

function versionIn(path: string): string | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
    const isOurs = typeof content === 'object' && content !== null && 'version' in content
    return isOurs && typeof content.version === 'string' ? content.version : undefined
  } catch {
    return undefined
  }
}
