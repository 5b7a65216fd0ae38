// handshake-reader.ts: cuts what the node says while a link is dialled into frames, and gives each to the handshake.
//
// Owns: the part of a frame that has come so far. Never: judges an answer (handshake.ts), writes to a socket (link.ts).
import { ReplyScanner } from '../resp/reply-scanner.ts'
import type { Handshake, HandshakeFailure } from './handshake.ts'

export class HandshakeReader {
  readonly #handshake: Handshake
  readonly #scanner = new ReplyScanner()
  #partial: Buffer[] = []

  constructor(handshake: Handshake) {
    this.#handshake = handshake
  }

  /**
   * `more`: the handshake waits for more. `broken`: what has come is no reply. A number: the handshake is done, and what
   * is behind this offset of `chunk` answers requests.
   */
  read(chunk: Buffer, link: { writeHandshake(): void }): number | 'more' | 'broken' | HandshakeFailure {
    let at = 0
    while (at < chunk.length) {
      const end = this.#scanner.next(chunk, at)
      if (end < 0) break
      this.#partial.push(chunk.subarray(at, end))
      const frame = Buffer.concat(this.#partial)
      this.#partial = []
      at = end
      const answer = this.#handshake.onFrame(frame, this.#scanner.type)
      if (answer === 'ready') return at
      if (answer !== 'more') return answer
      link.writeHandshake()
    }
    if (this.#scanner.broken) return 'broken'
    if (at < chunk.length) this.#partial.push(Buffer.from(chunk.subarray(at)))
    return 'more'
  }
}
