// exec-reply.ts: EXEC's reply where the transaction has one command more than its client knows of.
import { elementTypes } from './decode.ts'
import { ReplyScanner, ReplyType } from './reply-scanner.ts'

/** EXEC's array without its last element; null: it has not `count` elements before that one. */
export function withoutLast(frame: Buffer, count: number): Buffer | null {
  if (count < 0) return null
  const scanner = new ReplyScanner()
  scanner.opensArray = true
  const start = scanner.next(frame, 0)
  if (arrayLength(frame) !== count + 1) return null
  let at = start
  for (let i = 0; i < count; i++) at = scanner.next(frame, at)
  return Buffer.concat([Buffer.from(`*${count}\r\n`), frame.subarray(start, at)])
}

/** How many elements an array's frame, or its header alone, says it has; negative for null. */
export function arrayLength(frame: Buffer): number {
  return Number(frame.toString('latin1', 1, frame.indexOf('\r')))
}

/** The first error among the elements of an array. */
export function firstErrorIn(frame: Buffer): Buffer | null {
  if (frame[0] !== ReplyType.array || !elementTypes(frame).includes(ReplyType.error)) return null
  const start = frame.indexOf('\r\n-') + 2
  return Buffer.from(frame.subarray(start, frame.indexOf('\r\n', start) + 2))
}
