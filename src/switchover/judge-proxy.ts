// judge-proxy.ts: judges whether the running proxy can be paused now. Pure.
import { type Finding, problem } from '../check/finding.ts'
import { pausedRemedy } from '../control/protocol.ts'
import type { Standing } from './proxy-hold.ts'

export function* judgeProxy({ isDryRun, pause }: Standing): Iterable<Finding> {
  if (isDryRun) {
    const what = 'runs with --dry-run, and holds no commands'
    yield problem('proxy.dry_run', 'proxy', what, 'start it without --dry-run')
  }
  if (pause === null) return
  const { by, forMs, endsInMs } = pause
  const what = `is paused already, by ${by} for ${seconds(forMs)}; the pause ends in ${seconds(endsInMs)} at the latest`
  yield problem('proxy.paused', 'proxy', what, pausedRemedy(by))
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
