// marker.ts: the marker: one hash for each process and database, with some fields for each link. A block writes its
// number into a field that no other block on the link uses meanwhile.
//
//   __holdfast:3f9a0c51d2e7   { w: 1, 1.0: 40213, 1.1: 40214, 1.2: 0, ..., 2.0: 17, ... }
//
// w is a witness: a value that is written once, and known to be there before a later link writes its fields. Where it
// still is, nothing was wiped since: then a field of that link that is absent was never written in this history.
//
// One field for a whole link would not do: a block may be aborted while a later one runs, and a number that is higher
// than its own would say that it had run.
//
// It is written in the same MULTI as the effects, so a node that has the one has the others: replicas apply a MULTI
// whole or not at all. It expires by itself when its process is gone.
//
// Somebody may set it back beside Holdfast (RESTORE of a copy, SWAPDB there and back). While the process is the same and
// the master, nothing else can: a field that says less than what the link has answered is no proof (`isSetBack`).
//
// Must stay true: a field is of one series for ever, so that a number never means two blocks.
import { randomBytes } from 'node:crypto'
import type { Master } from '../address.ts'
import { encodeCommand } from '../resp/encode.ts'
import type { Identity } from '../upstream/identity.ts'

const HOUR_SECONDS = 3600
/** How often the life of the hash is prolonged, and what nobody asks for is removed from it. */
export const REFRESH_MS = 60_000
/** Fields removed with one refresh. So many do not wait for the next one. */
const MAX_REMOVED = 1024
/** Links that are closed are looked for when there are so many, and then when there are twice those that are left. */
const SWEEP_FROM = 64
const FIELDS_AT_ONCE = 4
const WITNESS = 'w'
/** Blocks that may be on a shared link at a time, and on the link of one session. */
export const SHARED_SLOTS = 64
export const PRIVATE_SLOTS = 4

/** The markers of this process. */
export class Markers {
  readonly key = `__holdfast:${randomBytes(6).toString('hex')}`
  readonly lifeSeconds: number
  #last = 0
  /** Of links that may go from lane to lane. */
  readonly #seriesOf = new Map<{ readonly status: string }, Series>()
  #sweepAt = SWEEP_FROM
  /** By database: fields whose series have ended, and when the first of them did. */
  readonly #ended = new Map<number, { fields: string[]; since: number }>()
  /** By database: when the life of the hash was last prolonged. */
  readonly #prolongedAt = new Map<number, number>()
  /** By database: the number of the series that writes or has written it. */
  readonly #witnesses = new Map<number, { readonly number: number; isThere: boolean }>()

  /** `holdMs`: how long a block may be in doubt; its marker must live for longer. */
  constructor(holdMs: number) {
    this.lifeSeconds = HOUR_SECONDS + 2 * Math.ceil(holdMs / 1000)
  }

  /** With fields that were never used. */
  newSeries({ database, key }: Pick<Identity, 'database' | 'key'>, slots: number): Series {
    const number = ++this.#last
    const known = this.#witnesses.get(database)
    if (known === undefined) this.#witnesses.set(database, { number, isThere: false })
    const witness = known?.isThere ? known.number : null
    const of = { database, identityKey: key, slots, witness, bearsWitness: known === undefined }
    return new Series(this.key, number, of)
  }

  /** The node has its baseline. */
  proven({ database, number }: Series): void {
    const witness = this.#witnesses.get(database)
    if (witness?.number === number) witness.isThere = true
  }

  /** `value`: of the witness on the master of now. Where it is another, the next series writes a new one. */
  hasWitness(database: number, value: number | null): void {
    const witness = this.#witnesses.get(database)
    if (witness?.isThere && witness.number !== value) this.#witnesses.delete(database)
  }

  /** Of a link that is up: whichever lane has it next goes on with these fields. */
  keep(link: { readonly status: string }, series: Series): void {
    this.#seriesOf.set(link, series)
    if (this.#seriesOf.size >= this.#sweepAt) this.#sweep()
  }

  seriesOf(link: { readonly status: string }): Series | undefined {
    return this.#seriesOf.get(link)
  }

  forget(link: { readonly status: string }): void {
    this.#seriesOf.delete(link)
  }

  /** Links that were lost between two lanes, or with a lane that had no use for them. */
  #sweep(): void {
    for (const [link, series] of this.#seriesOf) {
      if (link.status !== 'closed') continue
      this.#seriesOf.delete(link)
      this.end(series)
    }
    this.#sweepAt = Math.max(SWEEP_FROM, 2 * this.#seriesOf.size)
  }

  /** Nobody will ask for these fields again. */
  end(series: Series): void {
    const ended = this.#ended.get(series.database) ?? { fields: [], since: performance.now() }
    this.#ended.set(series.database, ended)
    ended.fields.push(...series.fields)
    const witness = this.#witnesses.get(series.database)
    if (witness?.number === series.number && !witness.isThere) this.#witnesses.delete(series.database)
  }

