// one-reply.ts: a request with one reply for the client, and what it means for the session.
import { makeLocal, type Request, type RequestHandler } from '../../relay/request.ts'
import { ReplyType } from '../../resp/reply-scanner.ts'

/** The first reply is the client's. Replies behind it are Holdfast's own and discarded. */
export class OneReply implements RequestHandler {
  readonly #onSuccess: (() => void) | null
  readonly #rewrite: ((frame: Buffer) => Buffer) | null
  readonly #prepare: (() => Buffer) | null
  #done = false

  /** `onSuccess`, `rewrite`: for a reply that is no error. `prepare`: the bytes, each time it is sent. */
  constructor(options: { onSuccess?: () => void; rewrite?: (frame: Buffer) => Buffer; prepare?: () => Buffer }) {
    this.#onSuccess = options.onSuccess ?? null
    this.#rewrite = options.rewrite ?? null
    this.#prepare = options.prepare ?? null
  }

  onSend(request: Request): void {
    if (this.#prepare !== null) request.bytes = this.#prepare()
  }

  onReply(request: Request, frame: Buffer, type: number): void {
    if (this.#done) return
    this.#done = true
    if (type === ReplyType.error) {
      request.owner.deliver(frame)
      return
    }
    request.owner.deliver(this.#rewrite?.(frame) ?? frame)
    this.#onSuccess?.()
  }

  /** The client has its reply: only putting back a link that is lost was left. */
  onReplay(request: Request): void {
    if (this.#done) makeLocal(request, Buffer.alloc(0))
  }

  owes(): number {
    return this.#done ? 0 : 1
  }
}
