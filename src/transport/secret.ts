// secret.ts: a user name or a password, byte for byte. A leaf.
//
// Redis compares bytes, and a string of JavaScript can hold only UTF-8. So UTF-8 becomes a string, which can be
// compared and shown. Everything else stays bytes, so no byte is ever replaced on the way to a server.
import { isUtf8 } from 'node:buffer'

export type Secret = string | Buffer

/** A secret with a copy of `bytes`, which may be overwritten. */
export function secretOf(bytes: Buffer): Secret {
  return isUtf8(bytes) ? bytes.toString() : Buffer.from(bytes)
}

export function isSameSecret(a: Secret | null, b: Secret | null): boolean {
  return Buffer.isBuffer(a) && Buffer.isBuffer(b) ? a.equals(b) : a === b
}
