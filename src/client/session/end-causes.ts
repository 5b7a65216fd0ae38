// end-causes.ts: counts and logs why a session is ended: a limit that it crossed, or CLIENT KILL. One function per
// cause. Never ends anybody (the session does), and never judges a limit (partial-command.ts and reply-window.ts do).
import type { SessionHost } from '../state/session-context.ts'

type Told = Pick<SessionHost, 'counters' | 'limitLog'>

/** Another client ended this session by CLIENT KILL. `by`: that client's id; `clientId`: this one's. */
export function logKilled({ counters, limitLog }: Told, session: number, clientId: number, by: number): void {
  counters.killed++
  limitLog.warn('session.killed', { session, clientId, by }, 'another client ended this session by CLIENT KILL')
}

/** The client did not finish a command in time. */
export function logFrameTimeout({ counters, limitLog }: Told, session: number, limitMs: number, bytes: number): void {
  counters.frameTimeouts++
  limitLog.warn(
    'session.frame_timeout',
    { session, limitMs, bytes },
    'the client began a command and did not finish it in time: the session ends (--frame-timeout)',
  )
}

/** The client sent a command of more than `limit` bytes. */
export function logFrameTooLarge({ counters, limitLog }: Told, session: number, limit: number): void {
  counters.framesTooLarge++
  limitLog.warn(
    'session.frame_too_large',
    { session, limit },
    'the client sent a command of more than 1 GB: the session ends',
  )
}

/** Why a client that does not read its replies is ended. */
export type EndedFor = 'one' | 'all' | 'unanswered' | 'server'

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
} as const

interface Unreader {
  readonly id: number
  readonly replies: { readonly bytes: number }
  readonly pendingBytes: number
}

export function logUnread(
  host: Told & Pick<SessionHost, 'maxUnreadBytes' | 'maxHeldBytes'>,
  why: EndedFor,
  { id, replies, pendingBytes }: Unreader,
): void {
  if (why === 'unanswered') host.counters.unansweredEnded++
  else host.counters.unreadEnded++
  const limit = why === 'one' ? host.maxUnreadBytes : host.maxHeldBytes
  const [event, text] = unreadTexts[why]
  host.limitLog.warn(event, { session: id, unreadBytes: replies.bytes, pendingBytes, limit }, text)
}
