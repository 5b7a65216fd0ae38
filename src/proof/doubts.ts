// doubts.ts: requests whose link was lost: the marker says whether they have run. They wait at the front of their lane,
// in their order, until the next link has read it; then each becomes what verdict.ts says.
//
// Must stay true: nothing is sent again before the marker is read, and each request leaves once.
import type { Master } from '../address.ts'
import { classifyCommand } from '../command/classify.ts'
import { Marking, markingOf } from '../command/marking.ts'
import { type ErrorSpec, errors, undecidedReply } from '../errors.ts'
import { countUnknown } from '../ops/counters.ts'
import { isSameTerm } from '../relay/gate.ts'
import { forgetKept, forgetReplies, KeptReplies } from '../relay/kept-replies.ts'
import type { LaneHost } from '../relay/lane-host.ts'
import { decideReplay, framesOf, namedClassOf, part, remainderOf } from '../relay/replay-rule.ts'
import {
  failRequest,
  makeLocal,
  ofHandler,
  type Request,
  type RequestOwner,
  senderOf,
  wholeBytes,
} from '../relay/request.ts'
import { restartUnit, settleAnswered } from '../relay/take-back.ts'
import { commandArgs } from '../resp/decode.ts'
import type { Handshake, MarkerRead } from '../upstream/handshake.ts'
import type { Mark, Markers, Series } from './marker.ts'
import { errorOf, judge, replyTo, transactionReply, type Unknown, type Verdict } from './verdict.ts'

/** A command that the marker has shown to have run, whose client is not told before replicas of this master have it. */
interface Proven {
  readonly mark: Mark
  /** What is sent if the next master does not have it. */
  readonly bytes: Buffer
  readonly rest: Request['rest']
}

/** The link that is up, and has read the markers. */
export interface DecidingLink {
  readonly master: Master
  readonly handshake: Handshake
}

export class Doubts {
  readonly #host: LaneHost
  readonly #withholds: boolean
  /** In the order in which they were sent, each with the number of its block. */
  readonly #marks = new Map<Request, Mark>()
  readonly #proven = new Map<Request, Proven>()
  /** Those in doubt for a second time whose handler has been told the reply: they cannot be run again. */
  readonly #decided = new Set<Request>()
  /** Of lost links, with something in doubt or proven. */
  readonly #series = new Set<Series>()
  /** Whose markers the link asks for that is being dialled, in this order. */
  #asked: readonly Series[] = []
  /** Known not to have run, although they were sent. */
  readonly #notRun = new WeakSet<Request>()
  /** The server ends each link over them: they are not sent again. */
  readonly #blamed = new WeakSet<Request>()

  /** `withholds`: what has run on a lost link may be lost again with the next one, until replicas have it. */
  constructor(host: LaneHost, withholds: boolean) {
    this.#host = host
    this.#withholds = withholds
  }

  /** Requests wait for what a marker says. */
  get isOpen(): boolean {
    return this.#marks.size > 0
  }

