// quiesce.ts — the master cannot run writes just now (NOREPLICAS after a promotion, LOADING): what its link still owes is
// read to the end, nothing new is sent, and what was refused is set aside in order, to be sent again after a pause.
//
// Unlike a node that is no master, this one's other replies are true. They go to their sessions as always, except for a
// session that has a refused command before them: its reads are set aside too, because they should have seen that
// command's effect, and a later write that did run keeps its reply until the refused one has its own.
import type { LearnedCommands } from '../command/learned.ts'
import { classOf, framesOf, part } from './replay.ts'
import { makeLocal, type Request, type RequestOwner } from './request.ts'
import { restartUnit } from './take-back.ts'

export class Quiesce {
  readonly #learned: LearnedCommands | undefined
  readonly #again: Request[] = []
  readonly #owners = new Set<RequestOwner>()
  readonly #units = new Map<Request, Buffer[] | null>()

  constructor(learned?: LearnedCommands) {
    this.#learned = learned
  }

  /**
   * Looks at one reply (`request.expect` counts those still to come). Answers true when it took it: the client must not
   * see it now.
   */
  take(request: Request, frame: Buffer, refused: boolean): boolean {
    return request.unit ? this.#takeUnit(request, frame, refused) : this.#takeCommand(request, frame, refused)
  }

  /** What is to be sent again or answered later, oldest first. */
  end(): Request[] {
    return this.#again
  }

  #takeCommand(request: Request, frame: Buffer, refused: boolean): boolean {
    if (!refused && !this.#owners.has(request.owner)) return false
    const command = framesOf(request.bytes)[request.replies - request.expect - 1]
    if (command === undefined) return false
    const single = part(request, command, 1)
    request.commands--
    request.weight -= single.weight
    if (!refused && classOf(single, Date.now(), this.#learned) !== 'read') makeLocal(single, Buffer.from(frame))
    this.#owners.add(request.owner)
    this.#again.push(single)
    return true
  }

  /** A transaction is refused as a whole; one that ran behind a refused command keeps its replies (`Buffer[]`). */
  #takeUnit(request: Request, frame: Buffer, refused: boolean): boolean {
    const kept = this.#units.get(request)
    // From the first reply that is taken on, none goes to the client: what it has by now is what is dropped next time.
    if (kept === undefined) request.given = Math.max(request.given, request.replies - request.expect - 1)
    if (refused) this.#units.set(request, null)
    else if (kept !== undefined) kept?.push(Buffer.from(frame))
    else if (this.#owners.has(request.owner)) this.#units.set(request, [Buffer.from(frame)])
    else return false
    if (request.expect > 0) return true
    const frames = this.#units.get(request)
    this.#units.delete(request)
    if (frames) makeLocal(request, Buffer.concat(frames))
    else restartUnit(request, 0)
    this.#owners.add(request.owner)
    this.#again.push(request)
    return true
  }
}
