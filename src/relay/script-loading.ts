// script-loading.ts: on a new master one link loads the scripts, and the others wait for it. So no EVALSHA comes before
// its script.
//
//   begin ──▶ needed ── first lane that may dial ──▶ loading ── its link is up ──▶ done
//                ▲                                     │
//                └───────── link lost, lane closed ────┘
//
// Must stay true: a lane is waited for only while it dials. When it gives up, the next one may try.
import type { LaneInfo } from './link-log.ts'
import type { ScriptStore } from './script-store.ts'

/** Users that may not run SCRIPT LOAD, after which nobody else is asked: every one of them makes the others wait. */
const MAX_REFUSALS = 3

export class ScriptLoading {
  readonly #scripts: ScriptStore
  /** A link that needs no scripts would come before one that loads them. */
  isUnderWay = false
  #loader: LaneInfo | null = null
  #refusals = 0

  constructor(scripts: ScriptStore) {
    this.#scripts = scripts
  }

  /** There is a new master, and its cache knows none of our scripts. */
  begin(): void {
    this.isUnderWay = this.#scripts.size > 0
    this.#loader = null
    this.#refusals = 0
  }

  /** Asked by a lane that is about to dial; the first one becomes the loader. */
  mayDial(lane: LaneInfo): boolean {
    if (!this.isUnderWay) return true
    this.#loader ??= lane
    return this.#loader === lane
  }

  /** SCRIPT LOAD of all scripts for the loader, nothing for others. */
  commandsFor(lane: LaneInfo): readonly Buffer[] {
    return this.isUnderWay && this.#loader === lane ? this.#scripts.commands() : []
  }

  /** The lane's link is up. Answers what that means for the lanes that wait. */
  onReady(lane: LaneInfo, outcome: 'loaded' | 'refused'): 'loaded' | 'next' | 'nothing' {
    if (this.#loader !== lane) return 'nothing'
    this.#loader = null
    if (outcome === 'refused') this.#refusals++
    this.isUnderWay = outcome === 'refused' && this.#refusals < MAX_REFUSALS
    return outcome === 'loaded' ? 'loaded' : 'next'
  }

  /** The lane's link is lost, or the lane is closed. Answers true when others may try now. */
  onGone(lane: LaneInfo): boolean {
    if (this.#loader !== lane) return false
    this.#loader = null
    return true
  }
}
