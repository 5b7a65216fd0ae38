// sentinel-pace.ts: lets the Sentinels of a test work faster while nobody judges them: SENTINEL DEBUG sets their
// periods.
//
// An old master that comes back is demoted once it has said "master" for four publish periods (8 s), to Sentinels that
// ask it every info period (10 s). That is what a test about failovers meets, and what it only waits for between two
// scenes. Servers before Redis 7.0 have no such command and keep their pace.
import { ask } from './resp-client.ts'
import type { Node } from './servers.ts'

/** Milliseconds by the names of SENTINEL DEBUG; those of sentinel.c. */
const usual = { 'INFO-PERIOD': 10_000, 'PUBLISH-PERIOD': 2000 }
const fast = { 'INFO-PERIOD': 1000, 'PUBLISH-PERIOD': 500 }

/** Answers once each living Sentinel works fast; what it answers gives them their usual pace again. */
export async function hurry(sentinels: readonly Node[]): Promise<() => Promise<void>> {
  await tell(sentinels, fast)
  return () => tell(sentinels, usual)
}

/** After a standstill of this machine a Sentinel does nothing for 30 s: in tests this long. */
export async function shortenTilt(sentinels: readonly Node[]): Promise<void> {
  await tell(sentinels, { 'TILT-PERIOD': 5000 })
}

async function tell(sentinels: readonly Node[], periods: Readonly<Record<string, number>>): Promise<void> {
  const words = Object.entries(periods).flatMap(([name, ms]) => [name, String(ms)])
  // One that has just ended needs no pace; one that is silent is waited for by who asked.
  const told = sentinels.map(node =>
    ask(node, ['SENTINEL', 'DEBUG', ...words], { timeoutMs: 1000, password: node.password }).catch(() => {}),
  )
  await Promise.all(told)
}
