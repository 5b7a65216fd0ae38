// half-closed.ts: a client has sent its last byte (FIN). What it sent before is still sent and answered, also after a
// failover, but nothing blocks for it. The session ends when all is answered; a subscriber's or MONITOR's ends at once
// (session.ts).
//
//   its end ─▶ blocking command not sent:  dropped with all behind it; the session ends when the rest is answered
//         └──▶ blocking command sent:      the end is passed on behind it; the server answers what it can and closes
//                                          └──▶ with --ack replicated: what waits for replicas is told first
//
// A server reads on while a client blocks, and drops the client with its command when it finds the end. So the server
// is told. A client that closed and a client that only stopped sending look the same.
//
// Owns: the time the server has for it. Never: touches the client's socket, decides for a session that still sends.
import type { Lane } from '../../relay/lane.ts'
import { afterRunning } from '../../running-time.ts'

/** A server that stands still gets this long, in which this process runs; then the link is cut. */
const SERVER_MS = 1_000

export interface HalfClosedSession {
  /** Takes nothing more from the client, and forgets what was not looked at. */
  dropInput(): void
  /** Ends the session at once. */
  destroy(): void
}

export class HalfClosed {
  readonly #session: HalfClosedSession
  /** Ends the server's time; null: it has not been told. */
  #endTime: (() => void) | null = null

  constructor(session: HalfClosedSession) {
    this.#session = session
  }

  /** The session has a lane of its own; a blocking command may be on it. */
  begin(lane: Lane): void {
    const blocking = lane.leave()
    if (blocking === 'none') return
    this.#session.dropInput()
    if (blocking === 'sent') this.#endTime ??= afterRunning(SERVER_MS, () => this.#cut(lane))
  }

  #cut({ link }: Lane): void {
    if (link === null) this.#session.destroy()
    else link.cut('the server has not closed it behind the end of the client')
  }

  /** The link is lost. Answers whether the session ends with it: the server was told, and no more replies come. */
  endsWith(lane: Lane): boolean {
    if (this.#endTime === null) return false
    this.#endTime()
    return !lane.endsWithReplies()
  }

  clear(): void {
    this.#endTime?.()
  }
}