  /** What the link that is being dialled asks for; null: nothing. */
  toRead(): MarkerRead | null {
    this.#asked = [...new Set([...this.#marks.values()].map(({ series }) => series))]
    const [first] = this.#asked
    if (first === undefined) return null
    return { key: first.key, fields: this.#asked.flatMap(({ fieldsToRead }) => fieldsToRead) }
  }

  /** Somebody may still ask for its markers. */
  uses(series: Series): boolean {
    return this.#series.has(series)
  }

  /** Its fate waits for a marker. */
  holds(request: Request): boolean {
    return this.#marks.has(request)
  }

  provenBytes(request: Request): Buffer | null {
    const proven = this.#proven.get(request)
    if (proven === undefined) return null
    return proven.rest === null ? proven.bytes : Buffer.concat([proven.bytes, ...proven.rest])
  }

  /** Its client has its reply. */
  forget(request: Request, markers: Markers): void {
    if (this.#proven.delete(request)) this.#endUnused(markers)
  }

  /** Nobody waits for them any more. */
  drop(markers: Markers): void {
    this.#marks.clear()
    this.#proven.clear()
    this.#decided.clear()
    this.#endUnused(markers)
  }

  #endUnused(markers: Markers): void {
    if (this.#series.size === 0) return
    const used = new Set(
      [...this.#marks.values(), ...[...this.#proven.values()].map(({ mark }) => mark)].map(mark => mark.series),
    )
    for (const series of this.#series) {
      if (used.has(series)) continue
      this.#series.delete(series)
      markers.end(series)
    }
  }

  /** See fatal-requests.ts. */
  blame(request: Request): void {
    this.#blamed.add(request)
  }

  hasNotRun(request: Request): boolean {
    return this.#notRun.has(request)
  }

  /** A node that is not ready has refused it, and nothing is known of it from before. */
  setAside(request: Request): void {
    if (request.sends <= 1) this.#notRun.add(request)
  }

  /** The request waits for its verdict no longer: its time is over. Null: it did not. */
  giveUp(request: Request, refusedUser: string | null): Buffer | null {
    if (!this.#marks.delete(request)) return null
    forgetReplies(request, this.#host.counters)
    countUnknown(this.#host.counters, request.owner)
    return refusedUser === null ? errors.undecided.reply : undecidedReply(refusedUser)
  }

  /** The link is lost again: of what an earlier marker has shown, the next master may know nothing. */
  reopen(): void {
    for (const [request, { mark, bytes, rest }] of this.#proven) {
      this.#marks.set(request, mark)
      if (request.handler !== null) {
        this.#decided.add(request)
        continue
      }
      const { local } = request
      request.local = null
      request.bytes = bytes
      request.rest = rest
      if (local !== null) {
        request.kept = new KeptReplies()
        request.kept.add(local, 0, true, this.#host.counters)
      }
    }
    this.#proven.clear()
  }

  /** What goes back to the front of the lane of a request whose block is in doubt; empty when its client is gone. */
  add(request: Request, mark: Mark): Request[] {
    const { counters } = this.#host
    if (request.owner.gone) {
      counters.pendingBytes -= request.weight
      forgetKept(request, counters)
      return []
    }
    this.#series.add(mark.series)
    this.#notRun.delete(request)
    if (request.kept !== null) {
      this.#marks.set(request, mark)
      return [request]
    }
    const rest = remainderOf(request, false)
    if (rest[0] !== request) settleAnswered(request, rest, counters)
    for (const part of rest) {
      if (!part.unit) part.expect = part.commands
      this.#marks.set(part, mark)
    }
    return rest
  }

  /** The next link is up and has read the marker. Answers what becomes of each request; null where nothing does. */
  decide(link: DecidingLink, markers: Markers): ((request: Request) => readonly Request[] | null) | null {
    if (this.#marks.size === 0) return null
    const { handshake } = link
    const decided = new Map<Request, readonly Request[]>()
    /**
     * From the last to the first, so that it is known which session has a write behind: in the same block, or in a later
     * one, which may leave when the first bytes of the earlier one's replies are here.
     */
    const writers = new Set<RequestOwner>()
    for (const [request, mark] of [...this.#marks].reverse()) {
      const verdict = this.#judge(mark, link)
      if (request.owner.gone) continue // it leaves the lane by itself
      decided.set(request, this.#end(request, mark, verdict, writers))
    }
    const [series] = this.#asked
    if (series !== undefined) markers.hasWitness(series.database, handshake.markers[series.fields.length] ?? null)
    this.#marks.clear()
    this.#decided.clear()
    this.#endUnused(markers)
    return request => decided.get(request) ?? null
  }

  #judge({ series, slot, seq }: Mark, { master, handshake }: DecidingLink): Verdict {
    const { fenced, markers } = handshake
    let first = 0
    for (const asked of this.#asked) {
      if (asked === series) break
      first += asked.fieldsToRead.length
    }
    const values = markers.slice(first, first + series.fieldsToRead.length)
    const value = values[slot] ?? null
    if (isSureTerm(series.at, master)) {
      const isSetBack = series.isSetBack(values)
      if (isSetBack) this.#host.linkLog.markerSetBack(master, handshake.identity)
      return judge(seq, value, fenced, isSetBack)
    }
    // One that is absent beside the witness was never written here: it is 0, as at the baseline.
    const witness = values[series.fields.length] ?? null
    return judge(seq, value === null && witness !== null && witness === series.witness ? 0 : value, fenced)
  }

  #end(request: Request, mark: Mark, verdict: Verdict, writers: Set<RequestOwner>): readonly Request[] {
    const { counters, policy } = this.#host
    if (this.#decided.has(request)) return this.#endDecided(request, mark, verdict)
    if (verdict === 'not-applied') return this.#again(request, 'lost')
    const isKept = request.kept !== null && verdict === 'applied'
    if (verdict !== 'applied') counters.proofsLost++
    // Without its reply there is nothing to give, and `always` sends again what may have run.
    if (!isKept && policy.policy === 'always') return this.#again(request, 'lost', errors.fatal)
    if (!isKept) forgetReplies(request, counters)
    if (request.unit) {
      writers.add(senderOf(request))
      return this.#endUnit(request, mark, verdict)
    }
    const parts = remainderOf(request, true)
    const answered = isKept ? this.#answered(request, mark, parts) : []
    if (!isKept && parts[0] !== request) settleAnswered(request, parts, counters)
    if (answered[0] !== request) for (const part of parts.toReversed()) this.#endCommand(part, mark, verdict, writers)
    return answered[0] === request ? answered : [...answered, ...parts]
  }

  /** The commands of a run whose replies were kept: what they wait for now is that replicas have them. */
  #answered(request: Request, mark: Mark, parts: readonly Request[]): Request[] {
    const { kept } = request
    if (kept === null) return []
    const bytes = wholeBytes(request)
    const reply = kept.bytes()
    const commands = request.commands - (request.expect === 0 ? 0 : parts.length)
    const weight = request.expect === 0 ? 0 : parts.reduce((sum, one) => sum + one.weight, 0)
    forgetKept(request, this.#host.counters)
    if (request.expect === 0) {
      this.#prove(request, mark, reply)
      return [request]
    }
    const done = part(request, Buffer.concat(framesOf(bytes).slice(0, commands)), commands)
    done.weight = request.weight - weight
    this.#prove(done, mark, reply)
    return [done]
  }

  /** Its reply is known; it is given once replicas have the effect. */
  #prove(request: Request, mark: Mark, reply: Buffer): void {
    const { bytes, rest } = request
    if (this.#withholds) this.#proven.set(request, { mark, bytes, rest })
    makeLocal(request, reply)
  }

  /** Its block was refused as a whole. Answers what goes back to the front of the lane. */
  refused(request: Request): readonly Request[] {
    if (!request.owner.gone) return this.#again(request, 'refused')
    this.#host.counters.pendingBytes -= request.weight
    return []
  }

  /**
   * It is not in the history that survives, or `always` does not ask. `ifBlamed`: what it gets where it is not sent
   * again.
   */
  #again(request: Request, reason: 'lost' | 'refused', ifBlamed: ErrorSpec = errors.notTaken): readonly Request[] {
    const { policy, counters } = this.#host
    forgetReplies(request, counters)
    const error = this.#blamed.has(request) ? ifBlamed : decideReplay('refused', 'read', request.sends, policy)
    if (error !== null) {
      if (error.executed === 'unknown') countUnknown(counters, request.owner)
      failRequest(request, error.reply)
    } else {
      counters.detail.replays.add(`${namedClassOf(request)} ${reason}`)
      if (request.unit) restartUnit(request, 0)
      else request.expect = request.commands
      if (ifBlamed.executed === 'no') this.#notRun.add(request)
    }
    return [request]
  }

  #endCommand(part: Request, mark: Mark, verdict: 'applied' | Unknown, writers: Set<RequestOwner>): void {
    const { counters } = this.#host
    const args = commandArgs(wholeBytes(part))
    const name = args[0]?.toString('latin1').toLowerCase() ?? ''
    const writes = markingOf(name, classifyCommand(args, Date.now())) !== Marking.none
    const reply = replyTo(args, verdict, { writes, isBehind: !writers.has(senderOf(part)) })
    if (writes) writers.add(senderOf(part))
    if (reply === null) {
      counters.detail.replays.add('read lost')
      return
    }
    if (writes && verdict === 'applied') counters.appliedUnanswered++
    if (writes && verdict !== 'applied') countUnknown(counters, part.owner)
    if (verdict === 'applied' && writes) this.#prove(part, mark, reply)
    else makeLocal(part, reply)
  }

  #endUnit(request: Request, mark: Mark, verdict: 'applied' | Unknown): readonly Request[] {
    const { counters } = this.#host
    const { kept, handler } = request
    if (kept === null && verdict === 'applied') counters.appliedUnanswered++
    else if (verdict !== 'applied') countUnknown(counters, request.owner)
    const exec = errorOf(verdict).reply
    if (handler === null) {
      const reply = kept?.bytes() ?? transactionReply(request.commands, exec)
      forgetKept(request, counters)
      if (verdict === 'applied') this.#prove(request, mark, reply)
      else makeLocal(request, reply)
      return [request]
    }
    const reply = kept?.last ?? exec
    forgetReplies(request, counters)
    ofHandler(request, decided => decided.onDecided?.(request, reply))
    if (this.#withholds && verdict === 'applied') this.#proven.set(request, { mark, bytes: request.bytes, rest: null })
    restartUnit(request, 0)
    return [request]
  }

  /** Its handler has its reply, and no command to send again. */
  #endDecided(request: Request, mark: Mark, verdict: Verdict): readonly Request[] {
    forgetReplies(request, this.#host.counters)
    if (verdict === 'applied') this.#proven.set(request, { mark, bytes: request.bytes, rest: null })
    else {
      countUnknown(this.#host.counters, request.owner)
      ofHandler(request, handler => handler.onDecided?.(request, errors.unacknowledged.reply))
    }
    restartUnit(request, 0)
    return [request]
  }
}

/** Certainly the same process, and the master all the time: it forgets nothing. */
function isSureTerm(at: Master | null, master: Master): boolean {
  return at !== null && at.runId !== null && master.runId !== null && isSameTerm(at, master)
}
