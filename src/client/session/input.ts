// input.ts — reading from one client: why it is not read from at the moment, and what it has sent that nobody has looked
// at yet.
//
//   socket ─▶ onData ─▶ owner.read
//                └────▶ [ahead] while the session waits ── resume, in a later turn step ─▶ owner.read
//
// A session that may wait for long is read ahead, up to a bound: for commands that block, so that the end of their client is
// seen; for replies that their client does not take, because it may write all its commands before it reads.
//
// Owns: pausing and resuming the socket. Never: looks into bytes, decides why to pause.
import type { Socket } from 'node:net'
import type { Blamed } from '../../ops/bugs.ts'
import type { Counters } from '../../ops/counters.ts'
import type { Turn } from '../../upstream/turn.ts'
import { ONE_READ } from '../flow/memory-budget.ts'

/** Why a session is not read from; more than one may hold. */
export const Pause = { stalled: 1, pending: 2, unread: 4, pressure: 8, looking: 16 } as const

/** With one of these nothing is read ahead either. */
const SHUT = Pause.unread | Pause.pressure

export interface InputOwner extends Blamed {
  readonly gone: boolean
  /** Nothing more is taken from the client. */
  readonly ending: boolean
  /** Nothing of it is unanswered, not even what was said to the server on its behalf. */
  readonly owedNothing: boolean
  /** It may wait for long: its client is read ahead meanwhile. */
  readonly readsAhead: boolean
  /** It waits, and as much is read ahead as may be. */
  onAheadFull(): void
  read(chunk: Buffer): void
}

export class Input {
  /** The reasons in force, of `Pause`; 0: it is read from. */
  paused = 0
  /** The command just looked at changes what later ones mean: they wait until everything before is answered. */
  mustWait = false
  readonly #owner: InputOwner
  readonly #socket: Socket
  readonly #turn: Turn
  readonly #counters: Counters
  readonly #maxAhead: number
  #ahead: Buffer[] = []
  #aheadBytes = 0
  #resumeScheduled = false
  #flowing = true
  /** The command that asks has had its client looked at once more: 'due' while that is to come. */
  #look: 'none' | 'due' | 'done' = 'none'

  constructor(
    owner: InputOwner,
    socket: Socket,
    host: { readonly turn: Turn; readonly counters: Counters; readonly maxSessionBytes: number },
  ) {
    this.#owner = owner
    this.#socket = socket
    this.#turn = host.turn
    this.#counters = host.counters
    this.#maxAhead = Math.max(ONE_READ, host.maxSessionBytes)
  }

  /** Everything that was read has been looked at. */
  get empty(): boolean {
    return this.#aheadBytes === 0 && !this.#resumeScheduled
  }

  /** As much is read ahead as may be: the client may be unable to write on. */
  get full(): boolean {
    return this.#aheadBytes >= this.#maxAhead
  }

  /** The client has sent more than was looked at. Node reads on into a paused socket until that holds a read's worth. */
  get hasMore(): boolean {
    return this.#aheadBytes > 0 || this.#socket.readableLength > 0
  }

  onData(chunk: Buffer): void {
    if (this.#owner.ending || this.#owner.gone) return
    if (this.paused === 0 && this.#aheadBytes === 0) {
      this.#owner.read(chunk)
      return
    }
    this.#addAhead(chunk)
    this.#afterWaiting()
  }

  /** `rest` is looked at later: when the reasons not to read are gone, or at the end of this turn if there are none. */
  stall(rest: Buffer | null): void {
    if (this.#owner.ending || this.#owner.gone) return
    if (rest !== null) this.#addAhead(rest)
    if (this.#look === 'due') {
      this.pause(Pause.looking)
      this.#turn.defer(this.#onLooked, this.#owner)
    }
    if (this.mustWait) this.pause(Pause.stalled)
    this.mustWait = false
    // What made it wait may be over already (an answer that needed no server).
    if (this.#owner.owedNothing && this.paused & Pause.stalled) this.unpause(Pause.stalled)
    else if (this.paused === 0) this.#scheduleResume()
    else this.#afterWaiting()
  }

  /**
   * Has the client been read from since the command came that is looked at now? If not, the caller gives up, and the same
   * command is offered again when it has: then its end, if it has ended, is known.
   */
  lookAgain(): boolean {
    if (this.#look === 'done') {
      this.#look = 'none'
      return true
    }
    this.#look = 'due'
    return false
  }

  /** The event loop polls once more between this step and the one that resumes. */
  readonly #onLooked = (): void => {
    if (this.#look === 'due') this.#look = 'done'
    this.unpause(Pause.looking)
  }

  pause(why: number): void {
    this.paused |= why
    this.flow()
  }

  unpause(why: number): void {
    if ((this.paused & why) === 0) return
    this.paused &= ~why
    if (this.paused === 0) this.#scheduleResume()
    else this.flow()
  }

  /** While it waits: may its client be read ahead? */
  flow(): void {
    if (this.paused === 0) return
    const waits = (this.paused & SHUT) === 0
    const looks = (this.paused & (Pause.stalled | Pause.looking)) !== 0 && this.#aheadBytes < ONE_READ
    this.#setFlowing(waits && (looks || (!this.full && this.#owner.readsAhead)))
  }

  /** The session is over, or takes nothing more: what it has sent is forgotten. */
  clear(): void {
    this.#takeAhead()
  }

  #afterWaiting(): void {
    if (this.paused === 0) return
    this.flow()
    if (this.full) this.#owner.onAheadFull()
  }

  #setFlowing(is: boolean): void {
    if (this.#flowing === is) return
    this.#flowing = is
    if (is) this.#socket.resume()
    else this.#socket.pause()
  }

  #addAhead(bytes: Buffer): void {
    this.#ahead.push(bytes)
    this.#aheadBytes += bytes.length
    this.#counters.unfinishedBytes += bytes.length
  }

  #takeAhead(): Buffer | null {
    const [first] = this.#ahead
    if (first === undefined) return null
    const ahead = this.#ahead.length === 1 ? first : Buffer.concat(this.#ahead, this.#aheadBytes)
    this.#counters.unfinishedBytes -= this.#aheadBytes
    this.#ahead = []
    this.#aheadBytes = 0
    return ahead
  }

  /** Goes on in a later turn step, never inside the call that made it possible: replies first, then more commands. */
  #scheduleResume(): void {
    if (this.#resumeScheduled) return
    this.#resumeScheduled = true
    this.#turn.defer(() => {
      this.#resumeScheduled = false
      if (this.#owner.gone || this.paused !== 0) return
      const ahead = this.#takeAhead()
      if (ahead !== null) this.#owner.read(ahead)
      if (this.paused === 0 && !this.#owner.gone && !this.#owner.ending) this.#setFlowing(true)
    }, this.#owner)
  }
}
