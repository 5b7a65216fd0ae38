// observer.ts: watches the sessions of a proxy through the pause of a switchover, which does not know of it.
//
//   switchover ─▶ pause ─▶ [sessions before] ─▶ proxy.pause ─▶ looks ─▶ resume ─▶ looks for those who come back
//
// Owns: the looks, from the pause until `accounts`. Never: holds anything, fails the switchover: a look that comes to
// nothing is left out.
import { setTimeout as delay } from 'node:timers/promises'
import type { SessionSnapshot } from '../ops/snapshot.ts'
import type { ProxyControl } from '../switchover/proxy-hold.ts'
import { type Account, accountsOf, type Look } from './observe.ts'

/** Between looks. A proxy with many sessions is asked less often: looks take a fifth of the time at most. */
const LOOK_MS = 50
const REST = 4
/** A client waits for the last look before the resume: only where looks are fast. */
const QUICK_MS = 20
/** Clients that have lost a connection come back within a second or two. */
const AFTER_MS = 2_000

export interface Observed {
  /** The proxy, for the switchover. */
  readonly proxy: ProxyControl
  /** What each session did that was there when the pause began; empty where there was none. Ends the looks. */
  accounts(): Promise<readonly Account[]>
}

/** `sessions`: the open sessions of the proxy now. */
export function observe(proxy: ProxyControl, sessions: () => Promise<readonly SessionSnapshot[]>): Observed {
  const looks: Look[] = []
  let before: readonly SessionSnapshot[] = []
  let startedAt: number | null = null
  let endedAt: number | null = null
  let tookMs = 0
  let isStopped = false
  let looking: Promise<void> = Promise.resolve()

  const look = async (): Promise<void> => {
    const from = performance.now()
    const inHold = endedAt === null
    const found = await sessions().catch(() => null)
    tookMs = performance.now() - from
    // One that spans the end of the hold is of neither.
    if (found === null || startedAt === null || inHold !== (endedAt === null)) return
    looks.push({ atMs: Math.round(from - startedAt), inHold, sessions: found })
  }
  const lookOn = async (): Promise<void> => {
    while (!isStopped && (endedAt === null || performance.now() - endedAt < AFTER_MS)) {
      await look()
      await delay(Math.max(LOOK_MS, REST * tookMs))
    }
  }

  return {
    proxy: {
      ...proxy,
      async pause(terms) {
        before = await sessions().catch(() => [])
        const from = performance.now()
        // What is unanswered before nothing is in flight any more is no sign of waiting.
        const pause = await proxy.pause(terms)
        startedAt = from
        const end = (): void => {
          endedAt ??= performance.now()
        }
        void pause.ended.then(end)
        looking = lookOn()
        return {
          ...pause,
          async resume() {
            if (tookMs < QUICK_MS) await look()
            end()
            await pause.resume()
          },
        }
      },
    },
    async accounts() {
      await looking
      isStopped = true
      if (startedAt === null) return []
      await look()
      return accountsOf(before, looks)
    },
  }
}
