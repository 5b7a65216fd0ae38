// client-ids.ts — the client id a session is told, and what it stands for at the moment.
//
// The server's id belongs to a link, and a session's link changes: it is shared, then its own, then on another node. So
// the proxy gives each session an id of its own, far above those a server reaches, tells that one wherever the server
// would tell its own, and puts the real one in its place in commands that name a client.

/** Servers count connections from 1. */
const BASE = 2 ** 40

/** The id a session is told. */
export function virtualId(session: number): number {
  return BASE + session
}

/** The session behind an id, or undefined where it is a server's own. */
export function sessionOfId(text: string): number | undefined {
  if (!/^\d{13,15}$/.test(text)) return undefined
  const session = Number(text) - BASE
  return session > 0 ? session : undefined
}

/** HELLO's reply with the session's id in the place of the link's. */
export function rewriteHelloId(frame: Buffer, session: number): Buffer {
  return replaceAfter(frame, '$2\r\nid\r\n:', virtualId(session))
}

/** CLIENT INFO's line, the same way. */
export function rewriteInfoId(frame: Buffer, session: number): Buffer {
  const text = frame.toString('latin1')
  const match = /^([$=])(\d+)\r\n((?:txt:)?)id=(\d+)/.exec(text)
  if (match === null) return frame
  const id = String(virtualId(session))
  const length = Number(match[2]) - (match[4]?.length ?? 0) + id.length
  const rest = frame.subarray(match[0].length)
  return Buffer.concat([Buffer.from(`${match[1]}${length}\r\n${match[3]}id=${id}`), rest])
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
