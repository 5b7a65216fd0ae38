// model-client.ts: a client of the models: it keeps what it sent and what it was told, to be compared.
import type { RequestOwner } from '../../../src/relay/request.ts'
import { RespDecoder, type Value } from '../../support/resp-decoder.ts'

/** `S`: what the reply to one command must be like. */
export class ModelClient<S> implements RequestOwner {
  gone = false
  pending = 0
  pendingBytes = 0
  block: RequestOwner['block'] = null
  readonly name: string
  readonly sent: S[] = []
  readonly replies: Value[] = []
  readonly #decoder = new RespDecoder()

  constructor(name: string) {
    this.name = name
  }

  deliver(bytes: Buffer): void {
    if (!this.gone) for (const { value } of this.#decoder.push(bytes)) this.replies.push(value)
  }

  onAnswered(commands: number, weight: number): void {
    this.pending -= commands
    this.pendingBytes -= weight
  }

  onBug(error: unknown): void {
    throw error
  }
}
