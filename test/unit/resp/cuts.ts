// cuts.ts: the ways a stream may arrive: whole, byte by byte, in two parts at every place, at given places.
import fc from 'fast-check'

/** Every way of cutting a short stream that a scanner must not care about. */
export function* everyWay(bytes: Buffer): Generator<{ how: string; chunks: Buffer[] }> {
  yield { how: 'whole', chunks: [bytes] }
  yield { how: 'byte by byte', chunks: Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)) }
  for (let at = 1; at < bytes.length; at++)
    yield { how: `cut at ${at}`, chunks: [bytes.subarray(0, at), bytes.subarray(at)] }
}

/** Cut at fractions of the length, in any order; empty chunks are left out. */
export function cutAt(bytes: Buffer, fractions: readonly number[]): Buffer[] {
  const places = fractions.map(fraction => Math.floor(fraction * bytes.length)).sort((a, b) => a - b)
  const chunks: Buffer[] = []
  let from = 0
  for (const at of [...places, bytes.length]) {
    if (at > from) chunks.push(bytes.subarray(from, at))
    from = Math.max(from, at)
  }
  return chunks
}

/** Up to ten places to cut at. */
export const fractions = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 10 })

/** What a person can read of a stream in a test's name. */
export const shown = (bytes: Buffer): string => JSON.stringify(bytes.toString('latin1')).slice(1, -1).slice(0, 70)
