// controlled.ts: what the control socket may ask of the running program. Only types; proxy.ts fills them.
import type { LogLevel } from '../ops/log.ts'
import type { Reload } from '../ops/reload-line.ts'
import type { InFlightSession, SessionSnapshot } from '../ops/snapshot.ts'
import type { Pause } from '../relay/pause.ts'

export interface ControlledMaster {
  readonly name: string
  /** How long a command may wait, ms. */
  readonly holdLimitMs: number
  readonly pause: Pause
  /** Nothing is held, and no pause may begin. */
  readonly dryRun: boolean
  /** The ids that its links to the master have there (CLIENT LIST). */
  linkIds(): string[]
  /** The requests in flight, those of blocked sessions apart. */
  inFlight(): { readonly requests: number; readonly blocked: number }
  /** At most `limit` open sessions. */
  sessions(limit: number): SessionSnapshot[]
  /** At most `limit` sessions that have a command in flight, blocked ones first. */
  inFlightSessions(limit: number): InFlightSession[]
}

export interface Controlled {
  readonly masters: readonly ControlledMaster[]
  /** As /status shows it, with the log level. */
  status(): Readonly<Record<string, unknown>>
  /** Begins to stop as SIGTERM does. Answers false where the process is not ours to stop. */
  drain(): boolean
  /** Reads passwords and TLS files again, and looks at the options. */
  reload(): Promise<Reload>
  readonly logLevel: LogLevel
  setLogLevel(level: LogLevel): void
}
