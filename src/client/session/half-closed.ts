// half-closed.ts — a client has sent its last byte: what it sent before is answered, as with a server, but nothing blocks for it.
//
//   its end ─▶ blocking command not sent:  dropped with all behind it; the session ends when what is before is answered
//         └──▶ blocking command sent:      the end is passed on, behind it; the server answers what it can and closes
//
// A server reads on while a client blocks, and forgets the client with its command when it finds the end; so the server is
// told. Who closed for good and who only stopped sending look the same.
//
// Owns: the time that the server is given. Never: touches the client's socket, decides for a session that still sends.
import type { Lane } from '../../relay/lane.ts'

/** A server that does not run is not waited for any longer than this; its link is then cut. */
const SERVER_MS = 1000

export interface LeavingSession {
  /** Takes nothing more from the client: what it has sent and nobody has looked at is forgotten. */
  dropInput(): void
  /** Ends the session at once. */
  destroy(): void
}

export class HalfClosed {
  readonly #session: LeavingSession
  #timer: NodeJS.Timeout | null = null

  constructor(session: LeavingSession) {
    this.#session = session
  }

  /** The session has a lane of its own, on which a blocking command may be. */
  begin(lane: Lane): void {
    const blocking = lane.leave()
    if (blocking === 'none') return
    this.#session.dropInput()
    if (blocking === 'sent') this.#timer ??= setTimeout(() => this.#session.destroy(), SERVER_MS)
  }

  /** The server has been told and may close the link. */
  get isTold(): boolean {
    return this.#timer !== null
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
  }
}
