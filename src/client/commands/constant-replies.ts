// constant-replies.ts: the replies that Holdfast gives in a server's place.

export const okReply = Buffer.from('+OK\r\n')
export const queuedReply = Buffer.from('+QUEUED\r\n')
export const resetReply = Buffer.from('+RESET\r\n')

export const integerReply = (value: string | number): Buffer => Buffer.from(`:${value}\r\n`)

const forgetAllPush = Buffer.from('>2\r\n$10\r\ninvalidate\r\n_\r\n')
const forgetAllMessage = Buffer.from('*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n*-1\r\n')

/**
 * Everything that the client has cached may be out of date, as the server says it when it has lost track: a RESP3 push,
 * or a message to a RESP2 subscriber.
 */
export const forgetAll = (protocol: 2 | 3): Buffer => (protocol === 3 ? forgetAllPush : forgetAllMessage)

const nullReply = Buffer.from('_\r\n')
const nilArrayReply = Buffer.from('*-1\r\n')
const nilBulkReply = Buffer.from('$-1\r\n')

/** An error line; `text` without its '-'. */
export const errorReply = (text: string): Buffer => Buffer.from(`-${text}\r\n`, 'latin1')

/** The null array of `protocol`: what EXEC answers when a watched key has changed. */
export const nilArray = (protocol: 2 | 3): Buffer => (protocol === 3 ? nullReply : nilArrayReply)

/** The null of `protocol` in place of a bulk string. */
export const nilBulk = (protocol: 2 | 3): Buffer => (protocol === 3 ? nullReply : nilBulkReply)
