// discard-replies.ts: takes the replies of a session that wants none (CLIENT REPLY OFF or SKIP): counts and drops them.
import type { RequestOwner } from '../../relay/request.ts'

/** Stands for `session` in its requests. Discards replies, and still completes what the session has pending. */
export function discardingOwner(session: RequestOwner): RequestOwner {
  return {
    standsFor: session,
    get gone(): boolean {
      return session.gone
    },
    get pending(): number {
      return session.pending
    },
    get block() {
      return session.block
    },
    set block(block) {
      session.block = block
    },
    deliver(): void {},
    onAnswered(commands, weight): void {
      session.onAnswered(commands, weight)
    },
    onBug(error): void {
      session.onBug(error)
    },
  }
}
