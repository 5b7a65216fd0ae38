// subscribe.ts: SUBSCRIBE, UNSUBSCRIBE and their pattern and shard forms, on a link of the session's own.
import { type CommandSpec, Route } from '../../command/command-spec.ts'
import { createUnit, type Request, type RequestHandler } from '../../relay/request.ts'
import { decodeReply } from '../../resp/decode.ts'
import { encodeCommand } from '../../resp/encode.ts'
import { ReplyType } from '../../resp/reply-scanner.ts'
import type { SessionContext } from '../state/session-context.ts'
import { firstWord } from '../state/subscriptions.ts'
import type { Outcome } from './command-outcome.ts'

export function handleSubscribe(
  context: SessionContext,
  spec: CommandSpec,
  frame: Buffer,
  args: readonly Buffer[],
): Outcome {
  if (!context.choice.takePrivate()) return 'wait'
  // A command before it that the node refuses is sent again on the same link, and a subscriber of RESP2 may not send it.
  const { subscriptions } = context
  if (context.state.identity.protocol === 2 && context.pending > subscriptions.asked) return 'wait'
  subscriptions.asked++
  const expected = spec.route === Route.subscribe ? args.length - 1 : Math.max(1, args.length - 1)
  context.submit(createUnit(context.replyTo(), frame, 1, Math.max(1, expected), new Subscribing(context, args)))
  // A large PUBLISH that another session sends later in this turn goes out at once: it must find the subscriber.
  context.lane.writeNow()
  return 'done'
}

/** One confirmation per channel. After a loss only channels without one are asked for again. */
export class Subscribing implements RequestHandler {
  readonly setsExpect = true
  readonly #context: SessionContext
  readonly #word: string
  #left: Buffer[]
  readonly #all: boolean

  constructor(context: SessionContext, args: readonly Buffer[]) {
    this.#context = context
    this.#word = args[0]?.toString('latin1').toLowerCase() ?? ''
    this.#left = args.slice(1)
    this.#all = this.#left.length === 0
  }

  /** Confirmations reach the client with CLIENT REPLY OFF as well (CLIENT_PUSHING in pubsub.c). */
  onReply(request: Request, frame: Buffer, type: number): void {
    if (type !== ReplyType.error) this.#context.deliver(frame)
    else {
      request.owner.deliver(frame)
      request.expect = 0
      this.#context.subscriptions.asked--
      return
    }
    const { subscriptions } = this.#context
    const before = subscriptions.count(this.#word)
    const value = decodeReply(frame)
    const channel = Array.isArray(value) && Buffer.isBuffer(value[1]) ? value[1] : null
    subscriptions.confirm(firstWord(frame), channel)
    if (this.#all) request.expect = channel === null ? 0 : before - 1
    else this.#left.shift()
    if (request.expect === 0) subscriptions.asked--
  }

  onFailed(): void {
    this.#context.subscriptions.asked--
  }

  onReplay(request: Request): void {
    if (this.#all) {
      request.expect = 1
      return
    }
    request.bytes = encodeCommand([this.#word.toUpperCase(), ...this.#left])
    request.expect = this.#left.length
  }
}
