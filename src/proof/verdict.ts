// verdict.ts: what a marker says of a block whose link was lost, and what its commands get. Pure.
//
//   marker = number    applied       it ran: replies that are always the same are given, reads behind the session's
//                                    last write in the block are sent again, anything else is APPLIED
//   marker < number    not applied   it is not in the history that survives, and never will be: it is sent again
//   no marker          no-marker     UNKNOWN: no marker is no proof, it may have been flushed or evicted. Beside the
//                                    witness (marker.ts) it counts as 0
//   set back           set-back      UNKNOWN: it is less than what was answered before the loss, of the same process. So
//                                    somebody has changed it, and it may not say what has run since
//   no fence           no-fence      UNKNOWN: a server that was only stalled runs what lies in its sockets when it wakes
//                                    up, so without the fence a marker < number may not be its last
//
// Must stay true: nothing is decided without a marker.
import { type ErrorSpec, errors } from '../errors.ts'

/** What is not known, and so may have run. */
export type Unknown = 'no-marker' | 'no-fence' | 'set-back'
export type Verdict = 'applied' | 'not-applied' | Unknown

/**
 * `value`: of the block's field; null: it is not there. `fenced`: what was sent on the lost link can run no more.
 * `isSetBack`: somebody has changed the marker.
 */
export function judge(seq: number, value: number | null, fenced: boolean, isSetBack = false): Verdict {
  if (value !== null && value >= seq) return 'applied'
  if (isSetBack) return 'set-back'
  if (value === null) return 'no-marker'
  return fenced ? 'not-applied' : 'no-fence'
}

const unknownErrors = { 'no-marker': errors.markerLost, 'no-fence': errors.notEnded, 'set-back': errors.markerSetBack }

/** What is told of a write. */
export function errorOf(verdict: 'applied' | Unknown): ErrorSpec {
  return verdict === 'applied' ? errors.applied : unknownErrors[verdict]
}

/**
 * What a command of a block gets that has run, or may have: its reply, or null where it is sent again.
 * `isBehind`: no write of its session that ran, or may have, stands behind it.
 */
export function replyTo(
  args: readonly Buffer[],
  verdict: 'applied' | Unknown,
  { writes, isBehind }: { readonly writes: boolean; readonly isBehind: boolean },
): Buffer | null {
  if (!writes) return isBehind ? null : errors.readLost.reply
  return (verdict === 'applied' ? constantReply(args) : null) ?? errorOf(verdict).reply
}

const OK = Buffer.from('+OK\r\n')
const QUEUED = '+QUEUED\r\n'

/** What the client of a whole MULTI ... EXEC gets: `commands` counts both. */
export function transactionReply(commands: number, exec: Buffer): Buffer {
  return Buffer.concat([OK, Buffer.from(QUEUED.repeat(Math.max(0, commands - 2))), exec])
}

/** The reply to a command that has run, where it is always the same and the command cannot fail; else null. */
export function constantReply(args: readonly Buffer[]): Buffer | null {
  const word = (n: number): string => args[n]?.toString('latin1', 0, 16).toLowerCase() ?? ''
  switch (word(0)) {
    case 'set':
      if (args.length === 3) return OK
      return args.length === 5 && isExpiry(word(3)) && isSmall(args[4]) ? OK : null
    case 'mset':
      return args.length >= 3 && args.length % 2 === 1 ? OK : null
    case 'setex':
    case 'psetex':
      return args.length === 4 && isSmall(args[2]) ? OK : null
    case 'flushall':
    case 'flushdb':
      return args.length === 1 || (args.length === 2 && (word(1) === 'async' || word(1) === 'sync')) ? OK : null
    default:
      return null
  }
}

const isExpiry = (word: string): boolean => word === 'ex' || word === 'px'

/** A time that no server refuses: a whole number from 1 on, with at most nine digits. */
function isSmall(arg: Buffer | undefined): boolean {
  return arg !== undefined && arg.length <= 9 && /^[1-9]\d*$/.test(arg.toString('latin1'))
}
