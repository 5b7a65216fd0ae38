// run.ts: plays one random stream of commands against a server and against Holdfast in front of its twin, and
// compares.
//
//   scenes ──step──▶ both sides ──▶ the plain server is quiet ──▶ Holdfast has answered as much ──▶ the same bytes?
//
// Owns: the choice of scenes, when a step is over, the comparison. Order between sessions is the same on both sides
// because a step is over on both before the next one begins. After a difference both sides start from nothing again.
import { setImmediate as turn } from 'node:timers/promises'
import { openWindow, probeAgain, type Window } from '../pace.ts'
import { fieldsOf, infoOf } from '../set-health.ts'
import { leftMs } from '../wait-until.ts'
import type { Plot } from './choice.ts'
import { normalise } from './exceptions.ts'
import { Random } from './random.ts'
import { plots } from './scenes.ts'
import type { Side } from './side.ts'
import type { Outcome, Scene, Step } from './step.ts'

export interface Difference {
  readonly session: number
  readonly what: string
  /** The steps before, oldest first; the last is the one that differs. */
  readonly tail: readonly string[]
  readonly direct: string
  readonly proxied: string
  /** Which step it was: a real difference is there again when the same seed is played again. */
  readonly step: number
  /** What happened to time in those steps. */
  readonly window: Window
}

export interface RunOptions {
  readonly seed: number
  readonly commands: number
  /** 8 */
  readonly sessions: number
  /** Ends after this many differences. */
  readonly maxDifferences: number
}

export interface RunResult {
  readonly commands: number
  readonly steps: number
  /** Lower-case names of all commands sent. */
  readonly names: ReadonlySet<string>
  readonly differences: readonly Difference[]
}

/** Of a usual machine; what it may take longer is known to pace.ts. */
const answerMs = 5000
const tailLength = 25
const quietRounds = 3

interface Acting {
  readonly scene: Scene
  readonly sessions: readonly number[]
  last: Outcome
}

const nothing: Outcome = { blocked: false, closed: false, replies: [] }

export class Run {
  readonly #direct: Side
  readonly #proxied: Side
  readonly #options: RunOptions
  readonly #random: Random
  readonly #differences: Difference[] = []
  readonly #names = new Set<string>()
  readonly #free: number[]
  #acting: Acting[] = []
  #tail: string[] = []
  /** One for each line of the tail. */
  #windows: (() => Window)[] = []
  /** Per session: frames that have been compared since it last wrote. */
  readonly #compared: number[] = []
  #commands = 0
  #steps = 0

  constructor(direct: Side, proxied: Side, options: RunOptions) {
    this.#direct = direct
    this.#proxied = proxied
    this.#options = options
    this.#random = new Random(options.seed)
    this.#free = Array.from({ length: options.sessions }, (_, i) => i)
  }

  async play(): Promise<RunResult> {
    const { commands, maxDifferences } = this.#options
    while (this.#commands < commands && this.#differences.length < maxDifferences) {
      if (this.#acting.length === 0 || (this.#acting.length < 4 && this.#random.chance(0.3))) this.#begin()
      await this.#advance(this.#random.pick(this.#acting))
    }
    return { commands: this.#commands, steps: this.#steps, names: this.#names, differences: this.#differences }
  }

  #begin(): void {
    const fitting = plots.filter(plot => plot.sessions <= this.#free.length)
    if (fitting.length === 0) return
    const plot = this.#weighted(fitting)
    const sessions = this.#random.some(this.#free, plot.sessions)
    for (const session of sessions) this.#free.splice(this.#free.indexOf(session), 1)
    this.#acting.push({ scene: plot.play(this.#random, sessions), sessions, last: nothing })
  }

  #weighted(from: readonly Plot[]): Plot {
    let at = this.#random.next() * from.reduce((sum, plot) => sum + plot.weight, 0)
    for (const plot of from) {
      at -= plot.weight
      if (at < 0) return plot
    }
    return from[0] as Plot
  }

  async #advance(acting: Acting): Promise<void> {
    const { value: step, done } = acting.scene.next(acting.last)
    if (done || step === undefined) {
      this.#acting = this.#acting.filter(other => other !== acting)
      this.#free.push(...acting.sessions)
      return
    }
    const outcome = await this.#perform(step)
    if (outcome === undefined) await this.#startOver()
    else acting.last = outcome
  }

