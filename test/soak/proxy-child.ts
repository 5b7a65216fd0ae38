// proxy-child.ts: the proxy as a process of its own that also tells its parent what it counts and how much memory it
// has.
//
// The same composition root and the same options as src/main.ts; in addition it answers over the IPC channel:
//   'look'     counters and memory now          'collect'  the same after a forced collection (needs --expose-gc)
// Its standard output is the log. Never: decides anything.
import { readConfig } from '../../src/config.ts'
import type { Counters } from '../../src/ops/counters.ts'
import { createLog } from '../../src/ops/log.ts'
import { createProxy } from '../../src/proxy.ts'
import { imbalance } from '../support/imbalance.ts'

export interface Look {
  readonly counters: Counters
  /** What does not add up; null when all does. */
  readonly imbalance: string | null
  /** Bytes. */
  readonly heapUsed: number
  readonly rss: number
  /** Of buffers outside the heap. */
  readonly external: number
  /** Microseconds of processor time since the start. */
  readonly cpuMicros: number
}

export type FromChild =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'looked'; readonly look: Look }
  | { readonly kind: 'stopped'; readonly look: Look }

async function main(): Promise<void> {
  const read = readConfig(process.argv.slice(2), {})
  if (read.kind !== 'config') throw new Error(JSON.stringify(read))
  const proxy = createProxy(read.masters, createLog(read.config.logLevel))
  const look = (): Look => {
    const { heapUsed, rss, external } = process.memoryUsage()
    const { user, system } = process.cpuUsage()
    const counters = { ...proxy.counters[0] }
    return { counters, imbalance: imbalance(counters) ?? null, heapUsed, rss, external, cpuMicros: user + system }
  }
  process.on('message', message => {
    if (message === 'collect') globalThis.gc?.()
    tell({ kind: 'looked', look: look() })
  })
  // The parent may be gone without a word; a proxy that nobody asked to stay would stay.
  process.once('disconnect', () => process.exit(1))
  process.once('SIGTERM', () => {
    void proxy.stop().then(() => {
      process.removeAllListeners('disconnect')
      process.send?.({ kind: 'stopped', look: look() } satisfies FromChild, () => process.exit(0))
    })
  })
  const { masters } = await proxy.start()
  tell({ kind: 'listening', port: masters[0].listen?.port ?? 0 })
}

function tell(message: FromChild): void {
  process.send?.(message)
}

await main()
