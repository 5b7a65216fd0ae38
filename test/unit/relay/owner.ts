// owner.ts: a session as the relay sees it, for tests of single pieces.
import type { RequestOwner } from '../../../src/relay/request.ts'

export class Owner implements RequestOwner {
  gone = false
  pending = 0
  block: RequestOwner['block'] = null
  answered = 0
  readonly delivered: string[] = []
  deliver(bytes: Buffer): void {
    this.delivered.push(bytes.toString('latin1'))
  }
  onBug(error: unknown): void {
    throw error
  }
  onAnswered(commands: number): void {
    this.answered += commands
  }
}