  /** undefined: the sides differ. */
  async #perform(step: Step): Promise<Outcome | undefined> {
    const { session } = step
    if (step.reopen || this.#direct.line(session).closed) {
      await Promise.all([this.#direct.reopen(session), this.#proxied.reopen(session)])
      await this.#agree()
    }
    // A step whose replies are not all certain may end with a WAIT that is under way: no PING tells.
    const isUnsure = step.mayBlock || step.atLeast < step.commands.length
    const blockedBefore = isUnsure ? await this.#blocked() : 0
    this.#note(step)
    if (step.writes.length > 0) this.#compared[session] = 0
    for (const bytes of step.writes) {
      this.#direct.line(session).socket.write(bytes)
      this.#proxied.line(session).socket.write(bytes)
      if (step.writes.length > 1) await turn()
    }
    const isDone = async (): Promise<boolean> => !isUnsure || step.mayBlock || (await this.#blocked()) <= blockedBefore
    const wait = await this.#directQuiet(step, isDone)
    if (wait !== '') return this.#differ(step, session, wait)
    await this.#even()
    const closed = this.#direct.line(session).closed
    if (closed || step.mayBlock) await this.#agree()
    const replies = [...this.#direct.line(session).frames]
    for (const i of this.#direct.lines.keys()) if (!this.#same(step, i)) return undefined
    return { blocked: step.mayBlock && (await this.#blocked()) > blockedBefore, closed, replies }
  }

  #note({ session, commands, writes }: Step): void {
    this.#commands += commands.length
    this.#steps++
    for (const command of commands) this.#names.add(command.split(' ')[0]?.toLowerCase() ?? '')
    const shown = commands.length > 12 ? [...commands.slice(0, 12), `(${commands.length - 12} more)`] : commands
    this.#tail.push(
      `session ${session}: ${shown.join(' ; ') || '(waits)'}${writes.length > 1 ? ` [${writes.length} writes]` : ''}`,
    )
    this.#windows.push(openWindow())
    if (this.#tail.length > tailLength) this.#tail.shift()
    if (this.#windows.length > tailLength) this.#windows.shift()
  }

  /**
   * Nothing more comes from the plain server: what was written before a PING of another connection has been read when
   * that is answered, and what it answered is here after the next ones.
   */
  async #directQuiet(step: Step, isDone: () => Promise<boolean>): Promise<string> {
    const side = this.#direct
    const line = side.line(step.session)
    const isOver = patience()
    for (let quiet = 0; quiet < quietRounds; ) {
      const before = side.activity
      await side.control.send('PING')
      await turn()
      quiet = side.activity === before ? quiet + 1 : 0
      const had = (this.#compared[step.session] ?? 0) + line.frames.length
      const owed = had < step.atLeast && !line.closed
      if (quiet > 0 && (owed || line.decoder.pendingBytes > 0 || !(await isDone()))) {
        if (isOver()) return `the plain server owes replies: ${had} of ${step.atLeast}`
        await side.change(2)
        quiet = 0
      }
    }
    return ''
  }

  /** Waits until both have as much: the slower one is no difference, the one that never has it is. */
  async #even(): Promise<void> {
    const isOver = patience()
    while (!this.#isEven() && !isOver()) await Promise.race([this.#proxied.change(10), this.#direct.change(10)])
  }

  #isEven(): boolean {
    return this.#direct.lines.every((line, i) => {
      const other = this.#proxied.line(i)
      return line.frames.length === other.frames.length && line.closed === other.closed
    })
  }

  async #blocked(): Promise<number> {
    return blockedClients(this.#direct)
  }

  /** Both servers know the same of who is blocked and who listens: what has no reply has arrived. */
  async #agree(): Promise<void> {
    const isOver = patience()
    for (;;) {
      const [one, two] = await Promise.all([stateOf(this.#direct), stateOf(this.#proxied)])
      if (one === two || isOver()) return
      await this.#proxied.change(1)
    }
  }

  #same(step: Step, session: number): boolean {
    const one = this.#direct.line(session)
    const two = this.#proxied.line(session)
    const compare = session === step.session ? step.compare : 'exact'
    const equal = normalise(one.frames, compare) === normalise(two.frames, compare)
    if (!equal || one.closed !== two.closed || two.broken !== null) {
      const at = one.frames.findIndex((frame, i) => frame !== two.frames[i])
      const place = at < 0 ? one.frames.length : at
      const command = one.frames.length === step.commands.length ? ` (${step.commands[place]})` : ''
      this.#differ(step, session, `compared ${compare}, first difference at frame ${place}${command}`)
      return false
    }
    this.#compared[session] = (this.#compared[session] ?? 0) + one.frames.length
    one.frames = []
    two.frames = []
    return true
  }

  #differ(step: Step, session: number, what: string): undefined {
    const show = (side: Side): string => {
      const line = side.line(session)
      const end = line.closed ? ' <closed>' : ''
      return `${JSON.stringify(line.frames.join('')).slice(0, 6000)}${end}${line.broken ?? ''}`
    }
    const heard = session === step.session ? '' : `heard by session ${session} `
    this.#differences.push({
      session,
      what: heard + what,
      tail: [...this.#tail],
      direct: show(this.#direct),
      proxied: show(this.#proxied),
      step: this.#steps,
      window: (this.#windows[0] ?? openWindow())(),
    })
    return undefined
  }

  async #startOver(): Promise<void> {
    this.#acting = []
    this.#free.splice(0, this.#free.length, ...this.#direct.lines.keys())
    for (const side of [this.#direct, this.#proxied]) {
      for (const session of side.lines.keys()) await side.reopen(session)
      await side.control.pipeline([['FLUSHALL'], ['SCRIPT', 'FLUSH'], ['FUNCTION', 'FLUSH'], ['ACL', 'DELUSER', 'tmp']])
    }
    await this.#agree()
    this.#tail.push('--- everything reset')
  }
}

/** Answers whether a wait that begins now is over. */
function patience(): () => boolean {
  const read = openWindow()
  let probeAt = 1000
  return () => {
    const window = read()
    if (window.elapsedMs >= probeAt) {
      probeAt += 1000
      probeAgain()
    }
    return leftMs(window, answerMs) <= 0
  }
}

async function blockedClients(side: Side): Promise<number> {
  return Number(infoOf(await side.control.send('INFO', 'clients')).get('blocked_clients'))
}

async function stateOf(side: Side): Promise<string> {
  const [info, ...rest] = await side.control.pipeline([
    ['INFO', 'clients'],
    ['PUBSUB', 'NUMSUB', 'ch:1', 'ch:2', 'ch:3', '__keyevent@0__:del'],
    ['PUBSUB', 'SHARDNUMSUB', 'sh:1', 'sh:2'],
    ['PUBSUB', 'NUMPAT'],
  ])
  const fields = infoOf(info ?? null)
  const counted = ['blocked_clients', 'tracking_clients', 'watching_clients'].map(name => fields.get(name))
  return JSON.stringify([counted, rest.map(reply => (Array.isArray(reply) ? [...fieldsOf(reply)] : String(reply)))])
}
