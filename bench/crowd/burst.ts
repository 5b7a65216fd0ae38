// burst.ts: what the moment of a failover itself costs: CPU of the crowd and of the servers, read often enough that a
// window of some hundred milliseconds can be cut out afterwards.
//
// CPU travels between machines, and between a busy and a quiet one, where milliseconds until a reply do not.
// Owns: the timer. It costs the parent some 0.2 ms a reading.
import { processCpu } from '../measure.ts'

const EVERY_MS = 20
/** Of the burst before the majority: the leader has published +promoted-slave by then. */
export const BURST_BEFORE_MS = 70

export interface BurstWatch {
  /** CPU seconds of all processes from `from` to `to`, each a Date.now(); between two readings in proportion. */
  secondsBetween(from: number, to: number): number
  stop(): void
}

export function watchBurst(pids: readonly number[]): BurstWatch {
  const readings: { readonly at: number; readonly seconds: number }[] = []
  const known = new Map<number, number>()
  const read = (): void => {
    // A process that has ended has what it had.
    for (const pid of pids) known.set(pid, secondsOf(pid) ?? known.get(pid) ?? 0)
    readings.push({ at: Date.now(), seconds: known.values().reduce((sum, one) => sum + one, 0) })
  }
  read()
  const timer = setInterval(read, EVERY_MS)
  const at = (moment: number): number => {
    const after = readings.findIndex(one => one.at >= moment)
    const [to, from] = [readings.at(after), readings.at(Math.max(0, after - 1))]
    if (to === undefined || from === undefined) return Number.NaN
    const part = to.at === from.at ? 1 : (moment - from.at) / (to.at - from.at)
    return from.seconds + (to.seconds - from.seconds) * Math.min(1, Math.max(0, part))
  }
  return { secondsBetween: (from, to) => at(to) - at(from), stop: () => clearInterval(timer) }
}

function secondsOf(pid: number): number | undefined {
  try {
    return processCpu(pid).seconds
  } catch {
    return undefined
  }
}
