// bystander.ts: a session that asks all the time while others misbehave: are its replies right, and how long does it
// wait?
import { RespClient } from './resp-client.ts'

export interface Bystander {
  /** Pairs of commands answered so far. */
  asked(): number
  /** Ends it. `wrong` counts replies that were not its own; `longestMs` is the longest it waited for two replies. */
  stop(): Promise<{ readonly wrong: number; readonly asked: number; readonly longestMs: number }>
}

/** Asks one pair of commands after the other through `port` until stopped. */
export async function startBystander(port: number): Promise<Bystander> {
  const client = await RespClient.connect(port)
  let running = true
  let wrong = 0
  let asked = 0
  let longestMs = 0
  const loop = (async () => {
    for (let n = 0; running; n++) {
      const from = performance.now()
      const [echo, count] = await client.pipeline([
        ['ECHO', `bystander-${n}`],
        ['INCR', 'bystander'],
      ])
      longestMs = Math.max(longestMs, performance.now() - from)
      asked++
      if (echo !== `bystander-${n}` || count !== n + 1) wrong++
      await new Promise(resolve => setImmediate(resolve))
    }
  })()
  return {
    asked: () => asked,
    stop: async () => {
      running = false
      await loop
      await client.close()
      return { wrong, asked, longestMs }
    },
  }
}
