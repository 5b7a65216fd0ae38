// reset-socket.ts: ends a TCP connection with a reset, where Node can.
import type { Socket } from 'node:net'

/**
 * While its FIN is on its way Node cannot reset a socket: it answers EINVAL, and forgets the handle without closing it
 * (TCPWrap::Reset). The file descriptor stays, and the process spins at its end. Such a socket is closed.
 */
export function resetSocket(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy()
  else socket.resetAndDestroy()
}
