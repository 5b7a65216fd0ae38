// refusal-texts.ts: tells by its text whether an error line is a server's refusal, which no client should see, or the
// command's own reply. Pure.
//
//                         a server's whole text       another text with a refusal's code
//   any command           refusal                     ask the node
//   may run client code   ask the node                reply
//
// A script or a module may answer anything, also in a server's own words. Then only the node knows: refusal-question.ts
// asks it. What follows from a refusal is in lane-refusals.ts. The texts are those of redis 6 to 8 and valkey 7 to 9
// (server.c, script.c, blocked.c); "slave" is the older word, "primary" the newer.
//
// Never: looks into the elements of EXEC's reply. They are what the client's own commands have answered.
import { leadingArgs } from '../resp/decode.ts'
import { commandsIn, type SentCommand } from './replay-rule.ts'
import { type Request, wholeBytes } from './request.ts'

/** How a server's error line is to be taken. */
export type ServerRefusal =
  /** The node is no master: nothing else it says on this link counts either. */
  | 'wrong-node'
  /** The node is the master but cannot run this now; it will. */
  | 'not-now'

export interface JudgedError {
  readonly refusal: ServerRefusal
  /** False: only the node knows whether it has refused the command. */
  readonly proved: boolean
}

/** What a redis.call that nobody catches adds to the server's words: ` script: 8f3c..., on @user_script:1.` */
const inScript = / script: \S+, on @?\S+:\d+\.$/

/** A whole line that one of the patterns matches. */
function anyOf(...patterns: readonly string[]): RegExp {
  return new RegExp(`^(?:${patterns.join('|')})$`)
}

const texts: ReadonlyMap<string, RegExp> = new Map([
  [
    'READONLY',
    anyOf(
      "READONLY You can't write against a read only (replica|slave)\\.",
      'READONLY Can not run script with write flag on readonly replica\\.?',
    ),
  ],
  [
    'MASTERDOWN',
    anyOf(
      "MASTERDOWN Link with (MASTER|PRIMARY) is down(,| and) (replica|slave)-serve-stale-data is set to 'no'" +
        "(\\.| and 'allow-stale' flag is not set on the script\\.)",
    ),
  ],
  ['REDIRECT', /^REDIRECT \S+:\d+$/],
  [
    'UNBLOCKED',
    /^UNBLOCKED force unblock from blocking operation, instance state changed \((master|primary) -> replica\?\)$/,
  ],
  ['LOADING', /^LOADING \S+ is loading the dataset in memory\.?$/],
  ['NOREPLICAS', /^NOREPLICAS Not enough good (replicas|slaves) to write\.$/],
])

const UNBLOCKED = '-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n'

const clientCode: ReadonlySet<string> = new Set([
  'eval',
  'eval_ro',
  'evalsha',
  'evalsha_ro',
  'fcall',
  'fcall_ro',
  'debug',
])

/** Judges the error line that has just answered a command of `request` (its `expect` counts the replies behind it). */
export function judgeError(request: Request, frame: Buffer): JudgedError | null {
  const line = causeOf(frame)
  const code = firstWord(line)
  const text = texts.get(code)
  if (text === undefined) return null
  const refusal = refusalBy(code)
  const isWhole = text.test(line.replace(inScript, ''))
  const command = answeredCommand(request)
  if (command === null || !mayRunClientCode(command)) {
    // "UNBLOCKED client unblocked via CLIENT UNBLOCK" and the like are what commands answer.
    if (!isWhole && code === 'UNBLOCKED') return null
    return { refusal, proved: isWhole || code === 'NOREPLICAS' }
  }
  if (!isWhole) return null
  // The role does not tell whether replicas are missing. A script without flags is not refused as a whole, so the words
  // are the server's only with what it adds to them.
  if (code === 'NOREPLICAS') return inScript.test(line) || !hasNoFlags(command) ? { refusal, proved: true } : null
  return { refusal, proved: false }
}

/** The refusal whose whole text this is, whoever has said it; of an EXECABORT its cause is meant. */
export function serverRefusalOf(frame: Buffer): ServerRefusal | undefined {
  const line = causeOf(frame)
  const code = firstWord(line)
  return texts.get(code)?.test(line.replace(inScript, '')) ? refusalBy(code) : undefined
}

/** What the server answers to a command whose wait CLIENT UNBLOCK ... ERROR has ended: it has taken nothing. */
export function isUnblocked(frame: Buffer): boolean {
  return frame.length === UNBLOCKED.length && frame.toString('latin1') === UNBLOCKED
}

/** The first word of a refusal; of an EXECABORT that of its cause. */
export function refusalCode(frame: Buffer): string {
  return firstWord(causeOf(frame))
}

const refusalBy = (code: string): ServerRefusal =>
  code === 'LOADING' || code === 'NOREPLICAS' ? 'not-now' : 'wrong-node'

/** The error's line without its '-', as far as a refusal is long. */
function causeOf(frame: Buffer): string {
  const line = frame.toString('latin1', 1, Math.min(frame.length, 512))
  const end = line.indexOf('\r')
  const whole = end < 0 ? line : line.slice(0, end)
  const cause = 'EXECABORT Transaction discarded because of: '
  return whole.startsWith(cause) ? whole.slice(cause.length) : whole
}

function firstWord(line: string): string {
  const end = line.indexOf(' ')
  return end < 0 ? line : line.slice(0, end)
}

/** The command that the last reply has answered; null where it cannot be the client's code that answered. */
function answeredCommand(request: Request): SentCommand | null {
  if (request.handler?.ofOpenTransaction) return null
  let last: SentCommand | null = null
  let left = request.replies - request.expect
  for (const command of commandsIn(wholeBytes(request))) {
    if (left-- <= 0) break
    // What is queued is not run, and EXEC's own error line is the server's.
    if (request.unit && last === null && command.spec.name === 'multi') return null
    last = command
  }
  return last
}

const mayRunClientCode = ({ spec }: SentCommand): boolean => !spec.known || clientCode.has(spec.name)

/** EVAL of a script without `#!`: it runs until a command of it is refused. */
function hasNoFlags({ frame, spec }: SentCommand): boolean {
  return spec.name === 'eval' && leadingArgs(frame, 2)[1]?.toString('latin1', 0, 2) !== '#!'
}
