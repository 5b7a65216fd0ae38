// limits-crossed.ts — what is counted and logged when a session is ended for a limit it crossed: one function for each limit.
// Never: ends anybody (the session does), judges whether a limit is crossed (unfinished.ts and unread.ts do).
import type { SessionHost } from './session-host.ts'

type Told = Pick<SessionHost, 'counters' | 'limitLog'>

/** A command is not finished in time. */
export function tellFrameTimeout({ counters, limitLog }: Told, session: number, limitMs: number, bytes: number): void {
  counters.frameTimeouts++
  limitLog.warn(
    'session.frame_timeout',
    { session, limitMs, bytes },
    'a command was begun and not finished in time: the session is ended (--frame-timeout)',
  )
}

/** A command is larger than `limit` bytes. */
export function tellFrameTooLarge({ counters, limitLog }: Told, session: number, limit: number): void {
  counters.framesTooLarge++
  limitLog.warn('session.frame_too_large', { session, limit }, 'a command is larger than 1 GB: the session is ended')
}

/** One client has not taken `unreadBytes` of its replies. */
export function tellUnread(
  host: Told & Pick<SessionHost, 'maxUnreadBytes'>,
  session: number,
  unreadBytes: number,
): void {
  host.counters.unreadEnded++
  host.limitLog.warn(
    'session.unread',
    { session, unreadBytes, limit: host.maxUnreadBytes },
    'the client does not read its replies: the session is ended (--max-unread-bytes)',
  )
}

/** All clients together have not taken too much, and this one's share is the largest. */
export function tellUnreadInAll(
  host: Told & Pick<SessionHost, 'maxHeldBytes'>,
  session: number,
  unreadBytes: number,
): void {
  host.counters.unreadEnded++
  host.limitLog.warn(
    'session.unread_in_all',
    { session, unreadBytes, limit: host.maxHeldBytes },
    'all clients together leave too much unread, this one most: the session is ended (--max-held-bytes)',
  )
}
