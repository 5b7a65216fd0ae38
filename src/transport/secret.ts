// secret.ts: a user's name or a password as the bytes it is made of. A leaf.
//
// Redis compares bytes, and a string of JavaScript can hold only those that are UTF-8. So what is UTF-8 is a string,
// which can be compared and shown. Everything else stays bytes: nothing is ever replaced on the way to a server.
import { isUtf8 } from 'node:buffer'

export type Secret = string | Buffer

/** `bytes` as a secret; a copy, as what was read may be overwritten. */
export function secretOf(bytes: Buffer): Secret {
  return isUtf8(bytes) ? bytes.toString() : Buffer.from(bytes)
}

export function isSameSecret(a: Secret | null, b: Secret | null): boolean {
  return Buffer.isBuffer(a) && Buffer.isBuffer(b) ? a.equals(b) : a === b
}
