// wait.ts: WAIT and WAITAOF, on a link of the session's own.
//
// A server's WAIT looks at the replication offset of its own connection only (waitCommand in replication.c), and the
// session's writes went over another one. So a write that changes nothing goes ahead. Not before a WAIT for no replica
// of a session that has written nothing: it asks how many replicas there are, and none has that write yet.
// wait-answers.ts says what the answer means when the master has changed.
import { type ErrorSpec, errors } from '../../errors.ts'
import { type Missing, missingOf } from '../../ops/missing-rights.ts'
import { createUnit, type Request, type RequestHandler } from '../../relay/request.ts'
import { encodeCommand } from '../../resp/encode.ts'
import { ReplyType } from '../../resp/reply-scanner.ts'
import type { SessionContext } from '../state/session-context.ts'
import { offsetMarker } from './before-blocking.ts'
import type { Outcome } from './command-outcome.ts'
import { Blocking, type Preflight, timeoutReply } from './send-blocking.ts'

export function handleWait(context: SessionContext, frame: Buffer, args: readonly Buffer[]): Outcome {
  // A write before it that the node refuses for now runs later: the answer would not be about that one.
  if (!context.choice.takePrivate() || context.pending > 0) return 'wait'
  const ahead = context.waits.hasWritten || asksForSome(args) ? offsetMarker : null
  const waiting = new WaitingForReplicas(context, args, ahead)
  context.waits.asked(context.place)
  const bytes = ahead === null ? frame : Buffer.concat([ahead.bytes, frame])
  const request = createUnit(context.replyTo(), bytes, 1, 1 + (ahead?.replies ?? 0), waiting)
  request.blocking = true
  // It changes nothing: under every policy it is asked again, and answers 0 for what the lost master had acknowledged.
  request.cls = 'read'
  context.submit(request)
  return 'barrier'
}

class WaitingForReplicas implements RequestHandler {
  readonly #context: SessionContext
  readonly #blocking: Blocking
  readonly #place: number
  readonly #ahead: Preflight | null
  /** The name and the numbers behind it: the wishes, then the time-out; null when the server will refuse them. */
  readonly #name: string
  readonly #numbers: readonly number[] | null
  /** The server has not made the write ahead: its answer would be about nothing. Null: it has. */
  #refused: ErrorSpec | null = null
  #missing: Missing | null = null
  /** The writes are lost: the command was sent only to learn of errors. */
  #isLost = false

  constructor(context: SessionContext, args: readonly Buffer[], ahead: Preflight | null) {
    this.#name = args[0]?.toString('latin1').toLowerCase() ?? ''
    this.#blocking = new Blocking(args, performance.now(), () => timeoutReply(context, this.#name), ahead)
    this.#ahead = ahead
    this.#place = context.place
    this.#numbers = numbersOf(args)
    this.#context = context
  }

  /** Lost writes need no waiting: asked for no replica, the server says at once whether it accepts the command. */
  onSend(request: Request): void {
    this.#refused = null
    this.#isLost = this.#context.waits.lost && this.#numbers !== null
    if (!this.#isLost) {
      this.#blocking.onSend(request)
      return
    }
    const rest = this.#name === 'wait' ? ['0', '0'] : [String(this.#numbers?.[0] ?? 0), '0', '1']
    const frame = encodeCommand([this.#name.toUpperCase(), ...rest])
    request.bytes = this.#ahead === null ? frame : Buffer.concat([this.#ahead.bytes, frame])
  }

  onReply(request: Request, frame: Buffer, type: number): void {
    if (request.expect > 0) {
      if (type !== ReplyType.error) return
      this.#missing = missingOf('spublish', frame.toString('latin1', 0, 64))
      // It is a command of Redis 7, and rename-command may have taken it away.
      this.#refused = this.#missing?.lack === 'right' ? errors.waitNeedsRight : errors.waitNeedsSpublish
      return
    }
    if (type === ReplyType.error) request.owner.deliver(frame)
    else if (this.#isLost) {
      this.#context.waits.told()
      request.owner.deliver(timeoutReply(this.#context, this.#name))
    } else if (this.#refused !== null) {
      this.#logMissing()
      request.owner.deliver(this.#refused.reply)
    } else {
      if (this.#isEnough(frame)) this.#context.waits.vouched(this.#place)
      request.owner.deliver(frame)
    }
  }

  #logMissing(): void {
    const { host, lane, state } = this.#context
    if (lane.link !== null) host.lanes.linkLog.missing(this.#missing, lane.link.master, state.identity)
  }

  onReplay(request: Request): void {
    this.#blocking.onReplay(request)
  }

  timedOut(now: number): Buffer | null {
    return this.#blocking.timedOut(now)
  }

  /** The client got what it asked for. A WAIT for no replica vouches for nothing. */
  #isEnough(frame: Buffer): boolean {
    const wanted = this.#numbers?.slice(0, -1) ?? []
    const got = [...frame.toString('latin1').matchAll(/:(\d+)/g)].map(match => Number(match[1]))
    return wanted.some(n => n > 0) && wanted.every((n, i) => (got[i] ?? 0) >= n)
  }
}

function asksForSome(args: readonly Buffer[]): boolean {
  return (
    numbersOf(args)
      ?.slice(0, -1)
      .some(n => n > 0) !== false
  )
}

/** WAIT replicas time, WAITAOF local replicas time. */
function numbersOf(args: readonly Buffer[]): number[] | null {
  const texts = args.slice(1).map(arg => arg.toString('latin1', 0, 20))
  const count = args[0]?.length === 'wait'.length ? 2 : 3
  return texts.length === count && texts.every(text => /^\d{1,15}$/.test(text)) ? texts.map(Number) : null
}
