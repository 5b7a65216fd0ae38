// late-lines.ts: log lines that are written a moment later, with the time at which they were logged.
//
//   keepLines(log) ─▶ lines wait, in order ─▶ written: after LATE_MS, at a warning, when there are many, at writeKept(log)
//
// A line costs as much as a command. When a failover ends, all sidecars of a master log half a dozen at the same moment,
// and their clients wait. So what clients wait for comes first.
//
// Owns: the lines that wait, and their timer. Must stay true: lines keep their order and their own time; none waits for
// longer than LATE_MS.max, and no warning or error does. A process that is killed loses what waits.
import type { LogFn, Logger } from 'pino'

/** At random, as many sidecars that share a machine wait for the same moment. */
export const LATE_MS = { min: 300, max: 600 } as const
/** More than this is no end of a failover. */
const MOST = 100
/** Of pino, `warn` and worse: somebody may look for the reason at once. */
const WARNING_LEVEL = 40

interface Line {
  readonly logger: Logger
  readonly write: LogFn
  readonly args: Parameters<LogFn>
  readonly at: number
}

const lateLines = Symbol('late lines')

/** What pino is made with (createLog in log.ts); its children share it. */
interface LateLogger extends Logger {
  [lateLines]?: LateLines
}

export class LateLines {
  #kept: Line[] = []
  #timer: NodeJS.Timeout | null = null
  /** Date.now() of the line that is written late now; null: none is. */
  #writing: number | null = null

  /** When the line that is being written was logged, ms since 1970. */
  get time(): number {
    return this.#writing ?? Date.now()
  }

  /** Makes this the one of `logger` and of all its children. */
  attach(logger: Logger): void {
    const late: LateLogger = logger
    late[lateLines] = this
  }

  /** From here on lines wait. May be called again meanwhile; the first call says until when. */
  keep(random: () => number = Math.random): void {
    if (this.#timer !== null) return
    this.#timer = setTimeout(() => this.write(), LATE_MS.min + random() * (LATE_MS.max - LATE_MS.min))
  }

  /** Of pino: each line comes through here. */
  readonly onLine = (logger: Logger, args: Parameters<LogFn>, write: LogFn, level: number): void => {
    if (this.#timer === null) {
      write.apply(logger, args)
      return
    }
    this.#kept.push({ logger, write, args, at: Date.now() })
    if (level >= WARNING_LEVEL || this.#kept.length >= MOST) this.write()
  }

  /** Writes what waits, now. */
  write(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const kept = this.#kept
    this.#kept = []
    for (const { logger, write, args, at } of kept) {
      this.#writing = at
      try {
        write.apply(logger, args)
      } catch {
        // No line of ours throws. One that did would take the others along, and here nobody could be told.
      }
    }
    this.#writing = null
  }
}

/** Something is done now for which clients wait: lines of `log` are written a moment later. */
export function keepLines(log: Logger): void {
  const late: LateLogger = log
  late[lateLines]?.keep()
}

/** Writes what waits, now. */
export function writeKept(log: Logger): void {
  const late: LateLogger = log
  late[lateLines]?.write()
}
