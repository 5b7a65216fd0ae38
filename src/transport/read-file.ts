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
  return kindOf(path) === 'once'
}

function kindOf(path: string): 'file' | 'folder' | 'once' | 'unknown' {
  try {
    const found = statSync(path)
    return found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'once'
  } catch {
    return 'unknown'
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, errno } = error as NodeJS.ErrnoException
  const words = errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]
  return words === undefined ? error.message : `${words} (${code})`
}

const onceRead = new Map<string, Buffer>()

/** The same for whoever reads again and again: what a pipe has given counts for as long as no file takes its place. */
export function readAgainSmallFile(path: string): ReturnType<typeof readSmallFile> {
  const kept = onceRead.get(path)
  if (kept !== undefined && kindOf(path) !== 'file') return { bytes: kept }
  const isOnce = isReadOnce(path)
  const content = readSmallFile(path)
  if (isOnce && 'bytes' in content) onceRead.set(path, content.bytes)
  return content
}

/**
 * Why the bytes of a file cannot be a secret; null: they can. Some editors put marks of an encoding in front, which
 * nobody sees, and with which no server would take the password.
 */
export function secretProblem(bytes: Buffer): string | null {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf)
    return 'begins with a byte order mark: save it as UTF-8 without one'
  const isUtf16 = bytes.length > 2 && bytes[0] === 0xff && bytes[1] === 0xfe && bytes[3] === 0
  return isUtf16 ? 'is UTF-16: save it as UTF-8 without a byte order mark' : null
}

/** The secret in a file: its bytes without the one line end that editors and `echo` append. */
export function secretIn(bytes: Buffer): Secret {
  const lineEnd = bytes.at(-1) !== 10 ? 0 : bytes.at(-2) === 13 ? 2 : 1
  return secretOf(bytes.subarray(0, bytes.length - lineEnd))
}
