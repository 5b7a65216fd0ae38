// client-ids.ts: the client id a session is told, and what it stands for at the moment.
//
// The server's id belongs to a link, and a session's link changes: it is shared, then its own, then on another node. So
// the proxy gives each session an id of its own, far above those a server reaches, tells that one wherever the server
// would tell its own, and puts the real one in its place in commands that name a client.
//
//   2^52 + random part × 2^32 + number of the session        below 2^53: a double holds it, as clients in JavaScript need
//
// The random part is one process's own: an id of another Holdfast, or of this one before a restart, names nobody here.
import { randomInt } from 'node:crypto'

const BASE = 2 ** 52
const PART = 2 ** 32
/** A few parts at the end stay free: a process that has had more than 2^32 sessions counts on into the next part. */
const PARTS = 2 ** 20 - 16

/** The ids of one listener's sessions. */
export class ClientIds {
  readonly #base: number

  /** `part`: which of the ranges of ids; left out: by chance. */
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

/** CLIENT TRACKINGINFO, where it names the client that invalidations go to. */
export function rewriteRedirect(frame: Buffer, id: string): Buffer {
  return replaceAfter(frame, '$8\r\nredirect\r\n:', id)
}

/** The id behind REDIRECT in CLIENT TRACKING's arguments, as the client gave it. */
export function redirectIn(args: readonly Buffer[]): { place: number; id: string } | undefined {
  const at = args.findIndex((arg, i) => i > 1 && arg.toString('latin1').toLowerCase() === 'redirect')
  const id = at < 0 ? undefined : args[at + 1]?.toString('latin1')
  return id === undefined ? undefined : { place: at + 1, id }
}

function replaceAfter(frame: Buffer, before: string, id: number | string): Buffer {
  const at = frame.indexOf(before)
  if (at < 0) return frame
  const start = at + before.length
  const end = frame.indexOf(13, start)
  return Buffer.concat([frame.subarray(0, start), Buffer.from(String(id)), frame.subarray(end)])
}
