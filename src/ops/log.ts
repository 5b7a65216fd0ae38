// log.ts: the one way to log. Every line has an `event` name; no line has a key, a value or a secret.
import { type DestinationStream, type Logger, type LoggerOptions, pino } from 'pino'
import { LateLines } from './late-lines.ts'
import type { LogOutput } from './log-output.ts'
import { sourceStack } from './source-stack.ts'
import { withoutArguments } from './without-arguments.ts'

export type Log = Logger

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

/**
 * A logger that writes JSON to `stream`, or without one to standard output. `redact` is a second line of defence: no
 * code path puts a password into a log line in the first place.
 */
export function createLog(level: LogLevel, stream?: DestinationStream): Log {
  const lines = new LateLines()
  const options: LoggerOptions = {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date(lines.time).toISOString()}"`,
    hooks: {
      logMethod(args, write, level) {
        lines.onLine(this, args, write, level)
      },
    },
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describe },
    redact: { paths: ['password', '*.password', 'auth', '*.auth'], censor: '[secret]' },
  }
  const log = stream === undefined ? pino(options) : pino(options, stream)
  lines.attach(log)
  return log
}

/** As pino does, with the places of the source. What a server or ioredis repeats of a command may be a password. */
function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? withoutArguments(error) : error
  const { command: _, ...described } = pino.stdSerializers.err(error)
  const message = withoutArguments(described.message)
  // pino writes the causes into the stack, too.
  const stack = described.stack?.split('\n').map(withoutArguments).join('\n')
  return { ...described, message, stack: stack && sourceStack(stack) }
}

/** The logger of the running program. `output` drops what its reader does not take; a later line says how much. */
export function createProgramLog(level: LogLevel, output: LogOutput, format: (line: string) => string): Log {
  const log = createLog(level, { write: line => output.write(format(line)) })
  output.onBack = (missing, cause) =>
    log.warn(
      { event: 'log.dropped', missing, cause },
      'log lines are missing before this one: nobody read standard output, or it was full',
    )
  return log
}

/** Lines for people: time, level, event, text, then the rest as JSON; in colour on a terminal. Loads the package. */
export async function prettyFormat(): Promise<(line: string) => string> {
  const { NO_COLOR: plain } = process.env
  const { prettyFactory } = (await import('pino-pretty')).default
  const pretty = prettyFactory({
    colorize: process.stdout.isTTY === true && plain === undefined,
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
    messageFormat: ({ event, msg }) => [event, msg].filter(text => text !== undefined).join(': '),
    ignore: 'event',
  })
  return line => pretty(line)
}
