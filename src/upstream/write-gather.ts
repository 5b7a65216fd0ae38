// write-gather.ts: many pieces, one system call: small ones are copied together, large ones go as a vector.
import type { Socket } from 'node:net'

/** Pieces of this size on average cost more to copy than to pass on one by one. */
const LARGE_PIECE = 4096
/** More than this in one write is passed on as a vector whatever its pieces. */
const COPY_LIMIT = 64 * 1024

/** Writes all pieces, `total` bytes, in their order. Answers false when the socket has more than it wants. */
export function writeGathered(socket: Socket, pieces: readonly Buffer[], total: number): boolean {
  if (pieces.length === 1) return socket.write(pieces[0] as Buffer)
  if (total <= COPY_LIMIT && total < pieces.length * LARGE_PIECE)
    return socket.write(copyInto(Buffer.allocUnsafe(total), pieces))
  return writeVector(socket, pieces)
}

/** The same for the one writer of one socket: small pieces are copied to memory that is used again. */
export class Gatherer {
  /** Enough for what a hundred clients send in one turn in pipelines. */
  static readonly bytes = 256 * 1024
  #memory: Buffer | null = null

  write(socket: Socket, pieces: readonly Buffer[], total: number): boolean {
    const fits = total <= Gatherer.bytes && total < pieces.length * LARGE_PIECE
    // While the socket holds anything, that may lie in our memory.
    if (pieces.length === 1 || !fits || total <= LARGE_PIECE || socket.writableLength > 0)
      return writeGathered(socket, pieces, total)
    this.#memory ??= Buffer.allocUnsafeSlow(Gatherer.bytes)
    return socket.write(copyInto(this.#memory.subarray(0, total), pieces))
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

function writeVector(socket: Socket, pieces: readonly Buffer[]): boolean {
  socket.cork()
  let ok = true
  for (const piece of pieces) ok = socket.write(piece)
  socket.uncork()
  return ok
}
