// replies.ts: the replies that Holdfast gives in a server's place.

export const okReply = Buffer.from('+OK\r\n')
export const queuedReply = Buffer.from('+QUEUED\r\n')
export const resetReply = Buffer.from('+RESET\r\n')

export const integerReply = (value: string | number): Buffer => Buffer.from(`:${value}\r\n`)

const nullReply = Buffer.from('_\r\n')
const nilArrayReply = Buffer.from('*-1\r\n')
const nilBulkReply = Buffer.from('$-1\r\n')

/** An error line; `text` without its '-'. */
export const errorReply = (text: string): Buffer => Buffer.from(`-${text}\r\n`, 'latin1')

/** The null array of `protocol`: what EXEC answers when a watched key has changed. */
export const nilArray = (protocol: 2 | 3): Buffer => (protocol === 3 ? nullReply : nilArrayReply)

/** The null of `protocol` in place of a bulk string. */
export const nilBulk = (protocol: 2 | 3): Buffer => (protocol === 3 ? nullReply : nilBulkReply)
