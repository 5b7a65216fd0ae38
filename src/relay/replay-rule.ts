// replay-rule.ts: may a request be sent again whose link was lost or that the server refused? The rule alone, and what
// is known of each command in a request. Pure: no clock, no I/O. take-back.ts applies it.
//
//   outcome           class                        always     safe, and once for what has no marker
//   unsent, refused   any                          replay     replay
//   unknown           read, idempotent             replay     replay
//   unknown           any other                    replay     fail: the outcome is unknown
//
// --max-retries bounds each "replay". A command that may never be sent again, whatever the policy, says so in its
// handler (`onReplay` in request.ts). A write that leaves the same data when repeated but answers differently the
// second time (SET NX, DEL: n, then 0) counts as "other": told "0" for the lock it has just taken, a client would be
// wrong.

import { classifyCommand, worstClass } from '../command/classify.ts'
import type { CommandSpec, ReplayClass } from '../command/command-spec.ts'
import type { LearnedCommands } from '../command/learned-commands.ts'
import { lookupCommand } from '../command/lookup.ts'
import { type ErrorSpec, errors } from '../errors.ts'
import { CommandScanner, FrameKind } from '../resp/command-scanner.ts'
import { argumentCount, commandArgs, leadingArgs } from '../resp/decode.ts'
import { createRun, type Request, wholeBytes } from './request.ts'

/** What is known of a request without a reply. */
export type RequestFate = 'unsent' | 'refused' | 'unknown'

export interface ReplayPolicy {
  readonly policy: 'always' | 'safe' | 'once'
  /** How often a request may be sent again; 0: no limit but time. */
  readonly maxRetries: number
}

/** The table above, and the limit on retries; null: replay. `sends`: how often the request has been sent so far. */
export function decideReplay(
  outcome: RequestFate,
  cls: ReplayClass,
  sends: number,
  limits: ReplayPolicy,
): ErrorSpec | null {
  if (outcome === 'unknown' && limits.policy !== 'always' && cls !== 'read' && cls !== 'idempotent')
    return limits.policy === 'once' ? errors.unmarkedOutcome : errors.unknownOutcome
  if (limits.maxRetries > 0 && sends > limits.maxRetries) return outcome === 'unknown' ? errors.gaveUp : errors.noMaster
  return null
}

/** What its client is told that got `error`: whether a read has run is nothing that anybody needs to find out. */
export function errorFor(request: Request, error: ErrorSpec, learned: LearnedCommands): ErrorSpec {
  if (error !== errors.gaveUp && error !== errors.fatal) return error
  // `cls` says what may be sent again, which for CLIENT KILL is no read.
  const isRead = (request.cls ?? 'read') === 'read' && classOf(request, Date.now(), learned) === 'read'
  if (!isRead) return error
  return error === errors.fatal ? errors.fatalRead : errors.gaveUpReading
}

/** Whether it leaves the same when it runs twice, so that nobody needs to know whether it has run. */
export function mayRunTwice(request: Request, learned: LearnedCommands): boolean {
  const cls = request.cls ?? classOf(request, Date.now(), learned)
  return cls === 'read' || cls === 'idempotent'
}

/**
 * Whether it waits for the same when it is sent again later. XREAD from `$` means the last entry of that moment: it would
 * miss what was added in between.
 */
export function waitsForTheSame(request: Request): boolean {
  for (const { spec } of commandsIn(wholeBytes(request))) if (spec.name === 'xread') return false
  return true
}

/** More arguments than this are not taken apart to find out whether a repeat is harmless. */
const MAX_ARGUMENTS = 65_536
/** No subcommand's name is as long. */
const MAX_NAME_BYTES = 128

/** The class of all that a request holds: of several commands the worst. */
export function classOf(request: Request, nowMs: number, learned?: LearnedCommands): ReplayClass {
  let worst: ReplayClass = 'read'
  for (const { frame, spec } of enclosedIn(request)) {
    if (argumentCount(frame) > MAX_ARGUMENTS) return 'non-idempotent'
    const args = commandArgs(frame)
    const told = learned !== undefined && learned.size > 0 ? learnedClass(spec, args, learned) : undefined
    worst = worstClass(worst, told ?? classifyCommand(args, nowMs))
  }
  return worst
}

/**
 * The class of a request by the names of its commands alone, for counting: cheap enough for all that is sent again, and
 * never better than what classOf answers.
 */
