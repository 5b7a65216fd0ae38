// read-only.ts: the master answers in a replica's place, and must not do what a replica would refuse.
//
//   at a replica   everything is sent as it came: the server refuses a write in its own words
//   at the master  a write ─▶ READONLY, as a replica says it; a script ─▶ its read-only form (EVAL_RO); the rest as it came
//
// It looks when a request is sent, each time: what a replica has left unanswered may be sent to the master next. It has
// the place of a prover (relay/prover.ts) and proves nothing.
//
// Must stay true: nothing that may write is sent to a master. So a command that nobody knows counts as a write.
import { classifyCommand } from '../command/classify.ts'
import type { ReplayClass } from '../command/command-spec.ts'
import type { LearnedCommands } from '../command/learned-commands.ts'
import { Marking } from '../command/marking.ts'
import { errors } from '../errors.ts'
import { type FirstOwed, firstOwed, type OldestLost } from '../relay/fatal-requests.ts'
import type { LaneHost } from '../relay/lane-host.ts'
import type { ProvenLane, Prover } from '../relay/prover.ts'
import { commandsIn, part, type SentCommand } from '../relay/replay-rule.ts'
import { failRequest, makeLocal, type Request, wholeBytes } from '../relay/request.ts'
import { settleAnswered, takeBackOwed } from '../relay/take-back.ts'
import { commandArgs, leadingArgs } from '../resp/decode.ts'
import { encodeCommand } from '../resp/encode.ts'
import type { Link } from '../upstream/link.ts'
import type { LinkEnd } from '../upstream/link-end.ts'

/** Servers do not flag these as writes, although a repeat of them may not be the same. */
const noWrites: ReadonlySet<string> = new Set(['publish', 'spublish', 'xread', 'wait', 'waitaof', 'exec', 'script'])
/** Of a class that does not say so: it makes a sparse HyperLogLog dense, and servers flag it as a write. */
const writesToo: ReadonlySet<string> = new Set(['pfdebug'])
const writing: ReadonlySet<ReplayClass> = new Set(['idempotent', 'state-idempotent', 'non-idempotent', 'blocking'])
/** Scripts, and the form in which a server lets them only read. */
const readOnlyForms: ReadonlyMap<string, string> = new Map([
  ['eval', 'EVAL_RO'],
  ['evalsha', 'EVALSHA_RO'],
  ['fcall', 'FCALL_RO'],
])
/** Bits of a run that has only reads in it. */
const TO_LOOK_AT = Marking.writes | Marking.apart | Marking.solo | Marking.unsure

/** Whether a replica would refuse it, or may. Of a script the script itself decides. */
export function isWrite({ spec, frame }: SentCommand, learned: LearnedCommands): boolean {
  if (noWrites.has(spec.name) || readOnlyForms.has(spec.name)) return false
  if (!spec.known) return learned.find(leadingArgs(frame, 1)[0]?.toString('latin1', 0, 128) ?? '')?.cls !== 'read'
  if (spec.subcommands === null) return writing.has(spec.cls) || writesToo.has(spec.name)
  return writing.has(classifyCommand(leadingArgs(frame, 2), 0))
}

/** The command in the form that only reads; itself where it has none. */
export function readOnlyForm({ spec, frame }: SentCommand): Buffer {
  const name = readOnlyForms.get(spec.name)
  return name === undefined ? frame : encodeCommand([name, ...commandArgs(frame).slice(1)])
}

export class ReadOnly implements Prover {
  readonly isInDoubt = false
  readonly isExecuting = false
  readonly idle = true
  readonly #lane: ProvenLane
  readonly #host: LaneHost

  constructor(lane: ProvenLane, host: LaneHost) {
    this.#lane = lane
    this.#host = host
  }

  take(link: Link<Request>, request: Request): void {
    if (request.local !== null) {
      link.send(request)
      link.replies.settleHead()
      return
    }
    request.sends++
    if (request.handler !== null && !this.#lane.prepare(request)) return
    const isOpen = request.handler?.ofOpenTransaction === true
    if (request.local === null && (link.master.role !== 'replica' || isOpen)) {
      const parts = this.#screen(request, link.master.role !== 'replica')
      if (parts !== null) {
        for (const one of parts) this.#send(link, one)
        return
      }
    }
    this.#send(link, request)
  }

  #send(link: Link<Request>, request: Request): void {
    link.send(request)
    if (request.local !== null) link.replies.settleHead()
    link.writeIfMuch()
  }

  /**
   * Takes out of the request what must not go to the master. Answers what is sent in its place; null: itself. An open
   * transaction goes to the next node as the server has queued it, so its scripts have the form that only reads from the
   * start.
   */
  #screen(request: Request, refuses: boolean): Request[] | null {
    if (request.handler === null && !request.unit && (request.marking & TO_LOOK_AT) === 0) return null
    const commands = [...commandsIn(wholeBytes(request))]
    const { learned } = this.#host
    const isRefused = (one: SentCommand): boolean => refuses && isWrite(one, learned)
    const hasScripts = commands.some(({ spec }) => readOnlyForms.has(spec.name))
    if (!hasScripts && !commands.some(isRefused)) return null
    if (request.handler !== null) {
      if (commands.some(isRefused)) failRequest(request, errors.readOnly.reply)
      else request.bytes = Buffer.concat(commands.map(readOnlyForm))
      return null
    }
    if (request.unit) {
      if (commands.some(isRefused)) makeLocal(request, this.#transactionReply(request, commands, isRefused))
      else request.bytes = Buffer.concat(commands.map(readOnlyForm))
      return null
    }
    const parts = commands.map(one => {
      const single = part(request, readOnlyForm(one), 1)
      if (isRefused(one)) makeLocal(single, errors.readOnly.reply)
      return single
    })
    settleAnswered(request, parts, this.#host.counters)
    return parts
  }

  /** What a replica answers to MULTI ... EXEC with a write in it; without what the client has by now. */
  #transactionReply(request: Request, commands: readonly SentCommand[], isRefused: (one: SentCommand) => boolean) {
    const replies = commands.map(one => {
      if (one.spec.name === 'multi' || one.spec.name === 'discard') return Buffer.from('+OK\r\n')
      if (one.spec.name === 'exec') return errors.execAborted.reply
      return isRefused(one) ? errors.readOnly.reply : Buffer.from('+QUEUED\r\n')
    })
    return Buffer.concat(replies.slice(request.given))
  }

  firstOwed(end: LinkEnd<Request>): FirstOwed | undefined {
    return firstOwed(end)
  }

  onLost(end: LinkEnd<Request>, _answered: readonly Request[], oldest: OldestLost | null): Request[] {
    return takeBackOwed(end, { oldest }, this.#host)
  }

  recall(recalled: readonly Request[]): Request[] {
    return [...recalled]
  }

  steps() {
    return { read: null, prove: [] }
  }
  admits(): boolean {
    return true
  }
  onFrame(): boolean {
    return false
  }
  decide() {
    return null
  }
  errorInDoubt() {
    return null
  }
  hasNotRun(): boolean {
    return false
  }
  provenBytes(): null {
    return null
  }
  endAside(): Request[] {
    return []
  }
  parked(): Request[] {
    return []
  }
  dropParked(): Request[] {
    return []
  }
  drop(): Request[] {
    return []
  }
  close(): void {}
  onReadEnd(): void {}
  onReady(): void {}
  forget(): void {}
  tick(): void {}
}
