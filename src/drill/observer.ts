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

/**
 * Between looks. A proxy with many sessions is asked less often: looks take a fifth of the time at most. What a look
 * costs is what the fastest took: a single slow one would hide the rest of the hold.
 */
const LOOK_MS = 50
const REST = 4
/** A client waits for the last look before the resume: only where looks are fast, and for so long. */
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
  let costMs = Number.POSITIVE_INFINITY
  let isStopped = false
  let looking: Promise<void> = Promise.resolve()

  const ask = async (): Promise<readonly SessionSnapshot[] | null> => {
    const from = performance.now()
    const found = await sessions().catch(() => null)
    if (found !== null) costMs = Math.min(costMs, performance.now() - from)
    return found
  }
  const look = async (): Promise<void> => {
    const from = performance.now()
    const inHold = endedAt === null
    const found = await ask()
    // One that spans the end of the hold is of neither.
    if (found === null || startedAt === null || inHold !== (endedAt === null)) return
    looks.push({ atMs: Math.round(from - startedAt), inHold, sessions: found })
  }
  const lookOn = async (): Promise<void> => {
    while (!isStopped && (endedAt === null || performance.now() - endedAt < AFTER_MS)) {
      await look()
      await delay(Number.isFinite(costMs) ? Math.max(LOOK_MS, REST * costMs) : LOOK_MS)
    }
  }

  return {
    proxy: {
      ...proxy,
      async pause(terms) {
        before = (await ask()) ?? []
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
            if (costMs < QUICK_MS) await Promise.race([look(), delay(QUICK_MS)])
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
