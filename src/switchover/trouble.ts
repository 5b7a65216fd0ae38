// trouble.ts: why a switchover goes no further, and what to do about it. Pure.
import { type Address, formatAddress } from '../address.ts'
import { tiltRemedy } from '../check/judge-sentinels.ts'

/** Why it goes no further. */
export class Trouble extends Error {
  readonly remedy: string
  constructor(why: string, remedy: string) {
    super(why)
    this.remedy = remedy
  }
}

/** Without a full stop at its end: it stands in a sentence. */
export function textOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\.$/, '')
}

/** A server that has ended, stands still or cannot be reached; `error` says how that shows. */
export function noAnswer(address: Address, error: unknown): Trouble {
  const why = `${formatAddress(address)} does not answer: ${textOf(error)}`
  return new Trouble(why, 'nothing has changed: run holdfast check and try again')
}

/** What to do about a Sentinel that refuses, by the first words of its answer (sentinel.c, sentinelCommand). */
export function refusalRemedy(text: string): string {
  if (text.startsWith('INPROG')) return 'another failover is under way: wait for its end; nothing has changed'
  if (/^NOGOODSLAVE/.test(text)) return 'the Sentinel finds no replica fit: run holdfast check; nothing has changed'
  if (/^NOPERM/.test(text)) return 'ACL SETUSER ... +sentinel|failover on each Sentinel; nothing has changed'
  return 'see the log of the Sentinel; nothing has changed'
}

/** It accepts SENTINEL FAILOVER and does nothing: clients would wait for all of `--timeout`. */
export function inTilt(address: Address): Trouble {
  return new Trouble(`the Sentinel ${formatAddress(address)} is in TILT mode and starts no failover`, tiltRemedy)
}

/** Another node became the master before the failover was asked for. The proxy may not have followed yet. */
export class MovedAway extends Trouble {
  constructor(from: string) {
    const why = `${from} is no master any more: somebody else, or a fault, has made another node the master`
    super(why, 'nothing was asked for: agree with them, run holdfast check, then run this again')
  }
}

/** The pause ended before the switchover did; `why` as the proxy tells it. */
export function pauseOver(why: string): Trouble {
  const remedies: Readonly<Record<string, string>> = {
    resume: 'somebody else has run holdfast ctl resume: agree with them, and run this again',
    'hold-time': 'raise --hold-timeout of the proxy, or lower --timeout',
    'holder-gone': 'see whether the proxy still runs, and its log',
    stopping: 'the proxy stops: run this again when it runs',
  }
  return new Trouble(`the pause ended (${why})`, remedies[why] ?? 'see the log of the proxy for pause.end')
}

/**
 * The Sentinel would choose `best` each time that it was looked at. `unfit`: why it may not choose `wanted` now; null: it
 * may, and prefers the other.
 */
export function notChosen(wanted: Address, best: Address | undefined, unfit: string | null): Trouble {
  const other = best === undefined ? 'none' : formatAddress(best)
  const why = `the Sentinel would choose ${other}, and not ${formatAddress(wanted)}`
  if (unfit !== null)
    return new Trouble(`${why}: ${unfit}`, `mend that at ${formatAddress(wanted)}, then run holdfast switchover`)
  const remedy =
    'CONFIG SET replica-priority to a higher number on the others, wait ten seconds, run holdfast switchover'
  return new Trouble(why, remedy)
}
