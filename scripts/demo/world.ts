// world.ts: all that the demo runs: servers, Holdfast, clients. Starts them in this order and ends them in the reverse
// one.
// Never: makes anything fail (acts.ts), judges (verdict.ts), draws.
import { SentinelSet } from '../../test/support/sentinel-set.ts'
import { type Holdfast, startHoldfast } from './holdfast.ts'
import { type Load, startLoad } from './load.ts'
import type { Story } from './story.ts'

export interface World {
  readonly set: SentinelSet
  readonly holdfast: Holdfast
  readonly load: Load
  readonly story: Story
  /** Aborted when the demo is to end. */
  readonly signal: AbortSignal
  /** Never answers; fails when Holdfast ends by itself. */
  readonly broken: Promise<never>
  stop(): Promise<void>
}

export interface WorldOptions {
  readonly story: Story
  readonly signal: AbortSignal
  readonly logFile: string | null
}

const clients = 20
const roundsPerSecond = 20

/** Answers when the clients are about to connect; on a failure what was started so far has ended again. */
export async function startWorld({ story, signal, logFile }: WorldOptions): Promise<World> {
  const ends: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    for (let end = ends.pop(); end !== undefined; end = ends.pop()) await end()
  }
  try {
    const set = await SentinelSet.start()
    ends.push(() => set.stopAll())
    signal.throwIfAborted()
    const holdfast = await startHoldfast({
      sentinels: set.sentinelAddresses(),
      masterName: set.masterName,
      dir: set.dir,
      logFile,
      onLine: line => story.read(line),
    })
    ends.push(() => holdfast.stop())
    signal.throwIfAborted()
    const load = startLoad({ port: holdfast.port, clients, roundsPerSecond })
    ends.push(() => load.stop())
    return { set, holdfast, load, story, signal, broken: holdfast.broken, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
