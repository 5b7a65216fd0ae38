// log.ts — the one way to log. Every line has an `event` name; keys, values and secrets never appear in one.
import { type Logger, pino } from 'pino'

export type Log = Logger

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/**
 * A JSON logger on standard output, written synchronously: a line about a crash must be out before the crash.
 * `redact` is a second line of defence; no code path puts a password into a log line in the first place.
 */
export function createLog(level: LogLevel): Log {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: label => ({ level: label }) },
    redact: { paths: ['password', '*.password', 'auth', '*.auth'], censor: '[secret]' },
  })
}
