// before-blocking.ts: what Holdfast sends just before a blocking command, on the session's own link and in the same
// write. It makes the answer true, or lets the command go out again on another node without missing anything.
import { streamsIndex } from '../../command/blocking-arguments.ts'
import { offsetMessage } from '../../relay/offset-message.ts'
import { decodeReply, textOf } from '../../resp/decode.ts'
import { encodeCommand } from '../../resp/encode.ts'
import type { Preflight } from './send-blocking.ts'

/** Before WAIT: it stands behind all earlier writes of the session then, whatever link they used. */
export const offsetMarker: Preflight = { bytes: offsetMessage, replies: 1 }

/**
 * Before XREAD BLOCK with `$`: asks the last id of each such stream. Sent again, `$` would mean the new master's last
 * entry, and the client would miss what was added in between. Answers null when there is no `$`.
 */
export function lastIdsPreflight(args: readonly Buffer[]): Preflight | null {
  const streams = streamsIndex(args)
  const count = (args.length - streams - 1) / 2
  if (streams < 0 || !Number.isInteger(count)) return null
  const places: { key: Buffer; id: number }[] = []
  for (let i = 0; i < count; i++) {
    const key = args[streams + 1 + i]
    const id = streams + 1 + count + i
    if (key !== undefined && args[id]?.toString('latin1') === '$') places.push({ key, id })
  }
  if (places.length === 0) return null
  const found: (string | undefined)[] = []
  return {
    bytes: Buffer.concat(places.map(place => encodeCommand(['XINFO', 'STREAM', place.key]))),
    replies: places.length,
    onReply(n, frame) {
      found[n] = lastIdOf(frame)
    },
    resolve(again) {
      if (found.length < places.length) return false
      places.forEach((place, n) => {
        const id = found[n]
        if (id !== undefined) again[place.id] = Buffer.from(id)
      })
      return true
    },
  }
}

/** XINFO STREAM's last-generated-id; 0-0 for a stream that does not exist yet; undefined when the user may not ask. */
function lastIdOf(frame: Buffer): string | undefined {
  const fields = decodeReply(frame)
  if (!Array.isArray(fields)) return frame.includes('no such key') ? '0-0' : undefined
  const at = fields.findIndex(field => textOf(field) === 'last-generated-id')
  return at < 0 ? undefined : textOf(fields[at + 1])
}
