// send-blocking.ts: commands that block (BLPOP, XREAD BLOCK, WAIT, ...), on a link of the session's own.
//
// Held or sent again, such a command goes out with the time that is left, counted from when the client asked.
//
// What the client sends behind it stays here until it is answered. A server would not run it earlier either. At an old
// master it would run when the wait is over, and again at the new one; and a wait with something behind it could not
// be ended there (unblocking.ts).
import { type BlockingTimeout, blockingTimeout } from '../../command/blocking-arguments.ts'
import { classifyCommand } from '../../command/classify.ts'
import { createUnit, type Request, type RequestHandler } from '../../relay/request.ts'
import { encodeCommand } from '../../resp/encode.ts'
import type { SessionContext } from '../state/session-context.ts'
import type { Outcome } from './command-outcome.ts'
import { integerReply, nilArray, nilBulk } from './constant-replies.ts'

/** A command that blocks for a client that is gone takes what others wait for: its end is looked for first. */
export function handleBlocking(
  context: SessionContext,
  frame: Buffer,
  args: readonly Buffer[],
  ahead: Preflight | null,
): Outcome {
  if (context.inputEnded) {
    context.closeAfterReplies()
    return 'done'
  }
  const command = args[0]?.toString('latin1').toLowerCase() ?? ''
  if (!context.choice.takePrivate()) return 'wait'
  // A node that refuses writes for now runs it, and it would wait for what a refused write before it will bring.
  if (command === 'xread' && context.pending > 0) return 'wait'
  if (!context.hasLooked()) return 'look'
  const bytes = ahead === null ? frame : Buffer.concat([ahead.bytes, frame])
  const handler = new Blocking(args, performance.now(), () => timeoutReply(context, command), ahead)
  const request = createUnit(context.replyTo(), bytes, 1, 1 + (ahead?.replies ?? 0), handler)
  request.blocking = true
  context.submit(request)
  return 'barrier'
}

/** Frames of Holdfast's own that go before a blocking command, and what their replies are for. */
export interface Preflight {
  readonly bytes: Buffer
  readonly replies: number
  /** The reply to the n-th, from 0. */
  onReply?(n: number, frame: Buffer): void
  /** Before the command goes again: puts what the replies said into its arguments. The frames then do not. */
  resolve?(args: Buffer[]): boolean
}

/** A blocking command that is sent this soon goes out as the client wrote it. */
const PROMPT_MS = 50

export class Blocking implements RequestHandler {
  readonly #asked: number
  readonly #timeout: BlockingTimeout | null
  readonly #args: Buffer[]
  readonly #timeoutReply: () => Buffer
  #ahead: Preflight | null
  #again = false

  /** `timeoutReply`: what the server answers when the time is over. `now`: performance.now(). */
  constructor(args: readonly Buffer[], now: number, timeoutReply: () => Buffer, ahead: Preflight | null = null) {
    this.#timeoutReply = timeoutReply
    this.#asked = now
    this.#timeout = blockingTimeout(args)
    this.#args = [...args]
    this.#ahead = ahead
  }

  /** The time left is computed here and not at the loss: a whole failover may lie between. */
  onSend(request: Request): void {
    const late = this.#setTimeLeft(performance.now() - this.#asked)
    if (!late && !this.#again) return
    const frame = encodeCommand(this.#args)
    request.bytes = this.#ahead === null ? frame : Buffer.concat([this.#ahead.bytes, frame])
  }

  timedOut(now: number): Buffer | null {
    const timeout = this.#timeout
    if (timeout === null || timeout.value === 0) return null
    const lastsMs = timeout.value * (timeout.unit === 'seconds' ? 1000 : 1)
    return now - this.#asked < lastsMs ? null : this.#timeoutReply()
  }

  #setTimeLeft(elapsedMs: number): boolean {
    const timeout = this.#timeout
    if (timeout === null || timeout.value === 0 || elapsedMs < PROMPT_MS) return false
    const perUnit = timeout.unit === 'seconds' ? 1000 : 1
    // Zero would mean "for ever": a wait that is over gets one more moment, and the server answers.
    const leftMs = Math.max(1, Math.ceil(timeout.value * perUnit - elapsedMs))
    this.#args[timeout.index] = Buffer.from(perUnit === 1 ? String(leftMs) : (leftMs / 1000).toFixed(3))
    return true
  }

  onReply(request: Request, frame: Buffer): void {
    if (request.expect === 0) {
      request.owner.deliver(frame)
      return
    }
    this.#ahead?.onReply?.(request.replies - request.expect - 1, frame)
    const again = [...this.#args]
    // XREAD from `$`, once it is known which entry that is, misses nothing when it goes again.
    if (this.#ahead?.resolve?.(again) && classifyCommand(again, Date.now()) === 'read') request.cls = 'read'
  }

  onReplay(request: Request): void {
    this.#again = true
    if (this.#ahead?.resolve?.(this.#args)) this.#ahead = null
    request.replies = 1 + (this.#ahead?.replies ?? 0)
    request.expect = request.replies
  }
}

/** What a server answers to a blocking command whose time is over. */
export function timeoutReply(context: SessionContext, command: string): Buffer {
  if (command === 'wait') return integerReply(0)
  if (command === 'waitaof') return Buffer.from('*2\r\n:0\r\n:0\r\n')
  const isBulk = command === 'blmove' || command === 'brpoplpush'
  const { protocol } = context.state.identity
  return isBulk ? nilBulk(protocol) : nilArray(protocol)
}
