// reasons.ts — the tests of Redis's own suite that may pass directly and not through Holdfast, each with its reason.
// docs/guarantees.md names them. A test that can be made to pass has no place here.

export interface Reason {
  readonly reason: string
  /** `UNIT: NAME`, as the suite prints them. */
  readonly tests: readonly string[]
}

export const reasons: readonly Reason[] = []
