// log-output.ts: writes log lines to standard output. Its reader may be slow, stop or leave, and no client notices.
//
//   line ─▶ sink ─▶ [bytes it has not taken] ─▶ pipe, socket, file, terminal
//     └── too much there, or the last write failed ─▶ dropped and counted; one line says how many when it is over
//
// Owns: how much is pending and missing. Never: waits for a reader (a file has none), throws, or ends the process.
import { constants, openSync, writeSync } from 'node:fs'
import { isatty } from 'node:tty'

/** No more than this is kept for a reader. */
const MAX_PENDING = 1024 * 1024
/** When no more than this is left, a line says how many lines are missing. */
const CAUGHT_UP = MAX_PENDING / 4
/** After a failed write, lines are dropped for this long before the next try. */
const RETRY_MS = 1000
const TERMINAL_RETRY_MS = 50

/** Takes text and calls `done`, maybe at once, when it is written, or with why it is not. */
export type Sink = (text: string, done: (error?: Error | null) => void) => void

export class LogOutput {
  /** Lines lost since the start. */
  dropped = 0
  /** Called when lines can be written again: `missing` of them were not, because of `cause`. */
  onBack: (missing: number, cause: string) => void = () => {}
  readonly #sink: Sink
  /** Milliseconds of a monotonic clock. */
  readonly #now: () => number
  #pending = 0
  #missing = 0
  #cause = ''
  #failedAt = Number.NEGATIVE_INFINITY
  #waiters: (() => void)[] = []

  constructor(sink: Sink, now = () => performance.now()) {
    this.#sink = sink
    this.#now = now
  }

  /** One line, or several, with the newline. */
  write(text: string): void {
    if (this.#pending > MAX_PENDING) this.#drop('its reader takes no more')
    else if (this.#now() - this.#failedAt < RETRY_MS) this.#drop(this.#cause)
    else this.#pass(text)
  }

  /** Resolves when everything is written or cannot be, and after `limitMs` at the latest: the process may end then. */
  async flush(limitMs: number): Promise<void> {
    if (this.#pending === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiters.push(resolve)
    const timer = setTimeout(resolve, limitMs)
    await promise
    clearTimeout(timer)
  }

  #pass(text: string): void {
    const bytes = text.length
    this.#pending += bytes
    try {
      this.#sink(text, error => this.#onDone(bytes, error))
    } catch (error) {
      this.#onDone(bytes, error instanceof Error ? error : new Error(String(error)))
    }
  }

  #onDone(bytes: number, error: Error | null | undefined): void {
    this.#pending -= bytes
    if (error) {
      this.#failedAt = this.#now()
      this.#drop(`it cannot be written to (${'code' in error ? String(error.code) : error.message})`)
    } else if (this.#missing > 0 && this.#pending <= CAUGHT_UP) this.#reportMissing()
    if (this.#pending > 0) return
    for (const resolve of this.#waiters.splice(0)) resolve()
  }

  #drop(cause: string): void {
    this.dropped++
    this.#missing++
    this.#cause = cause
  }

  #reportMissing(): void {
    const missing = this.#missing
    this.#missing = 0
    this.#failedAt = Number.NEGATIVE_INFINITY
    this.onBack(missing, this.#cause)
  }
}

/**
 * Standard output. Node writes to pipes and sockets without waiting, and to files at once. It would wait for a terminal
 * that somebody has stopped, so a terminal is opened a second time, as one that does not block.
 */
export function standardOutput(): Sink {
  const terminal = isatty(1) ? openTerminal() : undefined
  if (terminal !== undefined) return terminalSink(terminal)
  // Each write gets its own error.
  process.stdout.on('error', () => {})
  return (text, done) => void process.stdout.write(text, done)
}

/** undefined where the system does not open it: then Node's own way has to do. */
function openTerminal(): number | undefined {
  try {
    return openSync('/proc/self/fd/1', constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    return undefined
  }
}

function terminalSink(fd: number): Sink {
  const waiting: { bytes: Buffer; readonly done: (error?: Error | null) => void }[] = []
  let timer: NodeJS.Timeout | null = null
  const go = (): void => {
    timer = null
    for (let head = waiting[0]; head !== undefined; head = waiting[0]) {
      try {
        head.bytes = head.bytes.subarray(writeSync(fd, head.bytes))
        if (head.bytes.length > 0) continue
        waiting.shift()
        head.done()
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') {
          timer = setTimeout(go, TERMINAL_RETRY_MS)
          return
        }
        waiting.shift()
        head.done(error instanceof Error ? error : new Error(String(error)))
      }
    }
  }
  return (text, done) => {
    waiting.push({ bytes: Buffer.from(text), done })
    if (timer === null && waiting.length === 1) go()
  }
}
