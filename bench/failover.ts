// failover.ts: how soon clients are served again once a majority of the Sentinels names the new master, and how long
// the commands held meanwhile take to drain.
//
// Each trial has a fresh set of servers and a fresh holdfast: an old master needs some 20 s to become a replica again.
// Zero is the moment the majority answers the new address; no proxy may serve earlier, so what is over is holdfast's.

import { setTimeout as delay } from 'node:timers/promises'
import { SentinelSet } from '../test/support/sentinel-set.ts'
import { waitUntil } from '../test/support/wait-until.ts'
import { prepareBurst } from './load/burst.ts'
import { startPulse } from './load/pulse.ts'
import { endRunning, type Stage } from './stage.ts'
import { percentile } from './statistics.ts'
import { startHoldfast } from './targets.ts'

export type Trigger = 'killed' | 'planned'

export interface FailoverTrial {
  trigger: Trigger
  clients: number
  /** Milliseconds from the majority to the first reply: of the first, the median and the last client. */
  afterMajorityMs: { first: number; median: number; last: number }
  /** The longest wait of any client, from its last reply before to its first after. */
  longestGapMs: number
  errors: number
  lostConnections: number
}

export interface DrainTrial {
  commands: number
  /** Milliseconds from the majority to the first and the last reply. */
  firstMs: number
  lastMs: number
  /** The same commands by the same clients straight to the new master, from sending to the last reply. */
  directMs: number
  errors: number
}

export interface Subject {
  name: string
  checkout: string
  profileFolder: string | undefined
}

const servedWithinMs = 40_000
const pulsesPerSecond = 10_000
const burstClients = 1_000
const noticeMs = 300

interface Scene {
  set: SentinelSet
  port: number
}

/** Fresh servers and a holdfast in front of them for the time of `work`. */
async function withScene<T>(stage: Stage, subject: Subject, work: (scene: Scene) => Promise<T>): Promise<T> {
  const set = await SentinelSet.start({ flavour: 'redis' })
  stage.onClose(() => set.stopAll())
  try {
    const sentinels = set.sentinelAddresses()
    const { port, process: running } = await startHoldfast(stage, { ...subject, sentinels, masterName: set.masterName })
    try {
      return await work({ set, port })
    } finally {
      if (running !== null) await endRunning(running)
    }
  } finally {
    await set.stopAll()
  }
}

export async function runFailoverTrial(
  stage: Stage,
  subject: Subject,
  trigger: Trigger,
  clients: number,
): Promise<FailoverTrial> {
  return withScene(stage, subject, async ({ set, port }) => {
    const pulse = await startPulse(port, clients, pulsesPerSecond)
    try {
      await waitUntil('every client is served', () => pulse.clients.every(one => one.replies >= 3), {
        withinMs: 20_000,
      })
      for (const one of pulse.clients) one.longestGapMs = 0
      const majorityAt = await failOver(set, trigger)
      await waitUntil('every client is served again', () => pulse.clients.every(one => one.lastReplyAt >= majorityAt), {
        withinMs: servedWithinMs,
      })
      const ends = pulse.clients.map(one => one.gapEndedAt - majorityAt).sort((a, b) => a - b)
      return {
        trigger,
        clients,
        afterMajorityMs: {
          first: ends[0] ?? Number.NaN,
          median: percentile(ends, 0.5),
          last: ends.at(-1) ?? Number.NaN,
        },
        longestGapMs: Math.max(...pulse.clients.map(one => one.longestGapMs)),
        errors: pulse.clients.reduce((sum, one) => sum + one.errors, 0),
        lostConnections: pulse.lost.length,
      }
    } finally {
      pulse.stop()
    }
  })
}

/** Resolves with Date.now() of the moment a majority named the new master. */
async function failOver(set: SentinelSet, trigger: Trigger): Promise<number> {
  const old = await set.currentMaster()
  const named = set.waitForNewMaster(old, { withinMs: servedWithinMs })
  if (trigger === 'killed') await set.kill(old)
  else await set.failover()
  return (await named).majorityAt
}

/** The master dies, `commands` commands are sent into the hold, and are answered by the new master. */
export async function runDrainTrial(stage: Stage, subject: Subject, commands: number): Promise<DrainTrial> {
  return withScene(stage, subject, async ({ set, port }) => {
    const burst = await prepareBurst(port, burstClients, commands / burstClients)
    try {
      const old = await set.currentMaster()
      const named = set.waitForNewMaster(old, { withinMs: servedWithinMs })
      await set.kill(old)
      // The commands are to find the gate shut; down-after is 2 s, so there is no hurry.
      await delay(noticeMs)
      burst.send()
      const { node, majorityAt } = await named
      await burst.answered
      const [firstMs, lastMs] = [burst.firstReplyAt() - majorityAt, burst.lastReplyAt() - majorityAt]
      return { commands, firstMs, lastMs, directMs: await directly(node.port, commands), errors: burst.errors() }
    } finally {
      burst.stop()
    }
  })
}

async function directly(port: number, commands: number): Promise<number> {
  const burst = await prepareBurst(port, burstClients, commands / burstClients)
  try {
    const sentAt = Date.now()
    burst.send()
    await burst.answered
    return burst.lastReplyAt() - sentAt
  } finally {
    burst.stop()
  }
}
