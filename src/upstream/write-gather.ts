// write-gather.ts: many pieces, one system call: small ones are copied together, large ones go as a vector.
import type { SocketWriter } from '../transport/socket-writer.ts'

/** Pieces of this size on average cost more to copy than to pass on one by one. */
const LARGE_PIECE = 4096
/** More than this in one write is passed on as a vector whatever its pieces. */
const COPY_LIMIT = 64 * 1024

/** Writes all pieces, `total` bytes, in their order. Answers false when the writer has more than it wants. */
export function writeGathered(writer: SocketWriter, pieces: readonly Buffer[], total: number): boolean {
  if (pieces.length === 1) return writer.write(pieces[0] as Buffer)
  if (total <= COPY_LIMIT && total < pieces.length * LARGE_PIECE)
    return writer.write(copyInto(Buffer.allocUnsafe(total), pieces))
  return writer.writeAll(pieces)
}

/** The same for the one writer of one socket: small pieces are copied to memory that is used again. */
export class Gatherer {
  /** Enough for what a hundred clients send in one turn in pipelines. */
  static readonly bytes = 256 * 1024
  #memory: Buffer | null = null

  write(writer: SocketWriter, pieces: readonly Buffer[], total: number): boolean {
    const fits = total <= Gatherer.bytes && total < pieces.length * LARGE_PIECE
    // While the writer has anything left, that may lie in our memory.
    if (pieces.length === 1 || !fits || total <= LARGE_PIECE || writer.left > 0)
      return writeGathered(writer, pieces, total)
    this.#memory ??= Buffer.allocUnsafeSlow(Gatherer.bytes)
    return writer.write(copyInto(this.#memory.subarray(0, total), pieces))
  }
}

function copyInto(bytes: Buffer, pieces: readonly Buffer[]): Buffer {
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
