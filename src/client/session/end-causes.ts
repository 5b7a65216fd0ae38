// end-causes.ts: counts and logs why Holdfast ends a client: a limit that it crossed, bytes that are no commands, or
// CLIENT KILL. One function per cause. The session ends; others judge:
//
//   too large, no commands, HTTP       reader.ts          takes 3 s over --max-unread-bytes    slow-reader.ts
//   unfinished for --frame-timeout     session-sweep.ts   server closed the link of a reader   lane-choice.ts
//   leaves most unread or unanswered   session-sweep.ts   unread before it signs in  proxy-auth.ts, slow-reader.ts
//   CLIENT KILL                        client-kill.ts     sends on without any room            slow-reader.ts
//
// A client that leaves or breaks by itself, and the end of the program, have no cause here. ops/bugs.ts logs a bug,
// listener.ts and tls-listener.ts a client that never became a session.
import { MAX_UNREAD_SIGNED_OUT } from '../flow/reply-window.ts'
import type { SessionHost } from '../state/session-context.ts'

type Told = Pick<SessionHost, 'counters' | 'limitLog'>

interface Ended {
  readonly id: number
  readonly ends: { readonly peer: string }
}

/** Another client ended this session by CLIENT KILL. `by`: that client's id; `clientId`: this one's. */
export function logKilled({ counters, limitLog }: Told, { id, ends }: Ended, clientId: number, by: number): void {
  counters.killed++
  limitLog.warn(
    'session.killed',
    { session: id, peer: ends.peer, clientId, by },
    'another client ended this session by CLIENT KILL',
  )
}

/** The client did not finish a command in time. */
export function logFrameTimeout(
  { counters, limitLog }: Told,
  { id, ends }: Ended,
  limitMs: number,
  bytes: number,
): void {
  counters.frameTimeouts++
  limitLog.warn(
    'session.frame_timeout',
    { session: id, peer: ends.peer, limitMs, bytes },
    'the client began a command and did not finish it in time: the session ends (--frame-timeout)',
  )
}

/** The client sent a command of more than `limit` bytes. */
export function logFrameTooLarge({ counters, limitLog }: Told, { id, ends }: Ended, limit: number): void {
  counters.framesTooLarge++
  limitLog.warn(
    'session.frame_too_large',
    { session: id, peer: ends.peer, limit },
    'the client sent a command of more than 1 GB: the session ends',
  )
}

/** The client sent bytes that are no command: it has Redis's own `error`. At debug, as a server logs it (verbose). */
export function logProtocolError(
  { counters, log }: Pick<SessionHost, 'counters' | 'log'>,
  { id, ends }: Ended,
  error: string,
): void {
  counters.protocolErrors++
  log.debug(
    { event: 'session.protocol_error', session: id, peer: ends.peer, error },
    'the client sent bytes that are no command: the session ends',
  )
}

/** The client spoke HTTP. A server warns of it too: a web page may have sent a browser of this network here. */
export function logHttp({ counters, limitLog }: Told, { id, ends }: Ended): void {
  counters.protocolErrors++
  limitLog.warn(
    'session.http',
    { session: id, peer: ends.peer },
    'the client speaks HTTP (POST or Host:), maybe a browser that a web page sent here: the session ends',
  )
}

/** Why a client that does not read its replies is ended. */
export type UnreadEnd = 'one' | 'all' | 'unanswered' | 'server' | 'signed-out'

const unreadTexts = {
  one: ['session.unread', 'the client does not read its replies: the session ends (--max-unread-bytes)'],
  all: [
    'session.unread_in_all',
    'all clients together leave too much unread, and this one leaves most: its session ends (--max-held-bytes)',
  ],
  server: [
    'session.unread_at_server',
    'the client does not read, and the server closed its link (client-output-buffer-limit): the session ends',
  ],
  unanswered: [
    'session.unanswered',
    'the client sends and does not read: unanswered commands fill half of --max-held-bytes, and the session ends',
  ],
  'signed-out': [
    'session.unread_signed_out',
    'the client has not signed in and does not read its replies: the session ends (--client-password)',
  ],
} as const

interface Unreader extends Ended {
  readonly unread: number
  readonly pendingBytes: number
}

export function logUnread(
  host: Told & Pick<SessionHost, 'maxUnreadBytes' | 'maxHeldBytes' | 'highWater'>,
  why: UnreadEnd,
  { id, ends, unread, pendingBytes }: Unreader,
): void {
  if (why === 'unanswered') host.counters.unansweredEnded++
  else host.counters.unreadEnded++
  const limits = {
    one: host.maxUnreadBytes,
    all: host.maxHeldBytes,
    unanswered: host.highWater,
    server: undefined, // its own, which Holdfast does not know
    'signed-out': MAX_UNREAD_SIGNED_OUT,
  }
  const [event, text] = unreadTexts[why]
  host.limitLog.warn(
    event,
    { session: id, peer: ends.peer, unreadBytes: unread, pendingBytes, limit: limits[why] },
    text,
  )
}
