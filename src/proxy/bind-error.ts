// bind-error.ts: an error of the system, with the words of which port it is about (cli/bind-problem.ts tells it).
import type { Address } from '../address.ts'

export interface WantedPlace {
  readonly option: 'listen' | 'admin-listen' | 'sentinel-listen' | 'replica-listen'
  readonly wanted: Address | null
  /** Whose clients would have come there; left out for a port of the program. */
  readonly masterName?: string
}

/** The same error, so that its code stays. */
export function aboutPlace(error: unknown, place: WantedPlace): Error & WantedPlace {
  return Object.assign(error instanceof Error ? error : new Error(String(error)), place)
}
