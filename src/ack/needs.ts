// needs.ts: which replies tell of something that may be lost with the master: those to writes, and with --reads committed
// those to reads too.
import type { CommandSpec, ReplayClass } from '../command/command-spec.ts'
import { Marking, showsData } from '../command/marking.ts'
import type { Prover } from '../relay/prover.ts'
import { commandsIn, type SentCommand, wholeOf } from '../relay/replay-rule.ts'
import { type Request, wholeBytes } from '../relay/request.ts'
import { leadingArgs } from '../resp/decode.ts'
import { ReplyType } from '../resp/reply-scanner.ts'

const QUEUED = Buffer.from('+QUEUED\r\n')

/** The server has put a command of a transaction aside, or lets nobody in: nothing has happened or was shown. */
export function saysNothing(frame: Buffer): boolean {
  return (
    frame.equals(QUEUED) ||
    (frame[0] === ReplyType.error && /^-(NOAUTH|NOPERM|WRONGPASS) /.test(frame.toString('latin1', 0, 16)))
  )
}

/** What of a command must be confirmed before its reply is told: its effect, or what it has seen. */
export type Need = 'effect' | 'sight' | 'none'

export class Needs {
  readonly #committed: boolean
  readonly #provenBytes: Prover['provenBytes']

  /** `provenBytes`: of the lane's prover. */
  constructor(reads: 'plain' | 'committed', provenBytes: Prover['provenBytes']) {
    this.#committed = reads === 'committed'
    this.#provenBytes = provenBytes
  }

  /** The request's effect must be confirmed, or what it has seen. */
  request(request: Request): boolean {
    return request.local !== null ? this.local(request) : this.reply(request)
  }

  reply(request: Request): boolean {
    return this.of(request) !== 'none'
  }

  of(request: Request): Need {
    if (this.writes(request)) return 'effect'
    return this.#committed && shows(request) ? 'sight' : 'none'
  }

  /** Of one command of a run. */
  ofCommand(command: SentCommand): Need {
    if (mayChangeData(wholeCommand(command))) return 'effect'
    return this.#committed && showsStored(command) ? 'sight' : 'none'
  }

  /** It may change data. */
  writes(request: Request): boolean {
    if (this.#provenBytes(request) !== null) return true
    if (request.cls === 'read') return false
    if (request.handler === null && !request.unit && !request.blocking && (request.marking & Marking.unsure) === 0) {
      if ((request.marking & Marking.writes) !== 0) return true
      if ((request.marking & Marking.apart) === 0) return false
    }
    for (const command of commandsIn(wholeBytes(request))) if (mayChangeData(wholeCommand(command))) return true
    return false
  }

  /** The commands of a request without a handler; none where nobody knows them any more. */
  commandsOf(request: Request): SentCommand[] {
    const bytes = request.local === null ? wholeBytes(request) : this.#provenBytes(request)
    return bytes === null ? [] : [...commandsIn(bytes)]
  }

  /** A reply that is known already: of a command that ran on a master before, or that ran while its node was not ready. */
  local(request: Request): boolean {
    if (this.#provenBytes(request) !== null) return true
    return request.sends > 0 && request.local !== null && request.local[0] !== ReplyType.error
  }
}

/** Of a container (CLIENT, MEMORY) the subcommand: the class of the whole is that of the worst. */
function wholeCommand({ frame, spec }: SentCommand): Pick<CommandSpec, 'name' | 'cls'> {
  return spec.subcommands === null ? spec : wholeOf(spec, leadingArgs(frame, 2)[1])
}

/** WAIT has its own answer to whether replicas are there, and what acts on one node alone is not replicated. */
function mayChangeData({ name, cls }: Pick<CommandSpec, 'name' | 'cls'>): boolean {
  if (name === 'wait' || name === 'waitaof') return false
  return name === 'exec' || !unreplicated.has(cls)
}

const unreplicated: ReadonlySet<ReplayClass> = new Set(['read', 'connection', 'admin', 'forbidden'])

/** Containers with something else in them than reads, of which some show what is stored. */
const mixed: ReadonlySet<string> = new Set(['memory', 'function'])

function shows(request: Request): boolean {
  if ((request.marking & Marking.shows) !== 0) return true
  for (const command of commandsIn(wholeBytes(request))) if (showsStored(command)) return true
  return false
}

function showsStored(command: SentCommand): boolean {
  const { spec } = command
  return showsData(spec) || (mixed.has(spec.name) && wholeCommand(command).cls === 'read')
}
