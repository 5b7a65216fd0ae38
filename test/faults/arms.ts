// arms.ts: what a trial runs under, as one word for the command line and the page. Pure.
import type { Arm, Policy } from './types.ts'

export const arms = ['always', 'safe', 'once', 'replicated'] as const satisfies readonly Arm[]

export interface Promised {
  readonly policy: Policy
  /** `--ack replicated --reads committed`; else a reply comes from the master alone. */
  readonly isReplicated: boolean
}

export function armOf({ policy, isReplicated }: Promised): Arm {
  return isReplicated ? 'replicated' : policy
}

export function promisedIn(arm: Arm): Promised {
  return arm === 'replicated' ? { policy: 'once', isReplicated: true } : { policy: arm, isReplicated: false }
}
