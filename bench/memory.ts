// memory.ts: what holdfast keeps in memory for each thing it may have many of: an idle session, a session with a link
// of its own, a held command. Growth of resident memory, divided by their number.
//
// The kernel's memory for sockets is not in it.

import { SentinelSet } from '../test/support/sentinel-set.ts'
import { freePort } from '../test/support/servers.ts'
import { waitUntil } from '../test/support/wait-until.ts'
import { prepareBurst } from './load/burst.ts'
import { closeAll, openSessions, settledBytes } from './sessions.ts'
import { endRunning, type Stage } from './stage.ts'
import { startHoldfast, type Target } from './targets.ts'

export interface Cost {
  readonly what: string
  readonly count: number
  readonly bytesEach: number
}

const warmUp = 200
/** So many that all commands of one client may be under way at once, as at the beginning of any session. */
const holdClients = 5_000
const held = { small: 64, large: 4_096 } as const
const heldCommands = 50_000
const heldWithinMs = 20_000

/** Idle sessions that share a link, and sessions that are subscribed and so have a link each. */
export async function sessionCosts(target: Target, sessions: number): Promise<Cost[]> {
  const pid = pidOf(target)
  const costs: Cost[] = []
  for (const [what, first] of [
    ['idle session', ['PING']],
    ['session with a link of its own (SUBSCRIBE)', ['SUBSCRIBE', 'bench']],
  ] as const) {
    const count = first[0] === 'PING' ? sessions : Math.min(sessions, 2_000)
    closeAll(await openSessions(target.port, warmUp, first))
    const before = await settledBytes(pid)
    const clients = await openSessions(target.port, count, first)
    costs.push({ what, count, bytesEach: ((await settledBytes(pid)) - before) / count })
    closeAll(clients)
  }
  return costs
}

/** Commands that wait for a master: all servers are gone, so that the hold lasts as long as the measurement. */
export async function heldCosts(stage: Stage, checkout: string): Promise<Cost[]> {
  const costs: Cost[] = []
  for (const valueBytes of [held.small, held.large]) {
    const set = await SentinelSet.start({ flavour: 'redis' })
    stage.onClose(() => set.stopAll())
    const subject = { name: 'holdfast', checkout, profileFolder: undefined }
    const adminPort = await freePort()
    const options = { ...subject, sentinels: set.sentinelAddresses(), masterName: set.masterName, adminPort }
    const target = await startHoldfast(stage, options)
    const burst = await prepareBurst(target.port, holdClients, heldCommands / holdClients, valueBytes)
    await set.stopAll()
    const pid = pidOf(target)
    const before = await settledBytes(pid)
    burst.send()
    const least = heldCommands * valueBytes
    await waitUntil('the commands are held', async () => (await heldBytes(adminPort)) >= least, {
      withinMs: heldWithinMs,
    })
    const bytesEach = ((await settledBytes(pid)) - before) / heldCommands
    costs.push({ what: `held SET of ${valueBytes} B`, count: heldCommands, bytesEach })
    burst.stop()
    if (target.process !== null) await endRunning(target.process)
  }
  return costs
}

/** Of the commands that wait for a master. */
async function heldBytes(adminPort: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text()
  return Number(/^holdfast_held_bytes (\S+)$/m.exec(text)?.[1] ?? 0)
}

export function pidOf(target: Target): number {
  if (target.process === null) throw new Error(`${target.name} has no process of its own`)
  return target.process.pid
}
