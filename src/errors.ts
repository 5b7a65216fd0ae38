// errors.ts: every error reply of Holdfast itself: its text, and whether the command may have run.
//
// The first word of a Redis error is contract: clients decide by it whether to try again. Clients that know TRYAGAIN
// take it for transient, all keep the connection open, and a server outside cluster mode never sends it, so nobody
// takes it for an error of Redis (docs/decisions/0003-error-codes.md). An unknown outcome must not look transient:
// `safe` forbids a blind retry.

export interface ErrorSpec {
  readonly reply: Buffer
  /** Whether the command may have taken effect. */
  readonly executed: 'no' | 'unknown' | 'yes'
}

const spec = (line: string, executed: ErrorSpec['executed']): ErrorSpec => ({
  reply: Buffer.from(`-${line}\r\n`),
  executed,
})

export const errors = {
  /** The hold time or the retries are used up, and the command never ran. */
  noMaster: spec('TRYAGAIN holdfast: no master in time; the command was not run', 'no'),
  /** The breaker is open: the hold time has run out for earlier commands. */
  tripped: spec('TRYAGAIN holdfast: no master for longer than the hold time; the command was not run', 'no'),
  /** The command needs a connection of its own, and in the whole hold time there was no file descriptor for it. */
  noFiles: spec(
    'TRYAGAIN holdfast: no file descriptor for a connection of its own in time (limit of open files); the command was ' +
      'not run',
    'no',
  ),
  /** There is a master, and for the whole hold time it let no link come up: it lacks a command, or is full. */
  noLink: spec(
    'TRYAGAIN holdfast: the server refuses the connections of Holdfast (link.handshake in its log); the command was ' +
      'not run',
    'no',
  ),
  /** The hold time or the retries are used up, and the command was sent at least once. */
  gaveUp: spec('TRYAGAIN holdfast: no answer in time; the command may have run', 'unknown'),
  /** The same of a read. */
  gaveUpReading: spec('TRYAGAIN holdfast: no answer in time; nothing was changed', 'no'),
  /** `--replica-listen`: the same, where a replica was waited for. */
  noReplica: spec('TRYAGAIN holdfast: no good replica in time; nothing was changed', 'no'),
  noReplicas: spec('TRYAGAIN holdfast: no replica is good now; nothing was changed (--replica-fallback)', 'no'),
  /** The server's own texts, for a write that came for a replica while the master answers in its place. */
  readOnly: spec("READONLY You can't write against a read only replica.", 'no'),
  execAborted: spec('EXECABORT Transaction discarded because of previous errors.', 'no'),
  /** Policy `safe`: the link was lost after the command was sent, and to send it again could apply it twice. */
  unknownOutcome: spec(
    'UNKNOWN holdfast: the connection to the master was lost after the command was sent; it may have run ' +
      '(retry-policy safe)',
    'unknown',
  ),
  /** Several links in a row ended over it: its reply or its bytes are more than the server lets a client have. */
  fatal: spec(
    'UNKNOWN holdfast: the server closed the connection each time the command was sent (client-output-buffer-limit, ' +
      'client-query-buffer-limit, proto-max-bulk-len); it may have run',
    'unknown',
  ),
  /** The same of a read. */
  fatalRead: spec(
    'ERR holdfast: the server closed the connection each time the read was sent (client-output-buffer-limit, ' +
      'client-query-buffer-limit, proto-max-bulk-len); nothing was changed',
    'no',
  ),
  /** The same of a write whose marker says that it has not run: its bytes are too many. */
  notTaken: spec(
    'ERR holdfast: the server closed the connection each time the command was sent (client-query-buffer-limit, ' +
      'proto-max-bulk-len); it was not run',
    'no',
  ),
  /** Policy `once`: a command that can have no marker, or went without one, behaves as under `safe`. */
  unmarkedOutcome: spec(
    'UNKNOWN holdfast: the connection to the master was lost after the command was sent without a marker; it may ' +
      'have run (retry-policy once)',
    'unknown',
  ),
  /** `once`, or `--ack replicated`: the marker that tells whether it ran is gone, or cannot be read. */
  markerLost: spec(
    'UNKNOWN holdfast: the connection to the master was lost after the command was sent, and the marker that tells ' +
      'is not there; it may have run',
    'unknown',
  ),
  /** The same where the marker says less than it has said before, on the same process. */
  markerSetBack: spec(
    'UNKNOWN holdfast: the connection to the master was lost after the command was sent, and somebody else has set ' +
      'back the marker that tells; it may have run',
    'unknown',
  ),
  /** The same where the marker says "not yet", and the lost connection may still bring it. */
  notEnded: spec(
    'UNKNOWN holdfast: the connection to the master was lost after the command was sent, and could not be ended there ' +
      '(rights: CLIENT KILL, and for the user of Holdfast INFO and ROLE); it may have run',
    'unknown',
  ),
  /** `once`, or `--ack replicated`: no master came that could be asked for the marker. */
  undecided: spec(
    'UNKNOWN holdfast: no master in time that could tell whether the command has run; it may have run',
    'unknown',
  ),
  /** `once`, or `--ack replicated`: the marker says that it ran. */
  applied: spec(
    'APPLIED holdfast: the command has run: it took effect once, or the server refused it; its reply was lost with the old connection',
    'yes',
  ),
  /** `--ack replicated`: the write has run, and the replicas did not say in time that they have it. */
  unacknowledged: spec(
    'UNKNOWN holdfast: the command has run on the master, but not enough replicas have confirmed it in time; it may ' +
      'be lost with the master (--ack replicated)',
    'unknown',
  ),
  /** `--reads committed`: what the read has seen is not confirmed. */
  unconfirmedRead: spec(
    'TRYAGAIN holdfast: not enough replicas have confirmed in time what the read has seen; nothing was changed by it ' +
      '(--reads committed)',
    'no',
  ),
  /** `--ack replicated`: earlier writes were not confirmed in time. */
  notReplicated: spec(
    'TRYAGAIN holdfast: not enough replicas have confirmed earlier writes in time; the command was not run (--ack ' +
      'replicated)',
    'no',
  ),
  /** `--ack replicated`: nobody could be asked for the whole hold time, so the write was not sent. */
  notAsked: spec(
    'TRYAGAIN holdfast: the master could not be asked in time which replicas have a write; the command was not run ' +
      '(--ack replicated)',
    'no',
  ),
  /** `once`, or `--ack replicated`: a read before a write that ran; sent again, it would see that write. */
  readLost: spec(
    'TRYAGAIN holdfast: the reply to a read was lost with the old connection; nothing was changed by it',
    'no',
  ),
  /** Policy `once`: swapped there and back, a database brings an old marker back, which says that nothing has run. */
  swapsMarkers: spec(
    "NOPERM holdfast: 'swapdb' would bring old markers back and is refused (--retry-policy once)",
    'no',
  ),
  subscribeInMulti: spec('ERR holdfast: SUBSCRIBE and UNSUBSCRIBE are not supported inside MULTI', 'no'),
  /** A server may leave a failed login unanswered behind other replies (addAuthErrReply in acl.c): EXEC is short. */
  loginInMulti: spec('ERR holdfast: AUTH is not supported inside MULTI', 'no'),
  /** Always refused: its dialogue has no frames. */
  scriptDebug: spec('ERR holdfast: SCRIPT DEBUG is not supported: connect the debugger to the server itself', 'no'),
  killInMulti: spec('ERR holdfast: CLIENT KILL is not supported inside MULTI', 'no'),
  /** The server's ids belong to links, and a link may be another when EXEC runs. */
  clientIdInMulti: spec(
    'ERR holdfast: CLIENT UNBLOCK and CLIENT TRACKING with REDIRECT are not supported inside MULTI',
    'no',
  ),
  replyInMulti: spec('ERR holdfast: CLIENT REPLY is not supported inside MULTI', 'no'),
  /** The server's own texts, for clients that must sign in at Holdfast (--client-password). */
  noAuth: spec('NOAUTH Authentication required.', 'no'),
  noAuthExec: spec('EXECABORT Transaction discarded because of: NOAUTH Authentication required.', 'no'),
  noAuthHello: spec(
    'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> ' +
      '<pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
    'no',
  ),
  wrongPass: spec('WRONGPASS invalid username-password pair or user is disabled.', 'no'),
  syntax: spec('ERR syntax error', 'no'),
  clientName: spec('ERR Client names cannot contain spaces, newlines or special characters.', 'no'),
  clientFilter: spec('ERR holdfast: a filter of this CLIENT command is not known here', 'no'),
  /** The server's client-query-buffer-limit, at its default. */
  frameTooLarge: spec('ERR holdfast: a command is larger than 1 GB; the connection is closed', 'no'),
  tooManyArguments: spec('ERR holdfast: more than 65536 arguments are not supported for this command', 'no'),
  transactionTooLarge: spec('ERR holdfast: the open transactions hold too much (--max-held-bytes)', 'no'),
  /** Without the right, the server's answer is about a connection that has written nothing, not about the session. */
  waitNeedsRight: spec('NOPERM holdfast: WAIT and WAITAOF need the right +spublish &holdfast:wait on every node', 'no'),
  /** The same where there is no SPUBLISH: before Redis 7, or with rename-command. */
  waitNeedsSpublish: spec('ERR holdfast: WAIT and WAITAOF need SPUBLISH, which this server does not know', 'no'),
  tooManySessions: spec('ERR max number of clients reached', 'no'),
} as const satisfies Record<string, ErrorSpec>

