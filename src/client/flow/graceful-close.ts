// graceful-close.ts: how a connection is ended so that its last reply arrives.
import type { Socket } from 'node:net'

/** How long a client may take to close its side after ours. */
const LINGER_MS = 1000
/** How long a client whose session is over may take nothing of its last replies. A server waits for ever. */
export const LAST_STALL_MS = 60_000

/**
 * Ends our side, then reads what the client still sends for a moment and throws it away: closing with it in the
 * kernel's would be a reset, and the reset would take the last reply with it. While the last reply is not out yet
 * nothing is read, so that only its progress counts as progress. `stallMs`: without any the connection is closed.
 */
export function closeGracefully(socket: Socket, stallMs = LINGER_MS): void {
  socket.pause()
  socket.setTimeout(stallMs, () => socket.destroy())
  socket.end(() => {
    socket.resume()
    const timer = setTimeout(() => socket.destroy(), LINGER_MS)
    socket.once('close', () => clearTimeout(timer))
  })
}
