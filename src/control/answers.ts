// answers.ts: what each command of the control socket does. One function per command; each answers a result or throws a
// ControlError with cause and remedy.
import type { Log, LogLevel } from '../ops/log.ts'
import { logReload } from '../ops/reload-line.ts'
import type { Controlled, ControlledMaster } from './controlled.ts'
import type { Pauses } from './pauses.ts'
import { badRequest, ControlError, numberIn, type Request, type ResumeResult } from './protocol.ts'

const MAX_PAUSE_MS = 10 * 60_000
const DEFAULT_PAUSE_MS = 30_000
const DEFAULT_EMPTY_MS = 5_000
/** A shorter lease would end by one late turn of the event loop. */
const MIN_LEASE_MS = 200
const MAX_LEVEL_MS = 24 * 3600_000
/** An answer lists no more sessions than this of one master. */
const MAX_LISTED = 10_000
const levels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']

/** What one command is done with. */
export interface Desk {
  readonly controlled: Controlled
  readonly log: Log
  /** Of the connection that asks. */
  readonly pauses: Pauses
  readonly levels: LevelLoan
}

export async function answer(request: Request, desk: Desk): Promise<object> {
  const { controlled, log, pauses } = desk
  switch (request.ask) {
    case 'status':
      return controlled.status()
    case 'sessions':
      return {
        masters: mastersOf(request, controlled).map(one => ({ master: one.name, sessions: one.sessions(MAX_LISTED) })),
      }
    case 'links':
      return { ids: mastersOf(request, controlled).flatMap(master => master.linkIds()) }
    case 'pause':
      return await pauses.begin(pausable(mastersOf(request, controlled)), termsOf(request), nameOf(request))
    case 'renew':
      if (!pauses.renew()) throw notPaused()
      return {}
    case 'resume':
      return resume(mastersOf(request, controlled))
    case 'drain':
      log.info({ event: 'control.drain' }, 'asked at the control socket to stop')
      if (!controlled.drain()) throw cannotDrain()
      return {}
    case 'reload': {
      const found = await controlled.reload()
      logReload(log, { by: 'ctl' }, found)
      const { changed, unusable, options, mistakes } = found
      if (unusable.length > 0) throw cannotUse(unusable)
      if (mistakes.length > 0) throw cannotRestart(mistakes)
      return { changed, options }
    }
    case 'log-level':
      return desk.levels.set(
        levelOf(request),
        numberIn(request, 'forMs', { min: 1, max: MAX_LEVEL_MS, fallback: null }),
      )
  }
}

function mastersOf({ master }: Request, { masters }: Controlled): readonly ControlledMaster[] {
  if (master === null) return masters
  const found = masters.filter(({ name }) => name === master)
  if (found.length > 0) return found
  throw new ControlError({
    code: 'unknown-master',
    cause: `this Holdfast serves no master of the name ${JSON.stringify(master.slice(0, 60))}`,
    remedy: `name one of ${masters.map(({ name }) => name).join(', ')}, or none for all`,
  })
}

function pausable(masters: readonly ControlledMaster[]): readonly ControlledMaster[] {
  const dry = masters.find(({ dryRun }) => dryRun)
  if (dry === undefined) return masters
  const cause = `the master ${dry.name} is served with --dry-run, which holds nothing`
  throw new ControlError({ code: 'failed', cause, remedy: 'start Holdfast without --dry-run' })
}

function termsOf(request: Request) {
  const maxMs = numberIn(request, 'maxMs', { min: 1, max: MAX_PAUSE_MS, fallback: DEFAULT_PAUSE_MS })
  const emptyMs = numberIn(request, 'emptyMs', { min: 1, max: MAX_PAUSE_MS, fallback: DEFAULT_EMPTY_MS })
  const leaseMs = numberIn(request, 'leaseMs', { min: MIN_LEASE_MS, max: MAX_PAUSE_MS, fallback: null })
  const { ignoreBlocked = false } = request.said
  if (typeof ignoreBlocked !== 'boolean') throw badRequest('ignoreBlocked is neither true nor false')
  return { maxMs, emptyMs: Math.min(emptyMs, maxMs), leaseMs, ignoreBlocked }
}

/** For the log: what the client calls itself, cut and cleaned. */
function nameOf({ said }: Request): string {
  const { by } = said
  return typeof by === 'string' ? by.slice(0, 32).replace(/[^\w.-]/g, '?') : 'ctl'
}

function resume(masters: readonly ControlledMaster[]): ResumeResult {
  return {
    masters: masters.map(({ name, pause }) => {
      const wasPaused = pause.isOn
      pause.end('resume')
      return { master: name, wasPaused }
    }),
  }
}

function levelOf({ said }: Request): LogLevel {
  const level = levels.find(one => one === said['level'])
  if (level === undefined) throw badRequest(`level is none of ${levels.join(', ')}`)
  return level
}

function notPaused(): ControlError {
  const cause = 'this connection holds no pause that could be renewed'
  return new ControlError({ code: 'not-paused', cause, remedy: 'it has ended; begin another' })
}

function cannotDrain(): ControlError {
  const cause = 'this Holdfast runs inside another program, which alone can stop it'
  return new ControlError({ code: 'failed', cause, remedy: 'stop that program' })
}

function cannotUse(files: readonly string[]): ControlError {
  const cause = `files cannot be used, and what was read from them before stays in use (${files.join('; ')})`
  return new ControlError({ code: 'failed', cause, remedy: 'correct them, and reload again' })
}

function cannotRestart(mistakes: readonly string[]): ControlError {
  const cause = `the options are wrong now, and those of the start stay in use (${mistakes.join('; ')})`
  return new ControlError({ code: 'failed', cause, remedy: 'correct them before a restart, which would fail' })
}

/** The level of the log, changed for some time or until the restart. */
export class LevelLoan {
  readonly #controlled: Controlled
  readonly #log: Log
  /** What the end of a loan goes back to: the level of the start, or the last one that was set until the restart. */
  #lasting: LogLevel
  #timer: NodeJS.Timeout | null = null

  constructor(controlled: Controlled, log: Log) {
    this.#controlled = controlled
    this.#log = log
    this.#lasting = controlled.logLevel
  }

  /** `forMs` null: until the restart. */
  set(level: LogLevel, forMs: number | null): object {
    const was = this.#controlled.logLevel
    this.stop()
    this.#change(level, forMs)
    if (forMs === null) this.#lasting = level
    else this.#timer = setTimeout(() => this.#change(this.#lasting, null), forMs).unref()
    return { was, level, forMs }
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  /** The line is written where either level lets it: under the one that lets more through. */
  #change(level: LogLevel, forMs: number | null): void {
    const from = this.#controlled.logLevel
    const isQuieter = levels.indexOf(level) > levels.indexOf(from)
    if (!isQuieter) this.#controlled.setLogLevel(level)
    this.#log.info({ event: 'log.level', from, to: level, forMs }, 'the log level changes')
    if (isQuieter) this.#controlled.setLogLevel(level)
  }
}
