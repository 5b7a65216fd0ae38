// scan-commands.ts: runs the scanner over chunks as a session does, and notes what it found, by offsets of the whole.
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

/** @throws Error when an offset does not grow, or the scanner answers something it cannot. */
export function scanCommands(chunks: readonly Buffer[]): Scanned {
  const scanner = new CommandScanner()
  const found: Found[] = []
  let before = 0
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const end = scanner.next(chunk, at)
      if (scanner.kind === FrameKind.error) return { found, error: scanner.error, idle: false }
      if (end < 0) break
      const kind = kinds[scanner.kind]
      if (kind === undefined || end <= at || end > chunk.length) throw new Error(`offset ${end} after ${at}, ${kind}`)
      found.push({ kind, end: before + end, argc: kind === 'command' ? scanner.argc : 0 })
      at = end
    }
    before += chunk.length
  }
  return { found, error: null, idle: scanner.idle }
}
