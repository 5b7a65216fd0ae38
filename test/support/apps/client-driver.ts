// client-driver.ts: what the tests ask of a Redis client library, so that each library does it with its own API.
//
// Owns: the interface and the script. Never: retries, or hides what a library reports; a library's own defaults stay.

/** A counter and an echo in one script: its reply says at once whether it ran once and whose reply it is. */
export const bumpScript = "return {redis.call('INCR', KEYS[1]), ARGV[1]}"

/** What one command of a batch answered. */
export type Part = string | number | null | readonly [number, string]

/** One library, with one connection for commands; subscribers and blocking readers have connections of their own. */
export interface ClientDriver {
  readonly name: string
  /** Every event of every connection that a healthy connection does not emit: errors, ends, reconnections. */
  readonly troubles: readonly string[]
  set(key: string, value: string): Promise<string | null>
  get(key: string): Promise<string | null>
  incr(key: string): Promise<number>
  /** The script by its digest, as the library does it. */
  bump(counter: string, tag: string): Promise<readonly [number, string]>
  /** SET, GET, INCR and the script in one pipeline. */
  pipeline(batch: Batch): Promise<readonly Part[]>
  /** The same between MULTI and EXEC. */
  transaction(batch: Batch): Promise<readonly Part[]>
  /** A whole SCAN iteration by the library's own iterator. */
  scan(pattern: string): Promise<string[]>
  push(key: string, value: string): Promise<number>
  publish(channel: string, message: string): Promise<number>
  subscribe(channel: string, onMessage: (message: string) => void): Promise<void>
  /** BLPOP on a connection of its own. */
  reader(): Promise<BlockingReader>
  close(): Promise<void>
}

export interface Batch {
  readonly key: string
  readonly value: string
  readonly counter: string
  readonly scriptCounter: string
}

export interface BlockingReader {
  /** The element, or null after `seconds` without one; 0 waits for ever. */
  pop(key: string, seconds: number): Promise<string | null>
}

/** Collects troubles until it is told that the connections are being closed on purpose. */
export class TroubleList {
  readonly troubles: string[] = []
  #closing = false

  /** Makes a listener for one event of one connection. */
  listener(connection: string, event: string): (detail?: unknown) => void {
    return detail => {
      if (this.#closing) return
      const why = detail instanceof Error ? `: ${detail.message}` : ''
      this.troubles.push(`${connection} ${event}${why}`)
    }
  }

  closing(): void {
    this.#closing = true
  }
}
