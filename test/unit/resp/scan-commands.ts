// scan-commands.ts: runs the scanner over chunks as a session does, and notes what it found, by offsets of the whole. It
// does so twice: one frame at a time, and with commands like the last one taken together.
import { CommandScanner, FrameKind } from '../../../src/resp/command-scanner.ts'

export interface Found {
  readonly kind: 'command' | 'inline' | 'empty'
  readonly end: number
  readonly argc: number
}

export interface Scanned {
  readonly found: Found[]
  readonly error: string | null
  /** Nothing of a further frame has been seen. */
  readonly idle: boolean
}

const kinds: Readonly<Record<number, Found['kind']>> = {
  [FrameKind.command]: 'command',
  [FrameKind.inline]: 'inline',
  [FrameKind.empty]: 'empty',
}

/** @throws Error when an offset does not grow, the scanner answers something it cannot, or the two ways differ. */
export function scanCommands(chunks: readonly Buffer[]): Scanned {
  const one = scan(chunks, false)
  const together = JSON.stringify(scan(chunks, true))
  if (together !== JSON.stringify(one)) throw new Error(`together: ${together}, one by one: ${JSON.stringify(one)}`)
  return one
}

function scan(chunks: readonly Buffer[], together: boolean): Scanned {
  const scanner = new CommandScanner()
  const found: Found[] = []
  let before = 0
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      // A command that began in an earlier chunk has no name in this one.
      const isHere = scanner.idle
      let end = scanner.next(chunk, at)
      if (scanner.kind === FrameKind.error) return { found, error: scanner.error, idle: false }
      if (end < 0) break
      const kind = kinds[scanner.kind]
      if (kind === undefined || end <= at || end > chunk.length) throw new Error(`offset ${end} after ${at}, ${kind}`)
      const { argc } = scanner
      found.push({ kind, end: before + end, argc: kind === 'command' ? argc : 0 })
      while (together && isHere && kind === 'command') {
        end = scanner.takeAlike(chunk, end, 1)
        if (scanner.taken === 0) break
        found.push({ kind, end: before + end, argc })
      }
      at = end
    }
    before += chunk.length
  }
  return { found, error: null, idle: scanner.idle }
}
