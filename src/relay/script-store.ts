// script-store.ts: the scripts that clients have shown this proxy, for the next master. A node's script cache is not
// replicated: without them, EVALSHA on a new master answers NOSCRIPT.
//
// Bounded in bytes; the script used longest ago goes first. Never: runs or reads a script.
import { encodeCommand } from '../resp/encode.ts'

/** Bytes of all bodies together. */
const MAX_BYTES = 8 * 1024 * 1024

export class ScriptStore {
  readonly #bodies = new Map<string, Buffer>()
  #bytes = 0

  get size(): number {
    return this.#bodies.size
  }

  /** A body from EVAL or SCRIPT LOAD. One that alone is over the limit is not kept. */
  remember(body: Buffer): void {
    const key = body.toString('latin1')
    const known = this.#bodies.get(key)
    if (known === undefined) {
      if (body.length > MAX_BYTES) return
      this.#bytes += body.length
    }
    this.#bodies.delete(key)
    this.#bodies.set(key, known ?? Buffer.from(body))
    for (const [oldest, bytes] of this.#bodies) {
      if (this.#bytes <= MAX_BYTES) break
      this.#bodies.delete(oldest)
      this.#bytes -= bytes.length
    }
  }

  /** SCRIPT FLUSH: what the client threw away must not come back. */
  clear(): void {
    this.#bodies.clear()
    this.#bytes = 0
  }

  /** SCRIPT LOAD of every body, least recently used first. */
  commands(): Buffer[] {
    return [...this.#bodies.values()].map(body => encodeCommand(['SCRIPT', 'LOAD', body]))
  }
}
