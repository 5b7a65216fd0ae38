// held-pause.ts: a pause that lasts only while somebody renews it: for commands that do something meanwhile. When the
// command is killed, its connection closes and commands are sent again; when it is stopped, the lease runs out.
import type { PauseEnd } from '../ops/counters.ts'
import type { ControlClient } from './client.ts'
import type { PauseResult } from './protocol.ts'

export interface HeldPauseTerms {
  /** null: all masters of the proxy. */
  readonly master: string | null
  /** For the log: `switchover`, `drill`. */
  readonly by: string
  /** The longest time in all, ms; renewals do not prolong it. */
  readonly maxMs: number
  /** How long what is in flight may take to be answered, ms. */
  readonly emptyMs: number
  /** How long it lasts when this process stands still, ms; at least 200. */
  readonly leaseMs: number
  readonly ignoreBlocked: boolean
}

export interface HeldPause {
  readonly reached: PauseResult
  /** Resolves when the pause is over, with the cause; `holder-gone` also where the connection was lost. */
  readonly ended: Promise<PauseEnd>
  /** Ends it; resolves when commands are sent again. @throws ControlError */
  resume(): Promise<void>
}

/** An answer is late by so much at most. */
const MARGIN_MS = 2_000

/**
 * Resolves when nothing is in flight. One pause at a time on one connection. A `stop` before that ends it, in words;
 * afterwards it is the caller's.
 *
 * @throws ControlError; then nothing is paused by it.
 */
export async function holdPause(client: ControlClient, terms: HeldPauseTerms, stop?: AbortSignal): Promise<HeldPause> {
  const ended = Promise.withResolvers<PauseEnd>()
  const timer = setInterval(() => {
    // Where it fails, the notice or the end of the connection says so.
    client.ask('renew', {}, terms.leaseMs).catch(() => {})
  }, terms.leaseMs / 3)
  client.onNotice = ({ why }) => ended.resolve(why)
  void client.closed.then(() => ended.resolve('holder-gone'))
  void ended.promise.then(() => clearInterval(timer))
  const resume = async (): Promise<void> => {
    clearInterval(timer)
    await client.ask('resume', { master: terms.master })
  }
  // Where it fails, the end of the connection does it.
  const onStop = (): void => void resume().catch(() => client.close())
  stop?.addEventListener('abort', onStop)
  try {
    const reached = (await client.ask('pause', { ...terms }, terms.emptyMs + MARGIN_MS)) as unknown as PauseResult
    return { reached, ended: ended.promise, resume }
  } catch (error) {
    clearInterval(timer)
    throw error
  } finally {
    stop?.removeEventListener('abort', onStop)
  }
}
