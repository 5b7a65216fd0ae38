// proxy-hold.ts: what a switchover needs of the running proxy. The control socket gives it (held by a lease, so that the
// end of this process ends it).

/** What the proxy serves. */
export interface Served {
  /** The master, `host:port`; null: none yet. */
  readonly master: string | null
  /** The Sentinels' word lets commands be sent; a pause is another matter. */
  readonly isConfirmed: boolean
  readonly waiting: number
}

export interface ProxyPause {
  /** From the begin until nothing was in flight, ms. */
  readonly emptiedMs: number
  /** Resolves with the cause when it ends, by itself or because somebody resumed. */
  readonly ended: Promise<string>
  /** @throws Error */
  resume(): Promise<void>
}

/** How long commands waited, ms. */
export interface Waits {
  readonly commands: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly failed: number
  readonly unknown: number
}

/** What the proxy says of itself before a pause. */
export interface Standing {
  /** It holds nothing, whatever happens. */
  readonly isDryRun: boolean
  /** Somebody pauses it already; `by`: `ctl`, `switchover`, `drill`. Times are ms. */
  readonly pause: { readonly by: string; readonly forMs: number; readonly endsInMs: number } | null
  /** The longest a command may wait there, ms; null: it does not say. */
  readonly holdLimitMs: number | null
}

export interface ProxyControl {
  /** Its own name at the servers. */
  readonly instance: string
  /** @throws Error */
  standing(): Promise<Standing>
  /** The ids that its links to the master have there now. @throws Error */
  links(): Promise<ReadonlySet<string>>
  /** Resolves when nothing is in flight. `stop` before that ends it. @throws Error; then nothing is paused. */
  pause(terms: { readonly maxMs: number; readonly emptyMs: number; readonly stop: AbortSignal }): Promise<ProxyPause>
  served(): Promise<Served>
  /** Since the last pause began; null where the proxy does not say. */
  waits(): Promise<Waits | null>
  close(): void
}

/** From the first Sentinel that names another master to the majority. */
const BEHIND_MS = 5_000
const LOOK_MS = 10

/** Whom the proxy serves; one Sentinel may be ahead of its majority, so it has a moment to leave `gone`. */
export async function servedBy(proxy: ProxyControl, gone: string | null): Promise<string | null> {
  const until = performance.now() + BEHIND_MS
  for (;;) {
    const served = await proxy.served().catch(() => null)
    const master = served?.master ?? null
    if (master === null || master !== gone || performance.now() > until) return master
    await new Promise(resolve => setTimeout(resolve, LOOK_MS))
  }
}
