// intake.ts — reading from one client: why it is not read from at the moment, and what it has sent that nobody has looked
// at yet.
//
//   socket ─▶ onData ─▶ owner.read
//                └────▶ [rest] while a command waits for earlier replies ── resume, in a later turn step ─▶ owner.read
//
// Owns: pausing and resuming the socket. Never: looks into bytes, decides why to pause.
import type { Socket } from 'node:net'
import type { Blamed } from '../ops/bugs.ts'
import type { Counters } from '../ops/counters.ts'
import type { Turn } from '../upstream/turn.ts'

/** Why a session is not read from; more than one may hold. */
export const Pause = { stalled: 1, pending: 2, unread: 4, pressure: 8 } as const

export interface IntakeOwner extends Blamed {
  readonly gone: boolean
  /** Nothing more is taken from the client. */
  readonly ending: boolean
  readonly pending: number
  read(chunk: Buffer): void
}

export class Intake {
  /** The reasons in force, of `Pause`; 0: it is read from. */
  paused = 0
  /** The command just looked at changes what later ones mean: they wait until everything before is answered. */
  mustWait = false
  readonly #owner: IntakeOwner
  readonly #socket: Socket
  readonly #turn: Turn
  readonly #counters: Counters
  #rest: Buffer | null = null
  #resumeScheduled = false

  constructor(
    owner: IntakeOwner,
    socket: Socket,
    { turn, counters }: { readonly turn: Turn; readonly counters: Counters },
  ) {
    this.#owner = owner
    this.#socket = socket
    this.#turn = turn
    this.#counters = counters
  }

  /** Everything that was read has been looked at. */
  get empty(): boolean {
    return this.#rest === null && !this.#resumeScheduled
  }

  onData(chunk: Buffer): void {
    if (this.#owner.ending || this.#owner.gone) return
    if (this.paused & Pause.stalled || this.#rest !== null) {
      this.#setRest(this.#rest === null ? chunk : Buffer.concat([this.#rest, chunk]))
      return
    }
    this.#owner.read(chunk)
  }

  /** `rest` is looked at later: when the reasons not to read are gone, or at the end of this turn if there are none. */
  stall(rest: Buffer | null): void {
    if (this.#owner.ending || this.#owner.gone) return
    this.#setRest(rest)
    if (this.mustWait) this.pause(Pause.stalled)
    this.mustWait = false
    // What made it wait may be over already (an answer that needed no server).
    if (this.#owner.pending === 0 && this.paused & Pause.stalled) this.unpause(Pause.stalled)
    else if (this.paused === 0) this.#scheduleResume()
  }

  pause(why: number): void {
    if (this.paused === 0) this.#socket.pause()
    this.paused |= why
  }

  unpause(why: number): void {
    if ((this.paused & why) === 0) return
    this.paused &= ~why
    if (this.paused === 0) this.#scheduleResume()
  }

  /** The session is over. */
  clear(): void {
    this.#setRest(null)
  }

  #setRest(rest: Buffer | null): void {
    this.#counters.unfinishedBytes += (rest?.length ?? 0) - (this.#rest?.length ?? 0)
    this.#rest = rest
  }

  /** Goes on in a later turn step, never inside the call that made it possible: replies first, then more commands. */
  #scheduleResume(): void {
    if (this.#resumeScheduled) return
    this.#resumeScheduled = true
    this.#turn.defer(() => {
      this.#resumeScheduled = false
      if (this.#owner.gone || this.paused !== 0) return
      const rest = this.#rest
      this.#setRest(null)
      if (rest !== null) this.#owner.read(rest)
      if (this.paused === 0 && !this.#owner.gone && !this.#owner.ending) this.#socket.resume()
    }, this.#owner)
  }
}
