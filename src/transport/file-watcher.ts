// file-watcher.ts: notices that the content of files has changed: certificates, keys, passwords.
//
// It polls, because Kubernetes swaps a symbolic link two folders up, and what fs.watch says of that differs by file
// system. A look is one stat per file, which follows links; a changed stat leads to a read. After a change it looks
// again at short intervals until the file holds still: a pair of files written one after the other is reported once,
// and a half written file never.
//
// A file may change after its user reads it and before the first look of the watcher. Such a user asks for one call
// after that look (`catch-up`), and must bear it when nothing has changed.
//
// Owns: the timer. Never: keeps or judges a content (it may be a password; a digest is enough), or throws.
import { hash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { isReadOnce } from './read-file.ts'

const LOOK_MS = 1000
const SETTLE_MS = 100
/** After so many looks a file that never holds still is reported all the same. */
const MAX_RESTLESS_LOOKS = 20

interface Watched {
  readonly paths: readonly string[]
  readonly onChange: () => void
  readonly catchUp: boolean
  /** For each path what stat said last, and the digest of the content. */
  stats: string[]
  digests: string[]
  /** Looks in a row that found a change. */
  restless: number
  /** Ends with the last reading that was asked for. */
  reading: Promise<unknown>
}

/** One per process: one timer, which does not keep the process alive, looks at all files. */
export class FileWatcher {
  readonly #watched = new Set<Watched>()
  /** A user of a file has thrown: the others are told all the same, and files are watched as before. */
  onBug: (error: unknown) => void = error => {
    throw error
  }
  #timer: NodeJS.Timeout | null = null
  #running = false

  /**
   * Calls `onChange` once after the content of any of these files has changed, come or gone. What is there at the start
   * of the watcher (or at this call, when it runs) is known; with `catch-up` it calls `onChange` once then, too.
   */
  watch(paths: readonly string[], onChange: () => void, first: 'known' | 'catch-up' = 'known'): void {
    const one: Watched = {
      paths,
      onChange: () => {
        try {
          onChange()
        } catch (error) {
          this.onBug(error)
        }
      },
      catchUp: first === 'catch-up',
      stats: [],
      digests: [],
      restless: 0,
      reading: Promise.resolve(),
    }
    this.#watched.add(one)
    if (this.#running) void remember(one)
  }

  /** Resolves after the first look at all files. */
  async start(): Promise<void> {
    if (this.#running) return
    this.#running = true
    await Promise.all([...this.#watched].map(remember))
    this.#arm(LOOK_MS)
  }

  /** Looks at once and reports every change, however young; answers how many files have changed. */
  async lookNow(): Promise<number> {
    const known = [...this.#watched].filter(one => one.stats.length > 0)
    const changed = await Promise.all(known.map(readAgain))
    return new Set(changed.flat()).size
  }

  stop(): void {
    this.#running = false
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #arm(ms: number): void {
    if (!this.#running || this.#watched.size === 0) return
    this.#timer = setTimeout(() => void this.#look(), ms).unref()
  }

  async #look(): Promise<void> {
    const found = await Promise.all([...this.#watched].map(look))
    this.#arm(found.includes('changing') ? SETTLE_MS : LOOK_MS)
  }
}

async function remember(one: Watched): Promise<void> {
  const stats = await Promise.all(one.paths.map(statOf))
  one.digests = await Promise.all(one.paths.map(digestOf))
  one.stats = stats
  if (one.catchUp) one.onChange()
}

async function look(one: Watched): Promise<'same' | 'changing'> {
  if (one.stats.length === 0) return 'same'
  const stats = await Promise.all(one.paths.map(statOf))
  const moved = stats.some((text, i) => text !== one.stats[i])
  one.stats = stats
  if (moved && one.restless < MAX_RESTLESS_LOOKS) {
    one.restless++
    return 'changing'
  }
  if (one.restless === 0) return 'same'
  one.restless = 0
  await readAgain(one)
  return 'same'
}

/**
 * Reports a content that differs; answers the paths where one does. One after the other: of two at once, the one that
 * began first might end last, and remember what is there no more.
 */
function readAgain(one: Watched): Promise<string[]> {
  const changed = one.reading.then(() => readNow(one))
  one.reading = changed.catch(() => {})
  return changed
}

async function readNow(one: Watched): Promise<string[]> {
  const digests = await Promise.all(one.paths.map(digestOf))
  const changed = one.paths.filter((_, i) => digests[i] !== one.digests[i])
  if (changed.length === 0) return []
  one.digests = digests
  one.onChange()
  return changed
}

async function statOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(path)
    return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`
  } catch (error) {
    return codeOf(error)
  }
}

async function digestOf(path: string): Promise<string> {
  if (isReadOnce(path)) return 'read once'
  try {
    return hash('sha256', await readFile(path), 'base64')
  } catch (error) {
    return codeOf(error)
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
}
