// blocking.ts: sessions that wait in BLPOP while others work, and one session that wakes them in turn.
//
// Each wake-up carries the time it was sent, so the time from LPUSH to the blocked session's reply is measured, through
// the target both ways. Used beside a closed loop; it goes on until stopped.

import { type Client, encode, openClient } from './client.ts'
import { type Latency, summarize } from './sample.ts'

export interface Sleepers {
  /** Ends the sessions and gives the wake-up times in milliseconds. Rejects when a session was lost meanwhile. */
  stop(): Promise<Latency>
}

const wakeEveryMs = 5

export async function startSleepers(port: number, count: number): Promise<Sleepers> {
  const wakeUps: number[] = []
  const clients: Client[] = []
  let failure: Error | undefined
  const fail = (why: Error): void => {
    failure ??= why
  }
  for (let n = 0; n < count; n++) {
    const wait = encode(['BLPOP', sleeperKey(n), '0'])
    const holder: { client?: Client } = {}
    const onReply = (reply: unknown, isError: boolean): void => {
      if (isError || !Array.isArray(reply)) {
        fail(new Error(`BLPOP was answered ${String(reply)}`))
        return
      }
      wakeUps.push(performance.now() - Number(reply[1]))
      holder.client?.write(wait)
    }
    const client = await openClient(port, onReply, fail)
    holder.client = client
    client.write(wait)
    clients.push(client)
  }
  const waker = await openClient(port, (reply, isError) => isError && fail(new Error(String(reply))), fail)
  clients.push(waker)
  let next = 0
  const timer = setInterval(() => {
    waker.write(encode(['LPUSH', sleeperKey(next++ % count), String(performance.now())]))
  }, wakeEveryMs)

  async function stop(): Promise<Latency> {
    clearInterval(timer)
    for (const client of clients) client.close()
    if (failure !== undefined) throw failure
    return summarize(Float64Array.from(wakeUps))
  }
  return { stop }
}

function sleeperKey(n: number): string {
  return `bench:sleeper:${n}`
}
