// block.ts: one block: commands of many sessions in one MULTI, with the marker behind them.
//
//   bytes    MULTI │ commands of the members │ HSET marker │ EXEC
//   replies  +OK, QUEUED ... QUEUED │ *n │ the members' replies, as if they had been sent alone │ :0
//            └─ opening ──────────┘ exec   └─ each member ─────────────────────────────────┘ marker
//
// So a block is a few requests that a link answers one after the other. The members stand among them and notice
// nothing: their replies stream as always. A client's own MULTI ... EXEC is a block too: it gets its marker before
// EXEC, and is answered when all of it is known.
import { createRun, createUnit, type ParkingPlace, type Request, type RequestOwner } from '../relay/request.ts'
import type { Mark } from './marker.ts'

/** What others send costs them one more round trip when a block is aborted: so it is not larger than this. */
export const MAX_COMMANDS = 256
export const MAX_BYTES = 64 * 1024

const NOTHING = Buffer.alloc(0)
const MULTI = Buffer.from('*1\r\n$5\r\nMULTI\r\n')
const EXEC = '*1\r\n$4\r\nEXEC\r\n'

export class Block implements ParkingPlace {
  mark: Mark | null = null
  readonly members: Request[] = []
  commands = 0
  bytes = 0
  readonly behind: Request[] = []
  /** A client's own MULTI ... EXEC: its bytes without EXEC; null: this is none. */
  readonly transaction: Buffer | null
  /** Set when it is sent. */
  opening: Request | null = null
  exec: Request | null = null
  marker: Request | null = null
  /** Error lines of what was not queued, by its place: 0 is MULTI. */
  readonly errors = new Map<number, Buffer>()
  /** Of a client's own transaction: all replies so far. */
  readonly frames: Buffer[] = []
  /** The node has refused all of it. */
  refused = false

  constructor(transaction: Buffer | null = null) {
    this.transaction = transaction
  }

  add(member: Request): void {
    this.members.push(member)
    this.commands += member.commands
    this.bytes += member.bytes.length
  }

  hasRoomFor({ commands, bytes }: Request): boolean {
    return this.commands + commands <= MAX_COMMANDS && this.bytes + bytes.length <= MAX_BYTES
  }

  /** The place of the marker among what is queued. */
  get markerAt(): number {
    return this.queued + 1
  }

  /** Commands between MULTI and the marker. */
  get queued(): number {
    return this.transaction === null ? this.commands : this.commands - 2
  }

  /** Gives it its number. Answers what the link answers, in order, and the bytes. `ends`: the owner of what is ours. */
  number(mark: Mark, ends: RequestOwner): { exchanges: Request[]; pieces: Buffer[] } {
    this.mark = mark
    const opening = ours(createRun(ends, NOTHING, this.queued + 2))
    const exec = ours(createUnit(ends, NOTHING, 0, 1, null))
    exec.inspect = true
    this.opening = opening
    this.exec = exec
    const tail = Buffer.from(mark.series.write(mark) + EXEC)
    if (this.transaction !== null) {
      opening.inspect = true
      return { exchanges: [opening, exec], pieces: [this.transaction, tail] }
    }
    const marker = ours(createUnit(ends, NOTHING, 0, 1, null))
    marker.inspect = true
    this.marker = marker
    const exchanges = [opening, exec]
    const pieces: Buffer[] = [MULTI]
    for (const member of this.members) {
      exchanges.push(member)
      pieces.push(member.bytes)
      if (member.rest !== null) pieces.push(...member.rest)
    }
    exchanges.push(marker)
    pieces.push(tail)
    return { exchanges, pieces }
  }

  /** What the link would still answer of it from EXEC's own reply on. */
  get exchangesFromExec(): number {
    return this.transaction === null ? this.members.length + 2 : 1
  }
}

/** Requests of Holdfast's own weigh nothing: no client waits for them. */
export function ours(request: Request): Request {
  request.commands = 0
  request.weight = 0
  return request
}
