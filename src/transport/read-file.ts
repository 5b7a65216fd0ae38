// read-file.ts — reads a small file, or says why it cannot be read, in the system's words and without the path.
import { readFileSync } from 'node:fs'
import { getSystemErrorMap } from 'node:util'

/** Never throws. `cause` reads like `no such file or directory (ENOENT)`. */
export function readSmallFile(path: string): { bytes: Buffer } | { cause: string } {
  if (path === '') return { cause: 'the name of the file is empty' }
  try {
    return { bytes: readFileSync(path) }
  } catch (error) {
    return { cause: causeOf(error) }
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, errno } = error as NodeJS.ErrnoException
  const words = errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]
  return words === undefined ? error.message : `${words} (${code})`
}

/** The secret in a file: its text without the one line end that editors and `echo` put behind it. */
export function secretText(bytes: Buffer): string {
  return bytes.toString('utf8').replace(/\r?\n$/, '')
}
