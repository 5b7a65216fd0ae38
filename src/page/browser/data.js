// data.js: what the page knows: ten minutes of samples, the present, the last holds. Never: touches the document.

/**
 * @typedef {{ readonly address: string, readonly reachable: boolean, readonly runId: string | null,
 *   readonly names: string | null, readonly epoch: number | null, readonly flags: string | null,
 *   readonly failover: string | null, readonly answerAgeMs: number | null, readonly error: string | null }} Sentinel
 * @typedef {{ readonly identity: string, readonly shared: number, readonly private: number, readonly idle: number,
 *   readonly retired: number, readonly dialing: number, readonly inFlight: number, readonly waiting: number }} Links
 * @typedef {{ readonly library: string, readonly version: string, readonly sessions: number,
 *   readonly toldOfHolds: number }} Library
 * @typedef {{ readonly masterName: string, readonly listening: readonly string[],
 *   readonly master: { readonly address: string, readonly epoch: number } | null,
 *   readonly gate: { readonly state: string, readonly since: string, readonly forMs: number,
 *     readonly cause: string | null, readonly detail: string | null },
 *   readonly pause: { readonly state: string, readonly by: string, readonly forMs: number, readonly endsInMs: number,
 *     readonly inFlight: { readonly requests: number, readonly blocked: number } } | null,
 *   readonly sessions: { readonly open: number, readonly accepted: number, readonly refused: number,
 *     readonly limit: number, readonly toldOfHolds: number, readonly libraries: readonly Library[],
 *     readonly states: Readonly<Record<string, number>> },
 *   readonly links: { readonly shared: number, readonly private: number, readonly idle: number, readonly retired: number,
 *     readonly dialing: number, readonly identities: readonly Links[], readonly more: number },
 *   readonly held: { readonly requests: number, readonly bytes: number, readonly pendingBytes: number,
 *     readonly limitBytes: number },
 *   readonly sentinels: { readonly known: number, readonly majority: number, readonly reachable: number,
 *     readonly dead: number, readonly trouble: string | null, readonly each: readonly Sentinel[] },
 *   readonly replicas?: Replicas }} Master
 * @typedef {{ readonly sessions: number, readonly heldRequests: number,
 *   readonly nodes: readonly { readonly address: string, readonly condition: string, readonly lagMs: number | null,
 *     readonly sessions: number }[],
 *   readonly groups: readonly { readonly reads: string, readonly sessions: number }[] }} Replicas
 * @typedef {{ readonly at: string, readonly cause: string, readonly kind: string, readonly from: string | null,
 *   readonly to: string | null, readonly epoch: number | null,
 *   readonly steps: readonly { readonly ms: number, readonly kind: string, readonly text: string }[],
 *   readonly heldMs: number | null, readonly drainMs: number | null, readonly linksLost: number,
 *   readonly counts: { readonly drained: number, readonly longestMs: number, readonly resent: number,
 *     readonly expired: number, readonly timedOut: number, readonly unknownOutcomes: number } | null }} Story
 * @typedef {{ readonly time: number, readonly stopping: boolean, readonly masters: readonly Master[] }} Present
 * @typedef {(number | null)[]} Column
 */

export const KEPT_MS = 600_000
/** Samples further apart than this have a gap between them: nothing was measured there. */
const GAP_MS = 3_000

export class Data {
  /** What the program is; null before the first message. @type {Record<string, any> | null} */
  program = null
  /** @type {Present | null} */
  present = null
  /** Of each master, newest first. @type {readonly (readonly Story[])[]} */
  stories = []
  /** @type {number[]} */
  times = []
  /** @type {Column} */
  delayMs = []
  /** Of each master its columns by name. @type {Record<string, Column>[]} */
  masters = []
  /** @type {readonly string[]} */
  #columns = []

  /**
   * Everything at once: the first message, and each after a break. After a restart of the program its history begins
   * anew; what this page has seen before stays in front of it.
   * @param {any} hello
   */
  onHello(hello) {
    const { history, present, stories, ...program } = hello
    const isOther = this.program !== null && this.program['startedAt'] !== program.startedAt
    const kept =
      isOther && this.masters.length === history.masters.length ? this.#until(history.times[0] ?? present.time) : 0
    const old = { times: this.times, delayMs: this.delayMs, masters: this.masters }
    this.program = program
    this.present = present
    this.stories = stories
    this.#columns = program.columns
    this.times = []
    this.delayMs = []
    this.masters = history.masters.map(() => Object.fromEntries(this.#columns.map(name => [name, []])))
    for (let i = 0; i < kept; i++) {
      const rows = old.masters.map(one => this.#columns.map(name => one[name]?.[i] ?? null))
      this.#push(old.times[i] ?? 0, old.delayMs[i] ?? null, rows)
    }
    for (const [i, time] of history.times.entries()) {
      const rows = history.masters.map((/** @type {Column[]} */ columns) => columns.map(column => column[i] ?? null))
      this.#push(time, history.delayMs[i] ?? null, rows)
    }
    this.#trim(present.time)
  }

  /** @param {any} tick */
  onTick({ sample, present, stories }) {
    this.present = present
    if (stories !== null) this.stories = stories
    if (sample !== null && sample.time > (this.times.at(-1) ?? 0))
      this.#push(sample.time, sample.delayMs, sample.masters)
    this.#trim(present.time)
  }

  /** @param {number} time */
  #until(time) {
    return this.times.filter(one => one < time).length
  }

  /**
   * @param {number} time
   * @param {number | null} delayMs
   * @param {readonly Column[]} rows
   */
  #push(time, delayMs, rows) {
    const last = this.times.at(-1)
    if (last !== undefined && time - last > GAP_MS)
      this.#add(
        last + 1,
        null,
        rows.map(row => row.map(() => null)),
      )
    this.#add(time, delayMs, rows)
  }

  /**
   * @param {number} time
   * @param {number | null} delayMs
   * @param {readonly Column[]} rows
   */
  #add(time, delayMs, rows) {
    this.times.push(time)
    this.delayMs.push(delayMs)
    for (const [i, row] of rows.entries())
      for (const [j, name] of this.#columns.entries()) this.masters[i]?.[name]?.push(row[j] ?? null)
  }

  /** @param {number} now */
  #trim(now) {
    const old = this.#until(now - KEPT_MS)
    if (old === 0) return
    this.times.splice(0, old)
    this.delayMs.splice(0, old)
    for (const master of this.masters) for (const column of Object.values(master)) column.splice(0, old)
  }
}
