// acts.ts: the three ways in which the demo takes the master away, each from a running load to a judged result.
//
//   begin a ledger ▶ strike ▶ new master ▶ all clients served ▶ mend ▶ old master is a replica ▶ read back ▶ all replicas follow
//
// The ledger is judged only after the old master has been demoted, with the load going on till then: a write that went
// to the wrong node is gone by that moment and not before. Every wait is bounded. Never: prints, judges (verdict.ts).
import { type Ledger, nowMs, type Report } from '../../test/support/ledger.ts'
import type { Node, SentinelSet } from '../../test/support/sentinel-set.ts'
import { nodeHealth, streamHealth } from '../../test/support/set-health.ts'
import { waitUntil } from '../../test/support/wait-until.ts'
import { readBack } from '../../test/support/workload.ts'
import type { Load } from './load.ts'
import type { World } from './world.ts'

export type ActKind = 'kill' | 'planned' | 'stop'

export interface ActResult {
  readonly kind: ActKind
  readonly report: Report
  readonly clients: number
  readonly connected: number
  /** Clients that had an answer from the new master. */
  readonly served: number
}

interface Act {
  readonly title: string
  readonly told: string
  strike(set: SentinelSet, old: Node): Promise<void>
  /** Brings the old node back once there is a new master. */
  mend(set: SentinelSet, old: Node): Promise<void>
  readonly mended: string | null
  /** How long the Sentinels may take to make a replica of the old master. */
  readonly demotionMs: number
}

export const acts: Readonly<Record<ActKind, Act>> = {
  kill: {
    title: 'kill -9 of the master',
    told: 'kill -9',
    strike: (set, old) => set.kill(old),
    mend: (set, old) => set.restart(old),
    mended: 'the killed node is started again',
    demotionMs: 45_000,
  },
  planned: {
    title: 'planned failover (SENTINEL FAILOVER)',
    told: 'planned failover of',
    strike: set => set.failover(),
    mend: async () => {},
    mended: null,
    demotionMs: 25_000,
  },
  stop: {
    title: 'the master is stopped (SIGSTOP)',
    told: 'SIGSTOP:',
    strike: (set, old) => set.stop(old),
    mend: (set, old) => set.resume(old),
    mended: 'the stopped node runs again (SIGCONT)',
    demotionMs: 45_000,
  },
}

const newMasterMs = 40_000
const servedMs = 20_000
const answersMs = 10_000
const followMs = 20_000

/** @throws Error where the servers themselves do not do their part in time. What clients see is in the result. */
export async function perform(world: World, kind: ActKind): Promise<ActResult> {
  const { set, load, story, signal } = world
  const act = acts[kind]
  const old = await set.currentMaster()
  const ledger = load.begin()
  await steady(load, { seconds: 1 })
  story.restart()
  story.say(`${act.told} ${place(old)}`)
  await act.strike(set, old)
  const { node: master } = await set.waitForNewMaster(old, { withinMs: newMasterMs })
  const served = await serveAll(world)
  story.say(`${served} of ${load.clients} clients are answered by the new master`)
  signal.throwIfAborted()
  await act.mend(set, old)
  if (act.mended !== null) story.say(act.mended)
  await demoted(old, master, act)
  story.say(`${place(old)} is a replica of ${place(master)} now`)
  load.begin()
  await allAnswered(ledger)
  const connected = load.connected()
  const report = ledger.report(await readBack(ledger, await set.currentMaster()))
  await replicated(set)
  return { kind, report, clients: load.clients, connected, served }
}

/** Answers when all clients have been served for this long, from now; within 20 s. */
export async function steady(load: Load, { seconds }: { readonly seconds: number }): Promise<void> {
  const moment = nowMs() + seconds * 1000
  const served = () => load.servedSince(moment) === load.clients
  await waitUntil('all clients are served', served, { withinMs: 20_000 + seconds * 1000, everyMs: 50 })
}

/** How many clients have their answers within the time; that it may be less than all is for the verdict. */
async function serveAll({ load, story }: World): Promise<number> {
  const moment = nowMs()
  // Replies may be read a little before the log line that explains them: the story is told in its order.
  const served = () => load.servedSince(moment) === load.clients && story.view.gate === 'open'
  await waitUntil('all clients are served', served, { withinMs: servedMs }).catch(() => {})
  return load.servedSince(moment)
}

async function demoted(old: Node, master: Node, { demotionMs }: Act): Promise<void> {
  const isReplica = async () => {
    const complaint = await nodeHealth(old, master)
    if (complaint !== '') throw new Error(complaint)
    return true
  }
  const options = { withinMs: demotionMs, everyMs: 100 }
  await waitUntil(`${place(old)} becomes a replica of ${place(master)}`, isReplica, options)
}

/** The next act needs replicas that have everything. */
async function replicated(set: SentinelSet): Promise<void> {
  const follow = async () => {
    const complaint = await streamHealth(await set.currentMaster(), set.nodes.length - 1)
    if (complaint !== '') throw new Error(complaint)
    return true
  }
  await waitUntil('all replicas follow the master', follow, { withinMs: followMs, everyMs: 100 })
}

/** Gives open commands a last chance; what stays open is in the report. */
async function allAnswered(ledger: Ledger): Promise<void> {
  const answered = () => ledger.operations.every(({ outcome }) => outcome.kind !== 'pending')
  await waitUntil('all commands are answered', answered, { withinMs: answersMs, everyMs: 50 }).catch(() => {})
}

function place({ host, port }: Node): string {
  return `${host}:${port}`
}
