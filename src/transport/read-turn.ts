// read-turn.ts: lets others in between while one socket brings much.
//
// libuv reads one socket up to 32 times before it looks at the next: two megabytes, a millisecond and more for everybody
// else. So a socket that has brought its share waits for the next turn of the loop.
//
// Costs nothing for small reads, and two system calls for each share. Never: knows who is behind a socket.
//
// Must stay true: each socket that has used up its share goes on in the next turn, whatever becomes of the others.

/** What the socket of one client may bring in one turn; and a link that many share, which has replies of all. */
export const CLIENT_SHARE_BYTES = 128 * 1024
export const SHARED_LINK_SHARE_BYTES = 1024 * 1024
/** Smaller reads are not counted: libuv goes on only where a read was full. */
export const COUNTED_BYTES = 16 * 1024

/** A socket that is read from. */
export interface TurnReader {
  /** Counted bytes of this turn. */
  broughtBytes: number
  readonly shareBytes: number
  /** Its share is used up; `goOn` follows. */
  onShareUsed(): void
  goOn(): void
  /** Going on threw: the socket ends. Must not throw. */
  onBug(error: unknown): void
}

let readers: TurnReader[] = []

/** It has brought `count` bytes, COUNTED_BYTES at least. */
export function countRead(reader: TurnReader, count: number): void {
  if (reader.broughtBytes === 0) {
    if (readers.length === 0) setImmediate(beginTurn)
    readers.push(reader)
  }
  const before = reader.broughtBytes
  reader.broughtBytes += count
  if (before < reader.shareBytes && reader.broughtBytes >= reader.shareBytes) reader.onShareUsed()
}

function beginTurn(): void {
  const last = readers
  readers = []
  for (const reader of last) {
    const used = reader.broughtBytes >= reader.shareBytes
    reader.broughtBytes = 0
    if (!used) continue
    try {
      reader.goOn()
    } catch (error) {
      reader.onBug(error)
    }
  }
}
