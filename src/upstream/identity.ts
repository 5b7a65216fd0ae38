// identity.ts: what makes two sessions able to share a link: same user, same database, same protocol.
import { createHash } from 'node:crypto'
import { Password } from '../transport/password.ts'
import type { Secret } from '../transport/secret.ts'

export interface Identity {
  /** null with a password: the `default` user, by AUTH's short form. null without: not authenticated. */
  readonly username: Secret | null
  readonly password: Secret | null
  /** Our own user's password where a file holds it: it may change, and whoever signs in asks for it then. */
  readonly own: Password | null
  readonly database: number
  readonly protocol: 2 | 3
  /** Equal exactly when all of the above are; holds no secret in clear. */
  readonly key: string
}

/** The only way to make one, so that `key` always fits. */
export function createIdentity(
  username: Secret | null,
  password: Secret | null | Password,
  database: number,
  protocol: 2 | 3,
): Identity {
  if (password instanceof Password) {
    if (password.file === null) return createIdentity(username, password.current, database, protocol)
    const key = `${protocol} ${database} own ${keyOf(username)}`
    return { username, password: null, own: password, database, protocol, key }
  }
  const secret = password === null ? '' : createHash('sha256').update(password).digest('base64')
  const key = `${protocol} ${database} ${secret} ${keyOf(username)}`
  return { username, password, own: null, database, protocol, key }
}

/** No name that an ACL takes holds a NUL, so that bytes which are no text never look like another user's. */
function keyOf(username: Secret | null): string {
  return Buffer.isBuffer(username) ? `\0${username.toString('hex')}` : (username ?? '')
}

/** Equal for identities with the same user and password; holds no secret in clear. */
export function loginKeyOf({ key }: Identity): string {
  return key.slice(key.indexOf(' ', 2))
}

/** What to sign in with now. */
export function passwordOf(identity: Identity): Secret | null {
  return identity.own === null ? identity.password : identity.own.current
}

/** The node has refused `tried`. True: the password is being changed here or there; the next try may succeed. */
export function isBeingChanged(identity: Identity, tried: Secret | null, reply: string): boolean {
  if (identity.own === null || !reply.startsWith('WRONGPASS')) return false
  identity.own.refused(tried)
  return true
}

/** A user's name for logs; null: none is given. */
export function nameShown(username: Secret | null): string | null {
  return username === null ? null : username.toString()
}

/** For logs: who, where, how, without the secret. */
export function describeIdentity(identity: Identity): string {
  const user = nameShown(identity.username) ?? (passwordOf(identity) === null ? '(no login)' : 'default')
  return `user ${user}, db ${identity.database}, RESP${identity.protocol}`
}
