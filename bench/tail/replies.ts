// replies.ts: counts replies of one known length, without looking at more than the first byte of each.
//
// A parser would make a string or a buffer for each reply, and the generator would measure its own collections.

const errorMark = '-'.charCodeAt(0)

export interface ReplyCounter {
  /** Bytes of the reply that is not complete yet. */
  have: number
}

/**
 * How many replies of `replyBytes` the bytes complete.
 * @throws Error with its text when a reply is an error.
 */
export function countReplies(counter: ReplyCounter, bytes: Uint8Array, length: number, replyBytes: number): number {
  let complete = 0
  for (let at = 0; at < length; ) {
    if (counter.have === 0 && bytes[at] === errorMark) {
      throw new Error(`error reply: ${Buffer.from(bytes.subarray(at, length)).toString('latin1').split('\r')[0]}`)
    }
    const part = Math.min(length - at, replyBytes - counter.have)
    at += part
    counter.have += part
    if (counter.have < replyBytes) break
    counter.have = 0
    complete++
  }
  return complete
}

/** Bytes of the reply to a GET of a value of that size. */
export function bulkBytes(valueBytes: number): number {
  return `$${valueBytes}\r\n`.length + valueBytes + 2
}

export const okBytes = '+OK\r\n'.length
