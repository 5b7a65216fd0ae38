// raw-admin.ts: talks to the admin port byte by byte, as clients do that no HTTP library would be.
import { connect, type Socket } from 'node:net'
import { waitUntil } from './wait-until.ts'

export interface RawAdmin {
  readonly socket: Socket
  readonly received: () => string
  readonly closed: Promise<void>
}

/** One connection that says what it likes; `admin` is the port's URL. */
export function openRawAdmin(admin: string, bytes: string): RawAdmin {
  const socket = connect(Number(new URL(admin).port), '127.0.0.1', () => socket.write(bytes))
  let text = ''
  socket.setEncoding('latin1').on('data', (part: string) => {
    text += part
  })
  socket.on('error', () => {})
  return { socket, received: () => text, closed: new Promise(resolve => socket.once('close', () => resolve())) }
}

/** The first line of the answer to `bytes`. */
export async function statusLine(admin: string, bytes: string): Promise<string> {
  const raw = openRawAdmin(admin, bytes)
  await waitUntil('an answer', () => raw.received().includes('\r\n'), { withinMs: 8000 })
  raw.socket.destroy()
  return raw.received().split('\r\n', 1)[0] ?? ''
}