  /** Each new link prolongs the life of the hash. What is to be removed must not wait until no link is new. */
  isDue(database: number, now: number): boolean {
    if (now - (this.#prolongedAt.get(database) ?? Number.NEGATIVE_INFINITY) > REFRESH_MS) return true
    const ended = this.#ended.get(database)
    return ended !== undefined && (ended.fields.length >= MAX_REMOVED || now - ended.since > REFRESH_MS)
  }

  /** The command that prolongs its life. */
  prolong(database: number, now: number): Buffer {
    this.#prolongedAt.set(database, now)
    return encodeCommand(['EXPIRE', this.key, String(this.lifeSeconds)])
  }

  /** The same, and what removes fields that nobody asks for; one reply each. */
  refresh(database: number, now: number): Buffer[] {
    this.#sweep()
    const commands = [this.prolong(database, now)]
    const ended = this.#ended.get(database)
    if (ended === undefined) return commands
    commands.push(encodeCommand(['HDEL', this.key, ...ended.fields.splice(0, MAX_REMOVED)]))
    if (ended.fields.length === 0) this.#ended.delete(database)
    return commands
  }

  /** It was gone and has been written again: without an end, until the next refresh. */
  hurry(database: number): void {
    this.#prolongedAt.delete(database)
    this.hasWitness(database, null)
  }
}

/** The numbering of the blocks of one link. */
export class Series {
  readonly key: string
  readonly number: number
  /** What the witness was before its fields were written; null: nobody knew of one. */
  readonly witness: number | null
  readonly #bearsWitness: boolean
  /** One for each block that may be on the link at a time. */
  readonly fields: readonly string[]
  /** User, database and protocol that the link had when it began. */
  readonly identityKey: string
  readonly database: number
  /** The master that has shown to take its markers; null: none has. */
  at: Master | null = null
  #last = 0
  readonly #free: number[]
  readonly #heads: readonly string[]
  /** By slot: the number of the last block that the link has answered there. */
  readonly #answered: number[]
  /** A flush or an eviction took its fields, and the witness beside them. */
  #isWiped = false

  constructor(
    key: string,
    number: number,
    of: {
      readonly database: number
      readonly identityKey: string
      readonly slots: number
      readonly witness: number | null
      readonly bearsWitness: boolean
    },
  ) {
    this.key = key
    this.number = number
    this.witness = of.witness
    this.#bearsWitness = of.bearsWitness
    this.fields = Array.from({ length: of.slots }, (_, slot) => `${number}.${slot.toString(36)}`)
    this.database = of.database
    this.identityKey = of.identityKey
    this.#free = this.fields.map((_, slot) => slot).reverse()
    this.#answered = this.fields.map(() => 0)
    const prefix = `*4\r\n$4\r\nHSET\r\n$${key.length}\r\n${key}\r\n`
    this.#heads = this.fields.map(field => `${prefix}$${field.length}\r\n${field}\r\n`)
  }

  get hasRoom(): boolean {
    return this.#free.length > 0
  }

  /** The mark of the next block; null: as many are on the link as can be told apart. */
  next(): Mark | null {
    const slot = this.#free.pop()
    return slot === undefined ? null : { slot, seq: ++this.#last, series: this }
  }

  /** The block has its reply: another may use its field. */
  release({ slot }: Mark): void {
    this.#free.push(slot)
  }

  /** The link has answered the block: its field has this number. */
  answered({ slot, seq }: Mark): void {
    this.#answered[slot] = seq
  }

  /** The fields were gone: the next ones begin at nothing. */
  wiped(): void {
    this.#isWiped = true
    this.#answered.fill(0)
  }

  /** `values`: of all its fields and the witness, at the node where it was proven. Somebody has set them back. */
  isSetBack(values: readonly (number | null)[]): boolean {
    const witness = values[this.fields.length] ?? null
    const own = this.#bearsWitness ? this.number : this.witness
    if (this.#isWiped && witness !== null && witness === own) return true
    return this.#answered.some((seq, slot) => (values[slot] ?? seq) < seq)
  }

  /** The command that writes the marker. */
  write({ slot, seq }: Mark): string {
    const digits = String(seq)
    return `${this.#heads[slot]}$${digits.length}\r\n${digits}\r\n`
  }

  /** Asked while the link is proven: without the right, nothing could be told after a loss. */
  read(): Buffer {
    return encodeCommand(['HMGET', this.key, ...this.fields.slice(0, 1)])
  }

  /**
   * All fields at 0: what is absent later is a proof by the witness alone. A server that waits for a login hangs up on a command
   * of more than ten words.
   */
  baseline(): Buffer[] {
    const witness = this.#bearsWitness ? [encodeCommand(['HSET', this.key, WITNESS, String(this.number)])] : []
    return [...witness, ...this.#zeroes(this.fields)]
  }

  /** What the next link asks for: its fields, and the witness behind them. */
  get fieldsToRead(): readonly string[] {
    return [...this.fields, WITNESS]
  }

  /** The same of those that no block on the link uses, after a flush; in the order of the link it is before their next. */
  baselineOfFree(): Buffer[] {
    return this.#zeroes(this.#free.map(slot => this.fields[slot] ?? ''))
  }

  #zeroes(fields: readonly string[]): Buffer[] {
    const commands: Buffer[] = []
    for (let at = 0; at < fields.length; at += FIELDS_AT_ONCE) {
      const some = fields.slice(at, at + FIELDS_AT_ONCE).flatMap(field => [field, '0'])
      commands.push(encodeCommand(['HSET', this.key, ...some]))
    }
    return commands
  }
}

/** Which number a block writes into which field. */
export interface Mark {
  readonly series: Series
  readonly slot: number
  readonly seq: number
}
