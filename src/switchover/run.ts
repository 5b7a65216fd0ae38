// run.ts: the switchover itself: hold, catch up, fail over, serve, resume. Every wait has a bound, and whatever goes
// wrong ends the pause.
//
//   moment ─▶ pause ─▶ catch up ─▶ SENTINEL FAILOVER ─▶ served by a majority ─▶ resume ─▶ the old master follows
//     │         │         │               │ refused              │ timeout
//     └─────────┴─────────┴── aborted ◀───┘                      └─▶ unfinished: the Sentinels decide, Holdfast follows
//
// Must stay true: before SENTINEL FAILOVER is accepted nothing has changed but the pause; the pause is a lease, so a
// killed command ends it too. What was answered before the pause is on every replica that may be promoted.
import { type Address, formatAddress } from '../address.ts'
import { ControlError } from '../control/protocol.ts'
import { readAddress, readFields } from '../sentinel/sentinel-view.ts'
import { Leader } from './leader.ts'
import { waitForMoment } from './moment-wait.ts'
import type { Plan } from './plan.ts'
import { type ProxyControl, type ProxyPause, servedBy, type Waits } from './proxy-hold.ts'
import { askForReplication, Servers } from './servers.ts'
import { MovedAway, pauseOver, refusalRemedy, Trouble, textOf } from './trouble.ts'
import { countWrites, refuseWriters } from './writers-past.ts'

export interface Step {
  readonly name: string
  /** Since the step before, ms. */
  readonly ms: number
  readonly text: string
}

export type Outcome = {
  readonly steps: readonly Step[]
  /** From the begin of the pause until commands were sent again, ms; null: nothing was paused. */
  readonly heldMs: number | null
  readonly waits: Waits | null
} & (
  | { readonly kind: 'done'; readonly from: string; readonly to: string; readonly follows: boolean }
  /** Nothing was asked of the Sentinels, or it came to nothing; commands are sent. `master`: who is, `host:port`. */
  | { readonly kind: 'aborted'; readonly why: string; readonly remedy: string; readonly master: string }
  /** The failover was asked for, and is not seen to its end. */
  | { readonly kind: 'unfinished'; readonly why: string; readonly remedy: string }
)

export interface World {
  readonly masterName: string
  readonly proxy: ProxyControl
  /** From the begin of the pause until the new master is served, ms. */
  readonly timeoutMs: number
  /** Aborted: somebody wants to stop. */
  readonly signal: AbortSignal
  /**
   * The replica that must be chosen: it waits longer for a moment at which the Sentinel would choose it, and asks for
   * nothing where none comes. Left out: whichever the Sentinel chooses.
   */
  readonly wanted?: Address
  /** Told of each step as it ends. */
  readonly say: (step: Step) => void
  /** Told what a step waits for that may take seconds. */
  readonly sayWait: (text: string) => void
}

const LOOK_MS = 10
/** What is in flight when the pause begins. */
const EMPTY_MS = 2_000
/** The old master is demoted some ten seconds after the failover; with a busy host more. */
const FOLLOW_MS = 30_000

export async function runSwitchover(plan: Plan, world: World): Promise<Outcome> {
  const run = new Run(plan, world)
  try {
    await run.open()
    await run.waitForMoment()
    await run.hold()
    await run.catchUp()
    await run.askForFailover()
    const to = await run.waitUntilServed()
    await run.resume()
    const follows = await run.waitUntilFollowed(to)
    // Asked last: what waited goes out after the resume, when its links to the new master are up.
    const waits = await world.proxy.waits().catch(() => null)
    return { kind: 'done', from: run.from, to, follows, steps: run.steps, heldMs: run.heldMs, waits }
  } catch (error) {
    const { why, remedy } = await run.giveUp(error)
    const { steps, heldMs } = run
    if (run.isAsked) return { kind: 'unfinished', why, remedy, steps, heldMs, waits: null }
    // Somebody else, or a fault, may have moved it meanwhile.
    const master = await servedBy(world.proxy, error instanceof MovedAway ? run.from : null)
    return { kind: 'aborted', why, remedy, master: master ?? run.from, steps, heldMs, waits: null }
  } finally {
    await run.close()
  }
}

class Run {
  readonly from: string
  readonly steps: Step[] = []
  heldMs: number | null = null
  /** SENTINEL FAILOVER was accepted, or perhaps was. */
  isAsked = false
  readonly #plan: Plan
  readonly #world: World
  readonly #servers = new Servers()
  readonly #leader: Leader
  #pause: ProxyPause | null = null
  #pauseEnded: string | null = null
  #pausedAt = 0
  #stepAt = performance.now()

