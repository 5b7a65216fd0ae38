// question.ts: the commands by which the master is asked how many replicas have all that has happened so far. Pure.
//
//   the marker is there           EXPIRE marker │ WAIT n
//   it is gone, or nobody knows   HSET marker │ EXPIRE marker │ SPUBLISH │ WAIT n
//
// WAIT asks for the offset of the connection's own last write, so a write stands before it. EXPIRE is one that a server
// takes when its memory is full, and that always goes to the replicas when its key is there. It runs behind all whose
// replies had come when it was sent, so its offset covers them, whichever link they were on.
//
// Where an eviction took the key of a full server, that server does not let it be made again. It takes a message, though:
// else its clients could not even delete, because nothing would confirm it.
import { offsetMessage } from '../relay/offset-message.ts'
import { encodeCommand } from '../resp/encode.ts'
import { isErrorReply } from './withheld.ts'

/** How long one WAIT may take: the link shows in between that the node lives, and asks for what has come meanwhile. */
const SLICE_MS = 500
const ONE = Buffer.from(':1\r\n')

/** One time that it is asked. */
export interface Asking {
  readonly bytes: Buffer
  readonly replies: number
  readonly hadMarker: boolean
  /** Something of it has gone to the replicas: what WAIT answers counts. */
  isWritten: boolean
  /** The first error among the replies to its writes. */
  error: Buffer | null
}

export class Question {
  /** What makes the marker, and shows that the user may ask; one reply for each command. */
  readonly proof: readonly Buffer[]
  /** As far as the link knows. */
  hasMarker = false
  readonly #there: readonly Buffer[]
  readonly #gone: readonly Buffer[]

  constructor({
    replicas,
    key,
    lifeSeconds,
  }: { readonly replicas: number; readonly key: string; readonly lifeSeconds: number }) {
    const expire = encodeCommand(['EXPIRE', key, String(lifeSeconds)])
    const wait = encodeCommand(['WAIT', String(replicas), String(SLICE_MS)])
    const baseline = [encodeCommand(['HSET', key, 'ack', '0']), expire]
    this.proof = [...baseline, encodeCommand(['WAIT', '0', '0'])]
    this.#there = [expire, wait]
    this.#gone = [...baseline, offsetMessage, wait]
  }

  ask(): Asking {
    const { hasMarker } = this
    const commands = hasMarker ? this.#there : this.#gone
    return {
      bytes: Buffer.concat(commands),
      replies: commands.length,
      hadMarker: hasMarker,
      isWritten: false,
      error: null,
    }
  }

  /** The reply to one of the writes before WAIT; `expect` replies are still to come. */
  onWrite(asking: Asking, frame: Buffer, expect: number): void {
    if (isErrorReply(frame)) asking.error ??= frame
    // Without the key EXPIRE changes nothing; the others always do.
    const isExpire = asking.hadMarker || expect === 2
    if (isExpire) this.hasMarker = frame.equals(ONE)
    asking.isWritten ||= isExpire ? this.hasMarker : !isErrorReply(frame)
  }
}
