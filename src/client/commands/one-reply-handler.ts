// one-reply-handler.ts: a request with one reply for the client, and what it means for the session.
import { makeLocal, type Request, type RequestHandler } from '../../relay/request.ts'
import { ReplyType } from '../../resp/reply-scanner.ts'

interface Options {
  /** For a reply that is no error. */
  readonly onSuccess?: () => void
  /** For an error, the server's or Holdfast's. */
  readonly onRefused?: () => void
  readonly rewrite?: (frame: Buffer) => Buffer
  /** The bytes, each time it is sent. */
  readonly prepare?: (() => Buffer) | undefined
  readonly isForNext?: boolean
}

/** The first reply is the client's. Replies behind it are Holdfast's own and discarded. */
export class OneReply implements RequestHandler {
  readonly isForNext: boolean
  readonly #options: Options
  #done = false

  constructor(options: Options) {
    this.isForNext = options.isForNext ?? false
    this.#options = options
  }

  onSend(request: Request): void {
    const { prepare } = this.#options
    if (prepare) request.bytes = prepare()
  }

  onReply(request: Request, frame: Buffer, type: number): void {
    if (this.#done) return
    this.#done = true
    if (type === ReplyType.error) {
      request.owner.deliver(frame)
      this.#options.onRefused?.()
      return
    }
    request.owner.deliver(this.#options.rewrite?.(frame) ?? frame)
    this.#options.onSuccess?.()
  }

  /** The client has its reply: only putting back a link that is lost was left. */
  onReplay(request: Request): void {
    if (this.#done) makeLocal(request, Buffer.alloc(0))
  }

  onFailed(): void {
    if (!this.#done) this.#options.onRefused?.()
  }

  owes(): number {
    return this.#done ? 0 : 1
  }
}
