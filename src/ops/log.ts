// log.ts — the one way to log. Every line has an `event` name; keys, values and secrets never appear in one.
import { type DestinationStream, type Logger, pino } from 'pino'

export type Log = Logger

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/**
 * A logger on standard output, written synchronously: a line about a crash must be out before the crash. JSON, unless
 * `stream` makes something else of it.
 * `redact` is a second line of defence; no code path puts a password into a log line in the first place.
 */
export function createLog(level: LogLevel, stream?: DestinationStream): Log {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: ['password', '*.password', 'auth', '*.auth'], censor: '[secret]' },
  }
  return stream === undefined ? pino(options) : pino(options, stream)
}

/**
 * Lines for people: time, level, event, text, then the rest as one line of JSON. In colour on a terminal. The package
 * is loaded only when this is called.
 */
export async function prettyStream(): Promise<DestinationStream> {
  const { NO_COLOR: plain } = process.env
  const { prettyFactory } = (await import('pino-pretty')).default
  const pretty = prettyFactory({
    colorize: process.stdout.isTTY === true && plain === undefined,
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
    messageFormat: ({ event, msg }) => [event, msg].filter(text => text !== undefined).join(': '),
    ignore: 'event',
  })
  const out = pino.destination({ fd: 1, sync: true })
  return { write: line => void out.write(pretty(line)) }
}
