// read-file.ts: reads a small file, or says why it cannot be read, in the words of the system and without the path.
import { readFileSync, statSync } from 'node:fs'
import { getSystemErrorMap } from 'node:util'
import { type Secret, secretOf } from './secret.ts'

/** Never throws. `cause` reads like `no such file or directory (ENOENT)`. */
export function readSmallFile(path: string): { bytes: Buffer } | { cause: string } {
  if (path === '') return { cause: 'the name of the file is empty' }
  try {
    return { bytes: readFileSync(path) }
  } catch (error) {
    return { cause: causeOf(error) }
  }
}

/**
 * A pipe, as of `<(...)`, gives its bytes once: whoever opens it again waits for ever, and where that blocks the whole
 * program with it.
 */
export function isReadOnce(path: string): boolean {
  try {
    const found = statSync(path)
    return !found.isFile() && !found.isDirectory()
  } catch {
    return false
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, errno } = error as NodeJS.ErrnoException
  const words = errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]
  return words === undefined ? error.message : `${words} (${code})`
}

/** The secret in a file: its bytes without the one line end that editors and `echo` append. */
export function secretIn(bytes: Buffer): Secret {
  const lineEnd = bytes.at(-1) !== 10 ? 0 : bytes.at(-2) === 13 ? 2 : 1
  return secretOf(bytes.subarray(0, bytes.length - lineEnd))
}
