// restore-refused.ts: tells the log that a master refuses on a new link what its session had before.
//
// An open transaction is a warning: its client is told by EXECABORT, and may try again. Nobody tells a client that it no
// longer hears a channel: that is an error. A new master may refuse the same thing to thousands of sessions, so the same
// words come at most once a second.
import type { SessionContext } from '../state/session-context.ts'

/** What the session had in an open MULTI. */
export const TRANSACTION = 'MULTI'

const remedies: readonly (readonly [RegExp, string])[] = [
  [/^NOPERM/, 'give the user this right on every node: ACLs are not replicated'],
  [/^OOM/, 'give the node memory: raise maxmemory, or remove keys'],
  [/^MISCONF/, 'mend the disk of the node: its log says what it cannot write'],
]

/** `what`: a command that the session had said. `reply`: the master's error, without its minus sign. */
export function logRestoreRefused({ id, host }: SessionContext, what: string, reply: string): void {
  const remedy = remedies.find(([words]) => words.test(reply))?.[1]
  const [code = ''] = reply.split(' ')
  const [level, text] =
    what === TRANSACTION
      ? ([
          'warn',
          'the master refuses a command of an open MULTI on a new link: EXEC gets EXECABORT, and nothing has run',
        ] as const)
      : ([
          'error',
          'the master refuses on a new link what this session had before (what); its client goes on without it',
        ] as const)
  host.limitLog.write(level, 'session.restore_failed', { session: id, what, reply, remedy }, text, `${what} ${code}`)
}
