// wait-answers.ts: what WAIT and WAITAOF may say of a session's writes when the master has changed.
//
//   write ─▶ answered by A ─▶ A dies, B is master ─▶ WAIT: 0, whatever B's replicas say ─▶ write ─▶ WAIT: B's truth
//
// WAIT asks whether this session's writes have reached replicas. A write that another master acknowledged may be on no
// node at all, and no server can tell. So the answer is 0, until the client has been told so and has written again.
// Once a WAIT got what it asked for, later ones are not about the writes before it.
//
// Owns: which of the session's writes no WAIT has vouched for. Never: sends anything, sees replies of other commands.
// HOT PATH: one store for each run of commands with a write in it.
import { commandSpecs } from '../../command/catalog.ts'
import { type CommandSpec, Route } from '../../command/command-spec.ts'

const NONE = -1

export class WaitAnswers {
  /** WAIT answers 0. */
  lost = false
  /** The session has written, however long ago. */
  hasWritten = false
  #told = false
  /** Places of commands: the first write that no WAIT has vouched for, the last WAIT, the first write behind it. */
  #first = NONE
  #lastWait = NONE
  #firstBehind = NONE

  /** A write, or a run with a write in it, is about to be submitted. `place`: how many commands were before it. */
  wrote(place: number): void {
    if (this.#told) {
      this.#told = false
      this.lost = false
      this.#first = NONE
    }
    if (this.#first === NONE) {
      this.#first = place
      this.hasWritten = true
    }
    if (this.#firstBehind === NONE) this.#firstBehind = place
  }

  /** A WAIT is about to be submitted. */
  asked(place: number): void {
    this.#lastWait = place
    this.#firstBehind = NONE
  }

  /** The WAIT at `place` got what it asked for. */
  vouched(place: number): void {
    if (place === this.#lastWait) this.#first = this.#firstBehind
  }

  /** A WAIT was answered 0, because writes may be lost. */
  told(): void {
    this.#told = true
  }

  /** The master has changed. `answered`: how many of the session's commands have their reply. */
  masterMoved(answered: number): void {
    if (this.#first === NONE || answered <= this.#first) return
    this.lost = true
    this.#told = false
  }
}

const classes: ReadonlySet<string> = new Set(['idempotent', 'state-idempotent', 'non-idempotent', 'blocking'])

/** May the command write, by its name alone? Commands that are not known may. */
function mayWrite({ known, cls, route, subcommands }: CommandSpec): boolean {
  if (!known) return true
  if (route === Route.wait) return false
  if (subcommands === null) return classes.has(cls)
  return [...subcommands.values()].some(one => classes.has(one.cls))
}

/** 1 for commands that may write, by the command's index. */
export const writes = Uint8Array.from(commandSpecs, spec => Number(mayWrite(spec)))
