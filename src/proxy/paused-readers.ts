// paused-readers.ts: while an operator's pause of the master lasts, those are held, too, that read from the master in a
// replica's place (--replica-fallback master). Those at replicas read on.
//
//   pause of the master ── stopSending, sendAgain ──▶ each group's own pause, while the master is its node
//                       ◀── onLastCall: a command there has waited almost as long as it may
//
// Never: ends a pause of the master but for that.
import type { Master } from '../address.ts'
import type { InFlight } from '../relay/in-flight.ts'
import type { Lanes, PausedWith } from '../relay/lanes.ts'

/** It ends with the pause of the master, or when a command has waited for too long. */
const TERMS = {
  maxMs: Number.POSITIVE_INFINITY,
  emptyMs: Number.POSITIVE_INFINITY,
  leaseMs: null,
  ignoreBlocked: true,
} as const

export class PausedReaders implements PausedWith {
  /** Of the groups whose node is the master. */
  readonly #atMaster = new Set<Lanes>()
  /** null: no pause lasts. */
  #onLastCall: (() => void) | null = null

  /** The lanes of a group are about to serve this node. */
  onServe(lanes: Lanes, { role }: Master): void {
    if (role === 'replica') {
      this.#atMaster.delete(lanes)
      lanes.pause.end('resume')
    } else {
      this.#atMaster.add(lanes)
      this.#pause(lanes)
    }
  }

  stopSending(onLastCall: () => void): void {
    this.#onLastCall = onLastCall
    for (const lanes of this.#atMaster) this.#pause(lanes)
  }

  sendAgain(): void {
    this.#onLastCall = null
    for (const lanes of this.#atMaster) lanes.pause.end('resume')
  }

  unanswered(): InFlight {
    const each = [...this.#atMaster].map(lanes => lanes.unanswered())
    return {
      requests: each.reduce((sum, { requests }) => sum + requests, 0),
      blocked: each.reduce((sum, { blocked }) => sum + blocked, 0),
    }
  }

  #pause(lanes: Lanes): void {
    if (this.#onLastCall === null) return
    const onEnd = (why: string): void => {
      if (why === 'hold-time') this.#onLastCall?.()
    }
    lanes.pause.begin(TERMS, { name: 'master', onEmpty: () => {}, onEnd })
  }
}
