// push-filter.ts: tells what a session's own link says unasked (messages, invalidations, lines of MONITOR) from replies.
import { ReplyType } from '../../resp/reply-scanner.ts'
import type { PushFilter } from '../../upstream/reply-reader.ts'
import type { SessionContext } from '../state/session-context.ts'
import { isConfirmation, isMessage } from '../state/subscriptions.ts'

/** By RESP2 a message is an array and a line of MONITOR a simple string: what the session has asked for decides. */
export function pushFilter(session: SessionContext): PushFilter {
  return {
    mayBe: type => {
      if (type === ReplyType.push) return true
      if (type === ReplyType.array) return session.subscriptions.size > 0
      return session.state.monitoring && type === ReplyType.simple
    },
    is: (frame, type) => {
      if (type === ReplyType.push) return !isConfirmation(frame)
      if (type === ReplyType.array) return session.subscriptions.size > 0 && isMessage(frame)
      return session.state.monitoring && type === ReplyType.simple && isDigit(frame[1])
    },
  }
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 48 && byte <= 57
