// trials.ts: several programs beside one another at one set, through each fault in turn.
import type { Teardown } from '../support/fake-redis.ts'
import { SentinelSet } from '../support/sentinel-set.ts'
import { makeFolder, removeFolder } from '../support/servers.ts'
import type { Trial } from './client.ts'
import type { Fault, Figures } from './judge.ts'
import { type Handoffs, Running } from './running.ts'

export interface Outcome {
  readonly trial: Trial
  readonly handoffs: Handoffs
  readonly figures: readonly Figures[]
  /** It did not begin to work: why. */
  readonly problem?: string
}

/** The Sentinels' own time until they call a silent master down, as in the issue's bar. */
const downAfterMs = 2000

export async function runTrials(trials: readonly Trial[], wanted: readonly Fault[]): Promise<Outcome[]> {
  const ends: (() => unknown)[] = []
  const t: Teardown = { teardown: end => void ends.unshift(end) }
  try {
    const folder = await makeFolder()
    t.teardown(() => removeFolder(folder))
    const set = await SentinelSet.start({ downAfterMs, failoverTimeoutMs: 10_000 })
    t.teardown(() => set.stopAll())
    const started = await Promise.all(trials.map((trial, n) => Running.start(t, trial, set, folder, `client-${n}`)))
    const problems = await Promise.all(
      started.map(one =>
        one.atWork().then(
          () => undefined,
          (error: Error) => error.message,
        ),
      ),
    )
    const working = started.filter((_, n) => problems[n] === undefined)
    if (working.length > 0) for (const fault of wanted) await through(set, working, fault)
    const master = await set.currentMaster()
    return await Promise.all(
      started.map(async (one, n): Promise<Outcome> => {
        const problem = problems[n]
        if (problem !== undefined) return { trial: one.trial, handoffs: 'no', figures: [], problem }
        const figures = await one.finish(set, master)
        return { trial: one.trial, handoffs: one.handoffs, figures }
      }),
    )
  } finally {
    for (const end of ends) await end()
  }
}

/** One fault, and then the set is whole again. */
async function through(set: SentinelSet, working: readonly Running[], fault: Fault): Promise<void> {
  const old = await set.currentMaster()
  const ends = working.map(one => one.begin(fault))
  if (fault === 'killed') await set.kill(old)
  else if (fault === 'frozen') await set.stop(old)
  else await set.failover()
  await set.waitForNewMaster(old, { withinMs: 60_000 })
  let whole: Promise<void> | null = null
  const settled = (): Promise<void> => {
    whole ??= Promise.all(stillGoing).then(async () => {
      if (fault === 'killed') await set.restart(old)
      if (fault === 'frozen') await set.resume(old)
      await set.settle({ withinMs: 90_000 })
    })
    return whole
  }
  const waits: (() => void)[] = []
  const stillGoing = working.map(() => new Promise<void>(resolve => waits.push(resolve)))
  await Promise.all(
    ends.map((end, n) =>
      end(() => {
        waits[n]?.()
        return settled()
      }),
    ),
  )
}
