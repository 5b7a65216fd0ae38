// scan.ts: SCAN, HSCAN, SSCAN and ZSCAN through a change of master.
//
// A cursor means something only to the process that gave it, because that process's hash seed decides where keys lie.
// An iteration that goes on at another node silently misses keys. So cursors of later masters carry a mark, in bits
// that servers never use. A cursor with another mark than today's starts the iteration again on the new master:
// complete, with repeats, which SCAN's contract allows. Before the first failover there is no mark, and bytes pass
// unchanged.

import type { Request, RequestHandler } from '../../relay/request.ts'
import { commandArgs } from '../../resp/decode.ts'
import { encodeCommand } from '../../resp/encode.ts'
import { ReplyType } from '../../resp/reply-scanner.ts'

/** No hash table has 2^48 buckets, and 2^48 times 31 is still exact for clients that read cursors as doubles. */
const MARK_SHIFT = 48n
const MARKS = 31

/** The mark of the n-th master since the start; the first has none. */
export function scanMark(moves: number): number {
  return moves === 0 ? 0 : 1 + ((moves - 1) % MARKS)
}

/** One SCAN-like command; the cursor's place is among the arguments. */
export class Scan implements RequestHandler {
  readonly #args: Buffer[]
  readonly #place: number
  readonly #cursor: bigint | null
  readonly #currentMark: () => number
  #sentMark = 0

  constructor(frame: Buffer, place: number, currentMark: () => number) {
    this.#args = commandArgs(frame)
    this.#place = place
    this.#currentMark = currentMark
    const text = this.#args[place]?.toString('latin1') ?? ''
    const cursor = /^\d{1,20}$/.test(text) ? BigInt(text) : null
    this.#cursor = cursor !== null && cursor < 1n << 64n ? cursor : null
  }

  onSend(request: Request): void {
    this.#sentMark = this.#currentMark()
    if (this.#cursor === null || this.#cursor === 0n) return
    const mark = Number(this.#cursor >> MARK_SHIFT)
    if (mark === 0 && this.#sentMark === 0) return
    const bare = mark === this.#sentMark ? this.#cursor & ((1n << MARK_SHIFT) - 1n) : 0n
    this.#args[this.#place] = Buffer.from(bare.toString())
    request.bytes = encodeCommand(this.#args)
  }

  onReply(request: Request, frame: Buffer, type: number): void {
    request.owner.deliver(type === ReplyType.array && this.#sentMark > 0 ? markReply(frame, this.#sentMark) : frame)
  }
}

/** `*2 $n cursor ...` with the mark put on a cursor that is not 0 (0 ends the iteration, on every node). */
function markReply(frame: Buffer, mark: number): Buffer {
  const match = /^\*2\r\n\$\d+\r\n(\d+)\r\n/.exec(frame.toString('latin1', 0, 64))
  const cursor = match?.[1]
  if (match === null || cursor === undefined || cursor === '0') return frame
  const marked = (BigInt(cursor) | (BigInt(mark) << MARK_SHIFT)).toString()
  return Buffer.concat([Buffer.from(`*2\r\n$${marked.length}\r\n${marked}\r\n`), frame.subarray(match[0].length)])
}
