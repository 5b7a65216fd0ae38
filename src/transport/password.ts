// password.ts: a password, its present value and the one before: the file that it comes from may change while we run.
//
//   file changes ──▶ replace ──▶ current, previous          whoever signs in asks for `current`, at that moment
//   a server refuses it ──▶ refused ──▶ the other one of the two is tried next
//
// A rotation changes the file and each server at different times, in any order. Until all have changed, some servers
// take the one password and some the other. So the value before is kept, and after a refusal the next attempt uses the
// other one. Never: shows a password, or decides when to try again.
import { isReadOnce, readSmallFile, secretIn, secretProblem } from './read-file.ts'
import { isSameSecret, type Secret } from './secret.ts'

/** Whom to sign in as; null: the default user. */
export interface Login {
  readonly username: string | null
  readonly password: Password
}

export class Password {
  /** The file that it comes from and is read from again; null: it is fixed, or there is none. */
  readonly file: string | null
  #newest: Secret | null
  #previous: Secret | null = null
  #usePrevious = false
  /** Until a server has taken one of its values. */
  #wasTaken = false
  #wasRefused = false

  constructor(value: Secret | null, file: string | null = null) {
    this.#newest = value
    // A pipe has given its bytes.
    this.file = value === null || file === null || isReadOnce(file) ? null : file
  }

  /** What to sign in with now; null: nothing. */
  get current(): Secret | null {
    return this.#usePrevious ? this.#previous : this.#newest
  }

  /** A server has taken the one that was tried. */
  taken(): void {
    this.#wasTaken = true
  }

  /** Servers have refused it, and none has ever taken it: it was never right. */
  get isRefused(): boolean {
    return this.#wasRefused && !this.#wasTaken
  }

  /** A server has refused `tried`; unless that is still the choice, the choice stays. */
  refused(tried: Secret | null): void {
    this.#wasRefused = true
    if (this.#previous !== null && isSameSecret(tried, this.current)) this.#usePrevious = !this.#usePrevious
  }

  /** Reads the file again, which blocks. An empty or unreadable file changes nothing, and `problem` says so. */
  reload(): { changed: boolean; problem: string | null } {
    if (this.file === null || isReadOnce(this.file)) return { changed: false, problem: null }
    const content = readSmallFile(this.file)
    if ('cause' in content) return { changed: false, problem: content.cause }
    const problem = secretProblem(content.bytes)
    if (problem !== null) return { changed: false, problem: `the file ${problem}` }
    const secret = secretIn(content.bytes)
    if (secret === '') return { changed: false, problem: 'the file is empty' }
    if (isSameSecret(secret, this.#newest)) return { changed: false, problem: null }
    this.#previous = this.#newest
    this.#newest = secret
    this.#usePrevious = false
    return { changed: true, problem: null }
  }
}
