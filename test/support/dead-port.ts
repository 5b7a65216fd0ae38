// dead-port.ts: takes the port of a server that has ended, counts who dials it, and serves nobody.
//
// Owns: its listener and the sockets it accepted, until the test ends. Never: answers a byte.
import { createServer, type Socket } from 'node:net'
import type { Teardown } from './fake-redis.ts'

export interface DeadPort {
  /** performance.now() of each connection, as they came. */
  readonly dials: readonly number[]
  /** The most dials in any second that began at `from` (performance.now()) or later. */
  peakPerSecond(from: number): number
}

/** 'closes': accepts and ends the connection at once; 'silent': accepts and says nothing. */
export async function startDeadPort(t: Teardown, port: number, way: 'closes' | 'silent'): Promise<DeadPort> {
  const dials: number[] = []
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    dials.push(performance.now())
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
    if (way === 'closes') socket.destroy()
    else socket.resume()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host: '127.0.0.1' }, resolve)
  })
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  })
  return { dials, peakPerSecond: from => peakPerSecond(dials.filter(at => at >= from)) }
}

function peakPerSecond(times: readonly number[]): number {
  let peak = 0
  for (let first = 0, last = 0; last < times.length; last++) {
    while ((times[last] ?? 0) - (times[first] ?? 0) >= 1000) first++
    peak = Math.max(peak, last - first + 1)
  }
  return peak
}
