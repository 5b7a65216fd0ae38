// identity.ts — what makes two sessions able to share a link: same user, same database, same protocol.
import { createHash } from 'node:crypto'

export interface Identity {
  /** null with a password: the `default` user, by AUTH's short form. null without: not authenticated. */
  readonly username: string | null
  readonly password: string | null
  readonly database: number
  readonly protocol: 2 | 3
  /** Equal exactly when all of the above are; holds no secret in clear. */
  readonly key: string
}

/** The only way to make one, so that `key` always fits. */
export function createIdentity(
  username: string | null,
  password: string | null,
  database: number,
  protocol: 2 | 3,
): Identity {
  const secret = password === null ? '' : createHash('sha256').update(password).digest('base64')
  const key = `${protocol} ${database} ${secret} ${username ?? ''}`
  return { username, password, database, protocol, key }
}

/** For logs: who, where, how, without the secret. */
export function describeIdentity(identity: Identity): string {
  const user = identity.username ?? (identity.password === null ? '(no login)' : 'default')
  return `user ${user}, db ${identity.database}, RESP${identity.protocol}`
}
