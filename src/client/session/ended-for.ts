// ended-for.ts — what is counted and logged when a session is ended for a limit it crossed, or by CLIENT KILL: one
// function for each cause.
// Never: ends anybody (the session does), judges whether a limit is crossed (partial-command.ts and reply-window.ts do).
import type { SessionHost } from '../state/session-context.ts'

type Told = Pick<SessionHost, 'counters' | 'limitLog'>

/** A client has ended this one by CLIENT KILL; `by` is that one's id, `clientId` this one's. */
export function logKilled({ counters, limitLog }: Told, session: number, clientId: number, by: number): void {
  counters.killed++
  limitLog.warn('session.killed', { session, clientId, by }, 'a client has ended this session by CLIENT KILL')
}

/** A command is not finished in time. */
export function logFrameTimeout({ counters, limitLog }: Told, session: number, limitMs: number, bytes: number): void {
  counters.frameTimeouts++
  limitLog.warn(
    'session.frame_timeout',
    { session, limitMs, bytes },
    'a command was begun and not finished in time: the session is ended (--frame-timeout)',
  )
}

/** A command is larger than `limit` bytes. */
export function logFrameTooLarge({ counters, limitLog }: Told, session: number, limit: number): void {
  counters.framesTooLarge++
  limitLog.warn('session.frame_too_large', { session, limit }, 'a command is larger than 1 GB: the session is ended')
}

/** Why a client that does not read its replies is ended. */
export type EndedFor = 'one' | 'all' | 'unanswered' | 'server'

const unreadTexts = {
  one: ['session.unread', 'the client does not read its replies: the session is ended (--max-unread-bytes)'],
  all: [
    'session.unread_in_all',
    'all clients together leave too much unread, this one most: the session is ended (--max-held-bytes)',
  ],
  server: [
    'session.unread_at_server',
    'the server has closed the link of a client that does not read (client-output-buffer-limit): the session is ended, too',
  ],
  unanswered: [
    'session.unanswered',
    'the client sends on and on and does not read: its unanswered commands fill half of --max-held-bytes, the session is ended',
  ],
} as const

interface Unreader {
  readonly id: number
  readonly unreadBytes: number
  readonly pendingBytes: number
}

/**
 * One client has not taken too many bytes; all clients together have not, and its share is the largest; or its commands
 * cannot be answered, because their replies have no room.
 */
export function logUnread(
  host: Told & Pick<SessionHost, 'maxUnreadBytes' | 'maxHeldBytes'>,
  why: EndedFor,
  { id, unreadBytes, pendingBytes }: Unreader,
): void {
  if (why === 'unanswered') host.counters.unansweredEnded++
  else host.counters.unreadEnded++
  const limit = why === 'one' ? host.maxUnreadBytes : host.maxHeldBytes
  const [event, text] = unreadTexts[why]
  host.limitLog.warn(event, { session: id, unreadBytes, pendingBytes, limit }, text)
}
