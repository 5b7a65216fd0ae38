// client-ids.ts: the client id that a session is told.
//
// The server's id belongs to a link, and a session's link changes: it is shared, then its own, then on another node. So
// Holdfast gives each session an id of its own, far above those that a server reaches, and tells it wherever the server
// tells its own. In commands that name a client, the server's id takes its place.
//
//   2^52 + random part × 2^32 + number of the session     below 2^53: a double holds it, as clients in JavaScript need
//
// The random part belongs to one process: the id of another, or of before a restart, names nobody here.
import { randomInt } from 'node:crypto'

const BASE = 2 ** 52
const PART = 2 ** 32
/** A few parts at the end stay free: after 2^32 sessions a process counts on into the next part. */
const PARTS = 2 ** 20 - 16

/** The ids of one listener's sessions. */
export class ClientIds {
  readonly #base: number

  /** `part`: the random part; a test may choose it. */
  constructor(part: number = randomInt(PARTS)) {
    this.#base = BASE + part * PART
  }

  /** The id that a session is told; sessions are numbered from 1. */
  of(session: number): number {
    return this.#base + session
  }

  /** The number of the session behind an id, or undefined where it is a server's own or another proxy's. */
  sessionOf(text: string): number | undefined {
    if (!/^\d{16}$/.test(text)) return undefined
    const session = Number(text) - this.#base
    return session > 0 && session < PART ? session : undefined
  }
}

/** HELLO's reply with the session's id in the place of the link's. */
export function rewriteHelloId(frame: Buffer, id: number): Buffer {
  return replaceAfter(frame, '$2\r\nid\r\n:', id)
}

/** CLIENT TRACKINGINFO's reply with another client as the target of invalidations. */
export function rewriteRedirect(frame: Buffer, id: string): Buffer {
  return replaceAfter(frame, '$8\r\nredirect\r\n:', id)
}

function replaceAfter(frame: Buffer, before: string, id: number | string): Buffer {
  const at = frame.indexOf(before)
  if (at < 0) return frame
  const start = at + before.length
  const end = frame.indexOf(13, start)
  return Buffer.concat([frame.subarray(0, start), Buffer.from(String(id)), frame.subarray(end)])
}
