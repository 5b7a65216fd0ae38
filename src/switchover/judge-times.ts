// judge-times.ts: judges --timeout: may a command wait as long, and is it long enough for a failover? Pure.
import { type Finding, problem } from '../check/finding.ts'
import type { CheckSettings } from '../check/settings.ts'
import type { Standing } from './proxy-hold.ts'
import type { SwitchoverSettings } from './settings.ts'

/** Election, promotion, INFO and hello, as measured with a busy host; the pause and the catch-up go before. */
const FAILOVER_MS = 2_500

/**
 * Clients wait at the proxy that runs, so its hold time counts. `check`: by the options given here, which may be others;
 * it counts where no proxy says its own. `standing` null: no proxy answers.
 */
export function* judgeTimes(
  standing: Pick<Standing, 'holdLimitMs'> | null,
  check: Pick<CheckSettings, 'holdLimitMs'>,
  { timeoutMs }: Pick<SwitchoverSettings, 'timeoutMs'>,
): Iterable<Finding> {
  const said = standing?.holdLimitMs ?? null
  const limitMs = said ?? check.holdLimitMs
  // A second stays for what waited to be sent.
  if (limitMs < timeoutMs + 1_000) {
    const by = said === null ? 'by the options given here ' : ''
    const what = `${by}a command waits ${limitMs} ms at most, and the switchover may take ${timeoutMs} ms`
    const remedy = 'raise --hold-timeout (and --max-retries) of the proxy, or lower --timeout to a second less'
    yield problem('hold.shorter_than_timeout', '--hold-timeout', what, remedy)
  } else if (standing !== null && said === null) {
    const text = `the proxy does not say how long a command may wait; ${limitMs} ms by the options given here`
    yield { level: 'note', id: 'note', subject: '--hold-timeout', text, remedy: null }
  }
  if (timeoutMs < FAILOVER_MS) {
    const text = `${timeoutMs} ms is shorter than a failover, which takes up to ${FAILOVER_MS} ms`
    yield problem('timeout.too_short', '--timeout', text, `raise it above ${FAILOVER_MS} ms`)
  }
}