  constructor(plan: Plan, world: World) {
    this.#plan = plan
    this.#world = world
    this.#leader = new Leader(plan.sentinel.target, world.masterName)
    this.from = formatAddress(plan.master.address)
  }

  open(): Promise<void> {
    return this.#servers.open(this.#plan)
  }

  /** Nothing is held meanwhile. */
  async waitForMoment(): Promise<void> {
    const { masterName, wanted, sayWait } = this.#world
    const stopIfAsked = (): void => this.#stopIfAsked()
    const world = { masterName, wanted, sayWait, servers: this.#servers, stopIfAsked }
    const moment = await waitForMoment(this.#plan, world)
    const when = moment === 'at-once' ? 'at once' : 'about a second later'
    this.#end('moment', `the Sentinel will notice the promotion ${when}`)
  }

  async hold(): Promise<void> {
    const { proxy, timeoutMs, signal } = this.#world
    this.#stopIfAsked()
    this.#pausedAt = performance.now()
    // A second longer than we wait: so it is always we who end it.
    const terms = { maxMs: timeoutMs + 1_000, emptyMs: Math.min(EMPTY_MS, timeoutMs), stop: signal }
    const pause = await proxy.pause(terms).catch(error => {
      this.#stopIfAsked()
      throw error
    })
    this.#pause = pause
    void pause.ended.then(why => {
      this.#pauseEnded = why
    })
    this.#end('hold', 'nothing is in flight')
  }

  /** Until every replica that may be promoted has all that the master had when nothing was in flight. */
  async catchUp(): Promise<void> {
    const { master, candidates } = this.#plan
    const writes = await countWrites(this.#servers, this.#plan)
    const { role, offset: wanted } = await this.#servers.replicationOf(master)
    if (role !== 'master') throw new MovedAway(this.from)
    for (;;) {
      this.#stopIfAsked()
      const states = await Promise.all(candidates.map(node => this.#servers.replicationOf(node)))
      const behind = candidates.filter((_, i) => (states[i]?.offset ?? 0) < wanted)
      const stray = candidates.find((_, i) => states[i]?.role !== 'replica' || !states[i]?.linkUp)
      if (stray !== undefined) {
        const why = `the replica ${formatAddress(stray.address)} has lost its master`
        throw new Trouble(why, 'see its log; nothing has changed')
      }
      if (behind.length === 0) break
      this.#checkTime(`${behind.map(({ address }) => formatAddress(address)).join(', ')} has not caught up`)
      await this.#wait(LOOK_MS)
    }
    await refuseWriters(this.#servers, this.#plan, writes).catch(error => {
      // Where the pause has ended, those who write are our own clients.
      this.#stopIfAsked()
      throw error
    })
    this.#end('catch up', `all that was answered is on ${candidates.length === 1 ? 'the replica' : 'all replicas'}`)
  }

  async askForFailover(): Promise<void> {
    const { sentinel } = this.#plan
    const { masterName } = this.#world
    this.#stopIfAsked()
    this.isAsked = true
    let how = sentinel.coordinates ? ' COORDINATED' : ''
    try {
      const words = ['FAILOVER', masterName, ...(sentinel.coordinates ? ['COORDINATED'] : [])]
      await this.#servers.ask('sentinel', 'SENTINEL', ...words).catch((error: Error) => {
        if (!/wrong number of arguments|syntax error/i.test(error.message)) throw error
        how = ''
        return this.#servers.ask('sentinel', 'SENTINEL', 'FAILOVER', masterName)
      })
    } catch (error) {
      // An error that the server sends means that it has not begun.
      const isRefused = error instanceof Error && error.name === 'ReplyError'
      if (isRefused) this.isAsked = false
      const what = isRefused ? 'the Sentinel refuses' : 'the failover may have begun'
      throw new Trouble(`${what}: ${textOf(error)}`, refusalRemedy(textOf(error)))
    }
    this.#end('ask', `SENTINEL FAILOVER${how} is accepted by ${formatAddress(sentinel.address)}`)
  }

  async waitUntilServed(): Promise<string> {
    const { proxy } = this.#world
    let isMoved: boolean | null = false
    for (;;) {
      this.#stopIfAsked()
      if (isMoved !== true) isMoved = await this.#hasMoved()
      if (isMoved !== false) {
        const { master, isConfirmed } = await proxy.served()
        if (master !== null && master !== this.from && isConfirmed) {
          this.#end('serve', `a majority of the Sentinels names ${master}, which says it is the master`)
          return master
        }
      }
      if (isMoved === null) await this.#stopIfDead()
      this.#checkTime('no new master is served')
      await this.#wait(LOOK_MS)
    }
  }

  /** Commands are sent again. */
  async resume(): Promise<void> {
    await this.#pause?.resume()
    this.heldMs = Math.round(performance.now() - this.#pausedAt)
    this.#pause = null
    this.#end('resume', 'what waited is sent')
  }

  /** The Sentinels make a replica of the old master; only then it may be stopped without a trace. */
  async waitUntilFollowed(to: string): Promise<boolean> {
    const { master } = this.#plan
    const until = performance.now() + FOLLOW_MS
    this.#world.sayWait(
      `waits until the Sentinels have made a replica of ${this.from}, usually ten seconds; commands go on`,
    )
    while (performance.now() < until && !this.#world.signal.aborted) {
      const state = await askForReplication(master)
      if (state?.role === 'replica' && state.linkUp && state.master === to) {
        this.#end('follow', `${this.from} follows ${to}`)
        return true
      }
      await this.#wait(10 * LOOK_MS)
    }
    this.#end('follow', `${this.from} does not follow ${to} yet`)
    return false
  }

  /** Ends the pause, and says why. Never throws. */
  async giveUp(error: unknown): Promise<{ why: string; remedy: string }> {
    const pause = this.#pause
    this.#pause = null
    if (pause !== null) {
      // Where this fails, the lease does it.
      await pause.resume().catch(() => {})
      this.heldMs = Math.round(performance.now() - this.#pausedAt)
    }
    const why = error instanceof ControlError ? error.failure.cause : textOf(error)
    if (this.isAsked) {
      const remedy =
        'commands are sent as soon as a majority of the Sentinels names a master: run holdfast check, and see the log ' +
        'of the Sentinel that was asked'
      return { why, remedy }
    }
    if (error instanceof ControlError) return { why, remedy: error.failure.remedy }
    const given = error instanceof Trouble ? error.remedy : 'nothing has changed: run holdfast check and try again'
    return { why, remedy: given }
  }

  close(): Promise<void> {
    return this.#servers.close()
  }

  /** The Sentinel that was asked names another master; null: it does not answer, and the proxy hears of the others. */
  async #hasMoved(): Promise<boolean | null> {
    const { masterName } = this.#world
    try {
      const [named, master] = await Promise.all([
        this.#servers.ask('sentinel', 'SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName),
        this.#servers.ask('sentinel', 'SENTINEL', 'MASTER', masterName),
      ])
      const address = readAddress(named)
      if (address !== undefined && formatAddress(address) !== this.from) return true
      const flags = readFields(master)?.get('flags') ?? 'failover_in_progress'
      if (flags.split(',').includes('failover_in_progress')) return false
    } catch {
      return null
    }
    const { master } = await this.#world.proxy.served()
    if (master !== this.from) return true
    this.isAsked = false
    const remedy = 'see the log of the Sentinel that was asked for -failover-abort; the master is the same'
    throw new Trouble('the Sentinel has given the failover up', remedy)
  }

  /** @throws Trouble where nobody is left who would promote a replica: clients need not wait for `--timeout`. */
  async #stopIfDead(): Promise<void> {
    const { candidates, sentinel } = this.#plan
    if (!(await this.#leader.hasDied(this.#servers, candidates))) return
    this.isAsked = false
    const why = `the Sentinel ${formatAddress(sentinel.address)} has died before it promoted a replica`
    throw new Trouble(why, 'start it again, wait until holdfast check finds nothing, and run this again')
  }

  #stopIfAsked(): void {
    if (this.#world.signal.aborted) throw new Trouble('somebody stopped it', 'run it again when it suits')
    if (this.#pause !== null && this.#pauseEnded !== null) {
      throw pauseOver(this.#pauseEnded)
    }
  }

  #checkTime(what: string): void {
    const { timeoutMs } = this.#world
    if (performance.now() - this.#pausedAt < timeoutMs) return
    throw new Trouble(`${what} within ${timeoutMs} ms`, 'raise --timeout, or find out what takes so long')
  }

  #wait(ms: number): Promise<void> {
    return new Promise(resolve => setTimeout(resolve, ms))
  }

  #end(name: string, text: string): void {
    const now = performance.now()
    const step = { name, ms: Math.round(now - this.#stepAt), text }
    this.#stepAt = now
    this.steps.push(step)
    this.#world.say(step)
  }
}
