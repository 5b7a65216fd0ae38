// discard-replies.ts — who hears the replies of a session that wants none (CLIENT REPLY OFF or SKIP): they are counted, not heard.
import type { RequestOwner } from '../../relay/request.ts'

/** Stands for `session` in its requests; what the session has pending ends as ever. */
export function discardingOwner(session: RequestOwner): RequestOwner {
  return {
    get gone(): boolean {
      return session.gone
    },
    get pending(): number {
      return session.pending
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
