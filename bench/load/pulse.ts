// pulse.ts: clients that each send one small command after the other, unhurried, and know the longest wait for a reply.
//
// The end of a client's longest wait is its first reply after a failover: nothing else on a loopback takes a second.

import { type Client, encode, openClient } from './client.ts'

export interface PulseClient {
  replies: number
  errors: number
  /** Date.now() of the last reply. */
  lastReplyAt: number
  longestGapMs: number
  /** Date.now() of the reply that ended it. */
  gapEndedAt: number
}

export interface Pulse {
  readonly clients: readonly PulseClient[]
  /** What the sockets reported; empty when no connection was lost. */
  readonly lost: readonly string[]
  stop(): void
}

/** Starts `count` clients; at most about `ratePerSecond` commands a second in all. */
export async function startPulse(port: number, count: number, ratePerSecond: number): Promise<Pulse> {
  const pauseMs = Math.max(5, (count / ratePerSecond) * 1_000)
  const sockets: Client[] = []
  const clients: PulseClient[] = []
  const lost: string[] = []
  let stopped = false
  for (let n = 0; n < count; n++) {
    const state = { replies: 0, errors: 0, lastReplyAt: Date.now(), longestGapMs: 0, gapEndedAt: 0 }
    const command = encode(['INCR', `bench:pulse:${n}`])
    const holder: { client?: Client } = {}
    const sendAgain = (): void => {
      if (!stopped) holder.client?.write(command)
    }
    const onReply = (_reply: unknown, isError: boolean): void => {
      noteReply(state, isError)
      setTimeout(sendAgain, pauseMs)
    }
    const client = await openClient(port, onReply, why => lost.push(why.message))
    holder.client = client
    sockets.push(client)
    clients.push(state)
    state.lastReplyAt = Date.now()
    sendAgain()
  }
  const stop = (): void => {
    stopped = true
    for (const client of sockets) client.close()
  }
  return { clients, lost, stop }
}

function noteReply(state: PulseClient, isError: boolean): void {
  const now = Date.now()
  const gap = now - state.lastReplyAt
  state.replies++
  if (isError) state.errors++
  state.lastReplyAt = now
  if (gap <= state.longestGapMs) return
  state.longestGapMs = gap
  state.gapEndedAt = now
}
