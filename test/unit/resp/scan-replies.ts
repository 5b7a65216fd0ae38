// scan-replies.ts: runs the reply scanner over chunks, and puts down what it found, in offsets of the whole.
import { ReplyScanner } from '../../../src/resp/reply-scanner.ts'

export interface ScannedReplies {
  readonly ends: number[]
  /** First bytes of the frames, one character each. */
  readonly types: string
  readonly broken: boolean
}

/** @throws Error when an offset does not grow. */
export function scanReplies(chunks: readonly Buffer[]): ScannedReplies {
  const scanner = new ReplyScanner()
  const ends: number[] = []
  let types = ''
  let before = 0
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length && !scanner.broken; ) {
      const end = scanner.next(chunk, at)
      if (end < 0) break
      if (end <= at || end > chunk.length) throw new Error(`offset ${end} after ${at}`)
      ends.push(before + end)
      types += String.fromCharCode(scanner.type)
      at = end
    }
    before += chunk.length
  }
  return { ends, types, broken: scanner.broken }
}
