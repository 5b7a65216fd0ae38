// reply-view.ts: the bytes of replies among what was read, without a view of their own where they are the most common.
//
// Making a view costs as much as finding where the reply ends. Never: copies, looks at what a reply means.

const OK = Buffer.from('+OK\r\n')
const [PLUS, O, K] = OK as unknown as readonly [number, number, number]

/** `chunk` from `start` to `end`: whole replies, not to be written to. Good for as long as the chunk is, at least. */
export function viewReplies(chunk: Buffer, start: number, end: number): Buffer {
  const isOk = end - start === OK.length && chunk[start] === PLUS && chunk[start + 1] === O && chunk[start + 2] === K
  return isOk ? OK : chunk.subarray(start, end)
}
