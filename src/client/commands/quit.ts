// quit.ts: QUIT. A client that is told OK is gone at the server: its subscriptions, its watched keys, its open MULTI.
//
//   no link of its own ─▶ it has nothing at the server: OK at once
//   its own link       ─▶ all before is answered ─▶ QUIT goes there ─▶ the server's OK, or the link's end: OK
//
// Ending the link is not enough: a server that comes to run late may read a PUBLISH of another client before that end.
//
// Must stay true: QUIT waits for no master. Where none takes it now, and where none answers within SERVER_MS, the client
// gets its OK, and the link ends with the session.
import { createUnit, makeLocal, type Request, type RequestHandler } from '../../relay/request.ts'
import { encodeCommand } from '../../resp/encode.ts'
import type { SessionContext } from '../state/session-context.ts'
import type { Outcome } from './command-outcome.ts'
import { okReply } from './constant-replies.ts'

/** A server that stands still gets this long. */
const SERVER_MS = 1_000

const command = encodeCommand(['QUIT'])

/** QUIT in whatever state, with whatever arguments: a server answers OK, inside MULTI too. */
export function handleQuit(context: SessionContext): Outcome {
  const { isPrivate, lane } = context
  if (!isPrivate || lane.link?.status !== 'ready' || !lane.maySend) context.answer(okReply)
  else if (context.pending > 0) return 'wait'
  else {
    const request = createUnit(context.replyTo(), command, 1, 1, new Quitting(context))
    request.cls = 'read'
    context.submit(request)
    // A PUBLISH that another session sends later in this turn comes behind it.
    lane.writeNow()
  }
  context.closeAfterReplies()
  return 'done'
}

class Quitting implements RequestHandler {
  readonly #context: SessionContext
  readonly #asked = performance.now()
  readonly #timer: NodeJS.Timeout
  #isAnswered = false

  constructor(context: SessionContext) {
    this.#context = context
    // A process that comes to run late reads first what the server has said.
    this.#timer = setTimeout(() => setImmediate(() => this.#giveUp()), SERVER_MS).unref()
  }

  #giveUp(): void {
    if (!this.#isAnswered) this.#context.lane.link?.cut('the server has not answered QUIT')
  }

  onReply({ owner }: Request): void {
    this.#end()
    owner.deliver(okReply)
  }

  /**
   * The link is gone; or it was taken back unsent, because Holdfast stood still or a failover is announced. Then no master
   * takes it now, as for a QUIT that comes a moment later. All before it is answered, and the link ends before any other
   * command is sent: those wait until the master is confirmed.
   */
  onReplay(request: Request): void {
    this.#end()
    request.sends = 0 // no replica has to confirm it (--ack)
    makeLocal(request, okReply)
  }

  timedOut(now: number): Buffer | null {
    return now - this.#asked < SERVER_MS ? null : okReply
  }

  #end(): void {
    this.#isAnswered = true
    clearTimeout(this.#timer)
  }
}