/** The answer to a denied command. `name` comes from the client, so it is cut and cleaned. */
export function deniedReply(name: string): Buffer {
  if (name.toLowerCase() === 'script|debug') return errors.scriptDebug.reply
  return Buffer.from(
    `-NOPERM holdfast: '${shown(name)}' would break a deployment under Sentinel and is refused (--deny-commands)\r\n`,
  )
}

/**
 * `once`, or `--ack replicated`: the master refuses the user whose link would read the marker. `user` comes from the
 * client or the options, so it is cut and cleaned.
 */
export function undecidedReply(user: string): Buffer {
  return Buffer.from(
    `-UNKNOWN holdfast: the master refuses the login of user '${shown(user)}', and so nobody can tell whether the ` +
      'command has run; it may have run (make the user, with the same password, on every node)\r\n',
  )
}

const shown = (name: string): string => name.slice(0, 64).replace(/[^\x21-\x7e]/g, '?')

/** The session ends after it. */
export function frameTimeoutReply(limitMs: number): Buffer {
  return Buffer.from(`-ERR holdfast: a command was begun and not finished within ${limitMs} ms (--frame-timeout)\r\n`)
}

const subscriberRule = 'only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context'

/** The server's own text for a subscriber of RESP2, without `-` (processCommand in server.c). */
export function refusedToSubscriber(name: string): string {
  return `ERR Can't execute '${name.slice(0, 64)}': ${subscriberRule}`
}

/** Whether an error line is of that kind; servers of other versions name more commands. */
export function isRefusedToSubscriber(line: Buffer): boolean {
  return line.includes('allowed in this context')
}

/** The server's own line for a stream that cannot be parsed; the connection closes after it. */
export function protocolError(text: string): Buffer {
  return Buffer.from(`-ERR Protocol error: ${text}\r\n`, 'latin1')
}
