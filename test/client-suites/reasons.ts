// reasons.ts: the tests of client libraries that may pass directly and not through Holdfast, each with its reason.
// docs/clients.md names them, in the same words. A test that can be made to pass has no place here.
import type { Reason } from '../redis-suite/reasons.ts'

export const reasons: readonly Reason[] = []
