// security.ts: keeps everything that comes from files and may change while we run: certificates, keys, passwords.
//
//   files ──watcher──▶ routes of Redis and Sentinel, passwords ──onChange──▶ whoever has to sign in or dial again
//
// Open connections stay; new ones use the new files. A broken file is logged and changes nothing.
// Owns: one watcher and what hangs on it. Never: dials, or ends a connection.
import { basename } from 'node:path'
import type { Log } from '../ops/log.ts'
import { createLogThrottle } from '../ops/log-throttle.ts'
import { FileWatcher } from './file-watcher.ts'
import { createNameLookup } from './name-lookup.ts'
import { createNatMap, type NatRule } from './nat-map.ts'
import { Password } from './password.ts'
import type { Secret } from './secret.ts'
import { ServerRoutes, type ServerTls } from './server-route.ts'
import { describeProblem, namesOf, readTlsFiles, type TlsFiles } from './tls-files.ts'

type Who = 'redis' | 'sentinel' | 'client'

/** What the process has once. */
export interface SecurityOptions {
  readonly natMap: readonly NatRule[]
  readonly sentinelTls: ServerTls | null
  readonly sentinelUsername: string | null
  readonly sentinelPassword: Secret | null
  readonly passwordFiles: { readonly sentinel: string | null }
}

/** What each master has of its own. */
export interface MasterSecurityOptions {
  readonly redisTls: ServerTls | null
  readonly redisPassword: Secret | null
  readonly clientPassword: Secret | null
  readonly passwordFiles: { readonly redis: string | null; readonly client: string | null }
}

/** Files were read again. */
export interface Reloaded {
  /** How many files have changed, each counted once, however many sides and masters use it. */
  readonly changed: number
  /** Those that cannot be used, and why: what was read before stays in use. */
  readonly unusable: readonly string[]
}

export type Security = ReturnType<typeof createSecurity>

/** @throws UnusableTls */
export function createSecurity(options: SecurityOptions, log: Log) {
  const files = new FileWatcher()
  /** By what is read from them: what is wrong with files now. */
  const wrong = new Map<object, readonly string[]>()
  const wasWrong = (user: object): boolean => (wrong.get(user) ?? []).length > 0
  const nat = createNatMap(options.natMap)
  const names = createNameLookup({ onStale: logStale(log) })
  const watchRoutes = (routes: ServerRoutes, to: Log): ServerRoutes => {
    if (routes.files.length > 0)
      files.watch(routes.files, () => wrong.set(routes, reloadRoutes(routes, wasWrong(routes), to)), 'catch-up')
    return routes
  }
  /** Answers how to hear that the password has become another one. */
  const watchPassword = (who: Who, password: Password, to: Log): ((listener: () => void) => void) => {
    const listeners: (() => void)[] = []
    const reload = (): void => {
      const { changed, unusable } = reloadPassword(who, { password, wasWrong: wasWrong(password), log: to })
      wrong.set(password, unusable)
      if (changed) for (const listener of listeners) listener()
    }
    if (password.file !== null) files.watch([password.file], reload, 'catch-up')
    return listener => void listeners.push(listener)
  }
  /** Calls `listener` after one of these files has changed. */
  const onFiles = (tls: TlsFiles | null, listener: () => void): void => {
    if (tls === null) return
    files.watch(namesOf(tls), () => {
      const read = readTlsFiles(tls, Date.now())
      wrong.set(tls, 'problems' in read ? read.problems.map(describeProblem) : [])
      listener()
    })
  }
  const sentinelPassword = new Password(options.sentinelPassword, options.passwordFiles.sentinel)
  return {
    files,
    onFiles,
    /** Looks at all files now, and not only within a second. */
    async reload(): Promise<Reloaded> {
      const changed = await files.lookNow()
      return { changed, unusable: [...new Set([...wrong.values()].flat())] }
    },
    sentinel: watchRoutes(new ServerRoutes('sentinel', { tls: options.sentinelTls, nat, names }), log),
    sentinelLogin: { username: options.sentinelUsername, password: sentinelPassword },
    onSentinelPassword: watchPassword('sentinel', sentinelPassword, log),
    /** The same of one master. `to`: where its changes are logged. @throws as createSecurity. */
    forMaster(own: MasterSecurityOptions, to: Log) {
      const passwords = {
        redis: new Password(own.redisPassword, own.passwordFiles.redis),
        client: new Password(own.clientPassword, own.passwordFiles.client),
      }
      const redis = watchRoutes(new ServerRoutes('redis', { tls: own.redisTls, nat, names }), to)
      const listen = {
        redis: watchPassword('redis', passwords.redis, to),
        client: watchPassword('client', passwords.client, to),
      }
      return {
        redis,
        passwords,
        onFiles,
        /** Calls `listener` after that password has become another one. */
        onPassword(who: keyof typeof listen, listener: () => void): void {
          listen[who](listener)
        },
      }
    },
  }
}

function logStale(log: Log): (name: string, cause: string, addresses: readonly string[]) => void {
  const throttle = createLogThrottle()
  return (name, cause, used) => {
    const notLogged = throttle(name)
    if (notLogged === undefined) return
    log.warn(
      { event: 'name.unresolved', name, cause, used, notLogged },
      'this host name cannot be resolved: Holdfast uses its last good address',
    )
  }
}

/** Answers what is wrong with the files. `wasWrong`: something was when they were read last. */
function reloadRoutes(routes: ServerRoutes, wasWrong: boolean, log: Log): readonly string[] {
  const { changed, problems } = routes.reload()
  if (changed)
    log.info(
      { event: 'tls.reloaded', side: routes.side },
      'TLS files have changed: new connections use them, and open ones stay',
    )
  else if (problems.length > 0)
    log.error(
      { event: 'tls.kept', side: routes.side, causes: problems.map(describeProblem) },
      'the new TLS files cannot be used: the old ones stay in use until the files are correct',
    )
  else if (wasWrong)
    log.info({ event: 'tls.reloaded', side: routes.side }, 'the TLS files are correct again, and those that are in use')
  return problems.map(describeProblem)
}

function reloadPassword(who: Who, { password, wasWrong, log }: { password: Password; wasWrong: boolean; log: Log }) {
  const { changed, problem } = password.reload()
  const file = basename(password.file ?? '')
  if (problem !== null)
    log.error(
      { event: 'password.kept', who, file, cause: problem },
      'the password file cannot be used: the old password stays in use until the file is correct',
    )
  else if (changed)
    log.info(
      { event: 'password.reloaded', who, file },
      'a password file has changed: new connections use the new password',
    )
  else if (wasWrong)
    log.info({ event: 'password.reloaded', who, file }, 'the password file is correct again, with the password in use')
  return { changed, unusable: problem === null ? [] : [`${password.file}: ${problem}`] }
}
