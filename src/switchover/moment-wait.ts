// moment-wait.ts: waits for the moment to ask for the failover, while nothing is held.
//
//   a look at the Sentinel ─┬─ it is in TILT mode ───────────────▶ look again, for as long as a TILT lasts
//                           ├─ it would choose another replica ──▶ look again, for as long as that may change
//                           ├─ it would notice the promotion late ─▶ look again when moment.ts says
//                           └─ else, or it has taken too long ───▶ ask now
//
// Owns: how long it has waited, and for what. Never: asks for anything, pauses anything.
import { setTimeout as delay } from 'node:timers/promises'
import { type Address, formatAddress, sameAddress } from '../address.ts'
import { listOf } from '../check/ask.ts'
import { readAddress } from '../sentinel/sentinel-view.ts'
import { type Candidate, ranked, whyUnfit } from './candidate.ts'
import { readCandidate } from './look.ts'
import { LONGEST_WAIT_MS, momentOf } from './moment.ts'
import type { Plan } from './plan.ts'
import type { Servers } from './servers.ts'
import { inTilt, MovedAway, notChosen } from './trouble.ts'

/** So many looks of the Sentinel at the replicas may choose who is wanted: it has six of them. */
const WANTED_WAIT_MS = 60_000
/** A TILT lasts 30 s, and begins anew with each standstill of its host. */
const TILT_WAIT_MS = 40_000
const TILT_LOOK_MS = 100
const LOOK_MS = 10

export interface MomentWorld {
  readonly masterName: string
  /** The replica that must be chosen; undefined: whichever the Sentinel chooses. */
  readonly wanted: Address | undefined
  readonly servers: Servers
  /** Before each look. @throws Trouble where somebody wants to stop. */
  readonly stopIfAsked: () => void
  /** Told once what it waits for, if that may take seconds. */
  readonly sayWait: (text: string) => void
}

/** `at-once`: the Sentinel will notice the promotion so. `late`: about a second later. */
export type Moment = 'at-once' | 'late'

/** @throws Trouble where it makes no sense to ask: another master, a TILT that lasts, a wanted replica that is not chosen. */
export async function waitForMoment(plan: Plan, world: MomentWorld): Promise<Moment> {
  const wait = new MomentWait(plan, world)
  for (;;) {
    world.stopIfAsked()
    const next = await wait.look()
    if (typeof next === 'string') return next
    await delay(next)
  }
}

class MomentWait {
  readonly #plan: Plan
  readonly #world: MomentWorld
  readonly #from = performance.now()
  #tiltedFrom: number | null = null
  #isSaid = false

  constructor(plan: Plan, world: MomentWorld) {
    this.#plan = plan
    this.#world = world
  }

  /** A number: to look again after so many milliseconds. */
  async look(): Promise<Moment | number> {
    const { servers, masterName } = this.#world
    const { master } = this.#plan
    const [named, replicas, isTilted] = await Promise.all([
      servers.ask('sentinel', 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName),
      servers.ask('sentinel', 'SENTINEL', 'REPLICAS', masterName),
      servers.isSentinelInTilt(),
    ])
    const now = readAddress(named)
    if (now !== undefined && !sameAddress(now, master.address)) throw new MovedAway(formatAddress(master.address))
    if (isTilted) return this.#onTilt()
    this.#tiltedFrom = null
    return this.#onCandidates(listOf([null, replicas]).flatMap(readCandidate))
  }

  #onTilt(): number {
    this.#tiltedFrom ??= performance.now()
    if (performance.now() - this.#tiltedFrom > TILT_WAIT_MS) throw inTilt(this.#plan.sentinel.address)
    this.#say('waits until the Sentinel leaves its TILT mode; commands go on')
    return TILT_LOOK_MS
  }

  #onCandidates(listed: readonly Candidate[]): Moment | number {
    const { wanted } = this.#world
    const { downAfterMs } = this.#plan.sentinel
    const best = ranked(listed, downAfterMs)
    const own = wanted && best.find(({ address }) => sameAddress(address, wanted))
    const waitedMs = performance.now() - this.#from
    const moment = momentOf(best)
    if (wanted !== undefined && own !== best[0]) {
      // Data may change who is first, a priority does not: the Sentinel has seen it within one period.
      const isHopeless = own?.priority !== best[0]?.priority
      if (waitedMs > (isHopeless ? LONGEST_WAIT_MS : WANTED_WAIT_MS))
        throw notChosen(wanted, best[0]?.address, whyUnfit(wanted, listed, downAfterMs))
      this.#sayLimit(WANTED_WAIT_MS, `the Sentinel would choose ${formatAddress(wanted)}`)
      return moment === 'ready' ? LOOK_MS : moment
    }
    if (moment === 'ready') return 'at-once'
    if (waitedMs > LONGEST_WAIT_MS) return 'late'
    this.#sayLimit(LONGEST_WAIT_MS, 'the Sentinel reads the replicas anew')
    return moment
  }

  #sayLimit(ms: number, what: string): void {
    this.#say(`waits for up to ${ms / 1_000} s until ${what}; commands go on`)
  }

  #say(text: string): void {
    if (!this.#isSaid) this.#world.sayWait(text)
    this.#isSaid = true
  }
}
