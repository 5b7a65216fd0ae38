// proxy-password.ts: the password that clients must give to Holdfast (--client-password), and who knows it.
//
// Owns: the digest of the current password, which a changed password file replaces. Sessions that are signed in stay
// signed in, as at Redis when a user's password changes.
// Never: keeps a password in clear, answers a client, or tells by its time how much of a guess was right.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Log } from '../../ops/log.ts'
import { createLogThrottle } from '../../ops/log-throttle.ts'
import type { Secret } from '../../transport/secret.ts'

/** The user of AUTH's short form, as in Redis. */
const DEFAULT_USER = 'default'
/** Wrong passwords are logged at most this often: somebody who tries many must not fill the log. */
const LOG_EVERY_MS = 1_000

/** A client of the Sentinel port, which is no session. */
interface SentinelAsker {
  readonly port: 'sentinel-listen'
  readonly peer: string
}

/** Who may work through this Holdfast. */
export class ProxyPassword {
  readonly #user: Buffer
  #password: Buffer
  /** The password before; null before the first change. Servers and clients learn of a new one at different times. */
  #previous: Buffer | null = null
  readonly #throttle = createLogThrottle(LOG_EVERY_MS)

  /** `username` null: the default user. */
  constructor(username: string | null, password: Secret) {
    this.#user = digest(username ?? DEFAULT_USER)
    this.#password = digest(password)
  }

  /** From now on this is the password. The one before still serves, until the next change. */
  setPassword(password: Secret): void {
    this.#previous = this.#password
    this.#password = digest(password)
  }

  /**
   * Are these the user (null: the default one) and its password? Takes the same time however wrong either is.
   */
  accepts(username: Secret | null, password: Buffer): boolean {
    const userFits = timingSafeEqual(digest(username ?? DEFAULT_USER), this.#user)
    const given = digest(password)
    const fitsNew = timingSafeEqual(given, this.#password)
    const fitsOld = timingSafeEqual(given, this.#previous ?? this.#password)
    return userFits && (fitsNew || fitsOld)
  }

  /** Logs a refused login: at most one line a second. */
  logRefused(log: Log, client: { readonly session: number; readonly peer: string } | SentinelAsker): void {
    const notLogged = this.#throttle('')
    if (notLogged === undefined) return
    log.warn(
      { event: 'session.login_refused', ...client, notLogged },
      'a client gave a user or password that is not the one of --client-username and --client-password',
    )
  }
}

/** All digests have one length, so a comparison never tells the length of a secret. */
function digest(value: Secret): Buffer {
  return createHash('sha256').update(value).digest()
}
