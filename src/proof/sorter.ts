// sorter.ts: what a request is to the batcher: a write that a block may hold, one that must stand alone, a transaction
// of a client, or nothing that needs a marker.
//
// The reader has looked at runs of plain commands already (command/marking.ts), so most requests cost one comparison.
//
// Owns: who has spoilt a block lately. Never: sends, or changes a request but for what it has found out of it.
import { classifyCommand } from '../command/classify.ts'
import type { LearnedCommands } from '../command/learned-commands.ts'
import { Marking, markingOf } from '../command/marking.ts'
import { commandsIn, type SentCommand } from '../relay/replay-rule.ts'
import { type Request, type RequestOwner, wholeBytes } from '../relay/request.ts'
import { argumentCount, commandArgs, leadingArgs } from '../resp/decode.ts'
import { MAX_BYTES } from './block.ts'

/** After a command that aborted a block, requests are looked into for this long, and its session stands alone. */
const CAREFUL_MS = 60_000

/** More arguments than this are not taken apart. */
const MAX_ARGUMENTS = 65_536

export class Sorter {
  readonly #learned: LearnedCommands
  #carefulUntil = 0
  readonly #suspects = new Set<RequestOwner>()

  constructor(learned: LearnedCommands) {
    this.#learned = learned
  }

  /** `Marking` bits of the request, by its commands where nobody has looked. */
  look(request: Request): number {
    if (request.blocking || request.local !== null) return Marking.none
    if (request.handler !== null)
      return request.handler.mark !== undefined && request.cls !== 'read' ? Marking.writes : Marking.none
    if (request.unit) return isTransaction(request) ? Marking.writes : Marking.none
    if ((request.marking & Marking.unsure) !== 0) {
      request.marking = Marking.none
      for (const command of commandsIn(wholeBytes(request))) request.marking |= this.#markingOf(command)
    }
    return request.marking
  }

  #markingOf({ frame, spec }: SentCommand): number {
    if (!spec.known) {
      const name = leadingArgs(frame, 1)[0]?.toString('latin1', 0, 128) ?? ''
      const learned = this.#learned.find(name)
      return (learned === undefined ? Marking.writes : markingOf('', learned.cls)) | Marking.solo
    }
    if (argumentCount(frame) > MAX_ARGUMENTS) return markingOf(spec.name, spec.cls)
    const isUnknown = spec.subcommands !== null && !isWellFormedCommand(frame, spec)
    return markingOf(spec.name, classifyCommand(commandArgs(frame), Date.now())) | (isUnknown ? Marking.solo : 0)
  }

  /** A run that may stand among others. */
  joins(request: Request): boolean {
    if (request.local !== null || request.unit || request.blocking || request.handler !== null) return false
    return (this.look(request) & Marking.apart) === 0 && !this.isAlone(request)
  }

  /** It must not stand with others: it is large, or the server may refuse it before it is queued. */
  isAlone(request: Request): boolean {
    if ((request.marking & Marking.solo) !== 0 || request.rest !== null || request.bytes.length > MAX_BYTES) return true
    if (this.#carefulUntil === 0) return false
    if (performance.now() > this.#carefulUntil) {
      this.#carefulUntil = 0
      this.#suspects.clear()
      return false
    }
    return this.#suspects.has(request.owner) || !isWellFormed(request)
  }

  /** A command of this session has aborted a block. */
  suspect(owner: RequestOwner): void {
    this.#suspects.add(owner)
    this.#carefulUntil = performance.now() + CAREFUL_MS
  }
}

/** Lower case; undefined for a name that the table does not know. */
export function firstName(request: Request): string | undefined {
  const [first] = commandsIn(wholeBytes(request))
  return first?.spec.name
}

/** MULTI ... EXEC, of which only the whole makes sense. */
function isTransaction(request: Request): boolean {
  let first = ''
  let last = ''
  for (const { spec } of commandsIn(wholeBytes(request))) {
    if (first === '') first = spec.name
    last = spec.name
  }
  return first === 'multi' && last === 'exec'
}

function isWellFormed(request: Request): boolean {
  for (const { frame, spec } of commandsIn(wholeBytes(request)))
    if (!spec.known || !isWellFormedCommand(frame, spec)) return false
  return true
}

/** As far as the table knows, the server takes the command's name and count of arguments. */
function isWellFormedCommand(frame: Buffer, spec: SentCommand['spec']): boolean {
  const count = argumentCount(frame)
  const word = spec.subcommands === null ? undefined : leadingArgs(frame, 2)[1]
  const member = word === undefined ? undefined : spec.subcommands?.get(word.toString('latin1', 0, 128).toLowerCase())
  if (word !== undefined && member === undefined) return false
  const { arity } = member ?? spec
  return arity > 0 ? count === arity : count >= -arity
}
