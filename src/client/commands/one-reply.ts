// one-reply.ts: a request with one reply for the client, and what it means for the session.
import { makeLocal, type Request, type RequestHandler } from '../../relay/request.ts'
import { ReplyType } from '../../resp/reply-scanner.ts'

/** One reply for the client, with what it means for the session; replies behind it are the proxy's own and swallowed. */
export class OneReply implements RequestHandler {
  readonly #onSuccess: (() => void) | null
  readonly #rewrite: ((frame: Buffer) => Buffer) | null
  readonly #prepare: (() => Buffer) | null
  #done = false

  /** `rewrite`: of a reply that is no error; `prepare`: the bytes for the link of the moment, each time it is sent. */
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

  /** The client has its reply: what was left was only to put a link back that is no more. */
  onReplay(request: Request): void {
    if (this.#done) makeLocal(request, Buffer.alloc(0))
  }

  /** The client may have its reply already: what is lost then is only the undoing behind it. */
  owes(): number {
    return this.#done ? 0 : 1
  }

  onFailed(): void {}
}
