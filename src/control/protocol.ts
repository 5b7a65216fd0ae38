// protocol.ts: what is said over the control socket: one JSON object a line, each way.
//
//   ─▶ {"v":1,"id":7,"ask":"pause","maxMs":30000}
//   ◀─ {"v":1,"id":7,"ok":true,"result":{...}}   or   {"v":1,"id":7,"ok":false,"error":{"code","cause","remedy"}}
//   ◀─ {"v":1,"notice":"pause-ended","master":"mymaster","why":"lease"}     to the one who holds it
//
// A request is answered once, by its id; answers may come in another order. Pure.
import type { PauseEnd } from '../ops/counters.ts'
import type { InFlightSession, SessionSnapshot } from '../ops/snapshot.ts'

export const PROTOCOL = 1
/** A longer line is no request: the connection ends. */
export const MAX_REQUEST_BYTES = 64 * 1024

export const asks = ['status', 'sessions', 'links', 'pause', 'renew', 'resume', 'drain', 'reload', 'log-level'] as const
export type Ask = (typeof asks)[number]

/** Why a request was not done. `cause` and `remedy` are sentences for people. */
export interface Failure {
  readonly code: FailureCode
  readonly cause: string
  readonly remedy: string
  /** What `code` in-flight found: of each master the sessions that owe a reply. */
  readonly masters?: readonly PausedMaster[]
}
export type FailureCode =
  | 'bad-request'
  | 'version'
  | 'unknown-command'
  | 'unknown-master'
  | 'too-many'
  | 'paused'
  | 'not-paused'
  | 'in-flight'
  | 'pause-ended'
  | 'stopping'
  | 'failed'
  // of the client alone
  | 'no-socket'
  | 'not-permitted'
  | 'not-served'
  | 'no-answer'
  | 'closed'

/** One master of a pause that is reached, or was not. */
export interface PausedMaster {
  readonly master: string
  /** Until nothing was in flight, or the pause ended without that, ms. */
  readonly ms: number
  readonly requests: number
  readonly blocked: number
  /** Not all, when there are very many. */
  readonly sessions: readonly InFlightSession[]
}

export interface PauseResult {
  readonly masters: readonly PausedMaster[]
  readonly maxMs: number
  /** A command that has waited so long ends the pause, ms. */
  readonly holdLimitMs: number
}

/** The open sessions; of very many not all. */
export interface SessionsResult {
  readonly masters: readonly { readonly master: string; readonly sessions: readonly SessionSnapshot[] }[]
}

export interface ResumeResult {
  readonly masters: readonly { readonly master: string; readonly wasPaused: boolean }[]
}

export interface Request {
  readonly id: number
  readonly ask: Ask
  /** null: all. */
  readonly master: string | null
  /** What else is said; each handler reads its own by `numberIn` and its like. */
  readonly said: Readonly<Record<string, unknown>>
}

export interface Notice {
  readonly notice: 'pause-ended'
  readonly master: string
  readonly why: PauseEnd
}

export class ControlError extends Error {
  override readonly name = 'ControlError'
  readonly failure: Failure

  constructor(failure: Failure) {
    super(`${failure.cause}; ${failure.remedy}`)
    this.failure = failure
  }
}

export function badRequest(cause: string): ControlError {
  return new ControlError({
    code: 'bad-request',
    cause,
    remedy: 'send one JSON object a line, as docs/control.md shows',
  })
}

/** What to do about a pause that lasts already. To end that of a switchover would break the work of another operator. */
export function pausedRemedy(by: string): string {
  return by === 'switchover' || by === 'drill'
    ? `somebody runs holdfast ${by} now: wait for its end`
    : 'wait for its end, or end it with holdfast ctl resume where nobody needs it'
}

/** @throws ControlError. `id` of the error's answer: what could be read of it, else 0. */
export function parseRequest(line: string): Request | { readonly id: number; readonly error: ControlError } {
  const said = parseObject(line)
  if (said === null) return { id: 0, error: badRequest('the line is no JSON object') }
  const id = typeof said['id'] === 'number' && Number.isSafeInteger(said['id']) ? said['id'] : 0
  if (said['v'] !== PROTOCOL) {
    const cause = `the request speaks version ${shown(said['v'])} of the protocol, and this Holdfast version ${PROTOCOL}`
    const remedy = 'use the holdfast command of the version that runs'
    return { id, error: new ControlError({ code: 'version', cause, remedy }) }
  }
  const ask = asks.find(one => one === said['ask'])
  if (ask === undefined) {
    const cause = `there is no command ${shown(said['ask'])}`
    return { id, error: new ControlError({ code: 'unknown-command', cause, remedy: `use one of ${asks.join(', ')}` }) }
  }
  const { master = null } = said
  if (master !== null && typeof master !== 'string') return { id, error: badRequest('master is no text') }
  return { id, ask, master, said }
}

export function parseObject(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    return null
  }
}

/** A number between the limits; `fallback` where the field is not given. @throws ControlError */
export function numberIn<T>(
  { said }: Request,
  field: string,
  limits: { readonly min: number; readonly max: number; readonly fallback: T },
): number | T {
  const value = said[field]
  if (value === undefined || value === null) return limits.fallback
  const isFine = typeof value === 'number' && value >= limits.min && value <= limits.max
  if (!isFine) throw badRequest(`${field} is ${shown(value)}, and not a number from ${limits.min} to ${limits.max}`)
  return value
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'none').slice(0, 60)
}
