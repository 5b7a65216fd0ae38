// password.ts: a password that may change while we run, because it came from a file: what it is now, and what it was.
//
//   file changes ──▶ replace ──▶ current, previous          whoever signs in asks for `current`, at that moment
//   a server refuses it ──▶ refused ──▶ the other one of the two is tried next
//
// A rotation changes the file and each server at different times, in either order. Until all have changed, some servers
// take the one password and some the other. So the last one is kept, and after a refusal the next attempt uses the
// other. Never: shows a password, decides when to try again.
import { readSmallFile, secretIn } from './read-file.ts'
import { isSameSecret, type Secret } from './secret.ts'

/** Whom to sign in as; null: the default user. */
export interface Login {
  readonly username: string | null
  readonly password: Password
}

export class Password {
  /** Where it was read from; null: it is fixed, or there is none. */
  readonly file: string | null
  #newest: Secret | null
  #previous: Secret | null = null
  #usePrevious = false

  constructor(value: Secret | null, file: string | null = null) {
    this.#newest = value
    this.file = value === null ? null : file
  }

  /** What to sign in with now; null: without. */
  get current(): Secret | null {
    return this.#usePrevious ? this.#previous : this.#newest
  }

  /** A server has refused `tried`. Whoever tried an older choice changes nothing. */
  refused(tried: Secret | null): void {
    if (this.#previous !== null && isSameSecret(tried, this.current)) this.#usePrevious = !this.#usePrevious
  }

  /**
   * Reads the file again. An empty file or one that cannot be read changes nothing: `problem` says so.
   * Blocks for the time of one small read.
   */
  reload(): { changed: boolean; problem: string | null } {
    if (this.file === null) return { changed: false, problem: null }
    const content = readSmallFile(this.file)
    if ('cause' in content) return { changed: false, problem: content.cause }
    const secret = secretIn(content.bytes)
    if (secret === '') return { changed: false, problem: 'the file is empty' }
    if (isSameSecret(secret, this.#newest)) return { changed: false, problem: null }
    this.#previous = this.#newest
    this.#newest = secret
    this.#usePrevious = false
    return { changed: true, problem: null }
  }
}
