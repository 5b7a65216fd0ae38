// ack-users.ts: as whom Holdfast asks whether replicas have it. Any user of a lane will do, because WAIT is about the
// whole server: the first that has the rights.
import { createIdentity, type Identity } from '../upstream/identity.ts'

/** Users that are remembered, so that a stream of strangers does not fill the list. */
const MAX_USERS = 16

export class AckUsers {
  readonly #users = new Map<string, Identity>()
  #at = 0

  /** Someone signs in as this user. */
  add({ username, password, own }: Identity): void {
    const identity = createIdentity(username, own ?? password, 0, 2)
    if (this.#users.has(identity.key)) return
    if (this.#users.size >= MAX_USERS) this.#users.delete([...this.#users.keys()][this.#users.size - 1] ?? '')
    this.#users.set(identity.key, identity)
  }

  /** The one to ask as; null: there is none yet. */
  get current(): Identity | null {
    return [...this.#users.values()][this.#at % Math.max(1, this.#users.size)] ?? null
  }

  /** This one may not. */
  next(): void {
    this.#at++
  }

  /** This one may: it is asked as first from now on. */
  serves(identity: Identity): void {
    const others = [...this.#users].filter(([key]) => key !== identity.key)
    this.#users.clear()
    this.#users.set(identity.key, identity)
    for (const [key, other] of others) this.#users.set(key, other)
    this.#at = 0
  }
}
