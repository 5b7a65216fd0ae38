// collections.ts: counts V8's full collections in what a process prints under --trace-gc.
//
//   [12:0x5581] 3001 ms: Mark-Compact 24.9 (40.1) -> 9.9 (38.0) MB, pooled: 0 MB, 15.20 / 0.00 ms  (average mu = ...

import type { Running } from '../stage.ts'

export interface Collections {
  full: number
  /** The longest pause of a full one, milliseconds. */
  longestMs: number
}

/** The milliseconds of a line that tells of a full collection; undefined for any other line. */
export function fullCollectionMs(line: string): number | undefined {
  const ms = /: Mark-Compact\b.* MB, (?:pooled: [\d.]+ MB, )?([\d.]+) \//.exec(line)?.[1]
  return ms === undefined ? undefined : Number(ms)
}

/** Counts from now on; the function that it gives answers the count and starts anew. */
export function countCollections(running: Running): () => Collections {
  let counted: Collections = { full: 0, longestMs: 0 }
  let rest = ''
  running.child.stdout?.on('data', (chunk: Buffer) => {
    const lines = `${rest}${chunk.toString('latin1')}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const ms = fullCollectionMs(line)
      if (ms === undefined) continue
      counted.full++
      counted.longestMs = Math.max(counted.longestMs, ms)
    }
  })
  return () => {
    const now = counted
    counted = { full: 0, longestMs: 0 }
    return now
  }
}