export function namedClassOf(request: Request): ReplayClass {
  if (request.cls !== null) return request.cls
  let worst: ReplayClass | null = null
  for (const { spec } of enclosedIn(request)) worst = worst === null ? spec.cls : worstClass(worst, spec.cls)
  return worst ?? 'read'
}

/**
 * What is left of a partly answered run, oldest first: one request per command when `split`, else one for all. Units
 * stay whole, and a request of one command is its own remainder.
 */
export function remainderOf(request: Request, split: boolean): Request[] {
  if (request.unit || request.local !== null || request.replies === 1) return [request]
  if (request.expect === request.replies && !split) return [request]
  const frames = framesOf(wholeBytes(request)).slice(request.replies - request.expect)
  if (split) return frames.map(frame => part(request, frame, 1))
  return [part(request, Buffer.concat(frames), frames.length)]
}

/** A part of a run as a request of its own, with the history of the whole. */
export function part(request: Request, bytes: Buffer, commands: number): Request {
  const made = createRun(request.owner, bytes, commands)
  made.sends = request.sends
  made.heldAt = request.heldAt
  return made
}

/** One whole command, and what the table says of its name. */
export interface SentCommand {
  readonly frame: Buffer
  readonly spec: CommandSpec
}

/** The commands in `bytes`, which hold nothing else. */
export function* commandsIn(bytes: Buffer): Generator<SentCommand> {
  const scanner = new CommandScanner()
  for (let at = 0, end = 0; at < bytes.length; at = end) {
    end = scanner.next(bytes, at)
    if (end < 0) throw new Error('a request holds half a frame')
    if (scanner.kind !== FrameKind.command) continue
    yield { frame: bytes.subarray(at, end), spec: lookupCommand(bytes, scanner.nameStart, scanner.nameLength) }
  }
}

export function framesOf(bytes: Buffer): Buffer[] {
  return Array.from(commandsIn(bytes), ({ frame }) => frame)
}

/** MULTI and EXEC around a transaction say nothing of their own: what counts is what they enclose. */
function* enclosedIn(request: Request): Generator<SentCommand> {
  for (const command of commandsIn(wholeBytes(request))) {
    const { name } = command.spec
    if (!request.unit || (name !== 'multi' && name !== 'exec')) yield command
  }
}

/** Only for a name, or a subcommand of a container, that the table does not know. */
function learnedClass(
  { known, subcommands }: CommandSpec,
  [name, word]: readonly Buffer[],
  learned: LearnedCommands,
): ReplayClass | undefined {
  if (name === undefined) return undefined
  if (!known) return learned.find(name.toString('latin1'))?.cls
  if (subcommands === null || word === undefined) return undefined
  const subcommand = word.toString('latin1').toLowerCase()
  return subcommands.has(subcommand) ? undefined : learned.find(`${name.toString('latin1')}|${subcommand}`)?.cls
}

/** What a replica runs although it has effects, or begins to run (a script), without a refusal. */
const runOnReplicas: ReadonlySet<string> = new Set(['publish', 'spublish', 'eval', 'evalsha', 'fcall', 'script|flush'])

/**
 * A request behind a command that the node refused because it is no master. The node refuses every write, but a PUBLISH
 * has reached its subscribers and a CONFIG SET has changed it. A transaction with a write in it is discarded whole.
 */
export function outcomeBehindRefused(request: Request): RequestFate {
  let ran = false
  for (const { frame, spec } of enclosedIn(request)) {
    const { known, name, cls } = wholeOf(spec, leadingArgs(frame, 2)[1])
    if (!known || runOnReplicas.has(name) || cls === 'admin') ran = true
    else if (request.unit && cls !== 'read' && cls !== 'connection') return 'refused'
  }
  return ran ? 'unknown' : 'refused'
}

/** Of a container its subcommand: the class of the whole is that of the worst. */
export function wholeOf(spec: CommandSpec, word: Buffer | undefined): Pick<CommandSpec, 'known' | 'name' | 'cls'> {
  if (spec.subcommands === null || word === undefined) return spec
  const subcommand = spec.subcommands.get(word.toString('latin1', 0, MAX_NAME_BYTES).toLowerCase())
  if (subcommand === undefined) return { known: false, name: spec.name, cls: spec.cls }
  return { known: true, name: `${spec.name}|${subcommand.name}`, cls: subcommand.cls }
}
