// scan-replies.ts: runs the reply scanner over chunks, and puts down what it found, in offsets of the whole. It does so
// twice: one frame at a time, and with plain replies taken together where they lie whole.
import { ReplyScanner } from '../../../src/resp/reply-scanner.ts'

export interface ScannedReplies {
  readonly ends: number[]
  /** First bytes of the frames, one character each. */
  readonly types: string
  readonly broken: boolean
}

/** @throws Error when an offset does not grow, or the two ways differ. */
export function scanReplies(chunks: readonly Buffer[]): ScannedReplies {
  const one = scan(chunks, false)
  const together = JSON.stringify(scan(chunks, true))
  if (together !== JSON.stringify(one)) throw new Error(`together: ${together}, one by one: ${JSON.stringify(one)}`)
  return one
}

function scan(chunks: readonly Buffer[], together: boolean): ScannedReplies {
  const scanner = new ReplyScanner()
  const ends: number[] = []
  let types = ''
  let before = 0
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length && !scanner.broken; ) {
      const first = chunk[at] as number
      const plain = together ? scanner.takePlain(chunk, at, 1) : 0
      const isPlain = together && scanner.taken === 1
      const end = isPlain ? plain : scanner.next(chunk, at)
      if (end < 0) break
      if (end <= at || end > chunk.length) throw new Error(`offset ${end} after ${at}`)
      ends.push(before + end)
      types += String.fromCharCode(isPlain ? first : scanner.type)
      at = end
    }
    before += chunk.length
  }
  return { ends, types, broken: scanner.broken }
}
