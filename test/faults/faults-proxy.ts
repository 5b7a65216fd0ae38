// faults-proxy.ts: what happens to Holdfast itself, run as a process of its own.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { waitUntil } from '../support/wait-until.ts'
import { asyncLoss, linkLost, missedMessages } from './reasons.ts'
import type { Fault, World } from './types.ts'

const loaded = (file: string): readonly string[] => ['--import', fileURLToPath(new URL(file, import.meta.url))]

export const proxyFaults: readonly Fault[] = [
  {
    name: 'proxy-frozen',
    group: 'proxy',
    what: 'SIGSTOP of Holdfast for 3 s, then SIGCONT: to it, an event loop that was blocked',
    failsOver: false,
    ownProcess: true,
    strike: world => frozen(world, () => world.last(3000)),
    allowed: [],
  },
  {
    name: 'proxy-frozen-planned',
    group: 'proxy',
    what: 'SIGSTOP of Holdfast through a whole planned failover: it wakes up with links to the old, still writable master',
    failsOver: true,
    ownProcess: true,
    strike: async world => {
      await frozen(world, () => planned(world))
      await world.last(1500)
    },
    allowed: linkLost,
  },
  {
    name: 'proxy-frozen-in-turn',
    group: 'proxy',
    what: 'the same, but stopped between the writes of two links: one has written, others are about to',
    failsOver: true,
    ownProcess: true,
    holdfast: { nodeArguments: loaded('stop-in-turn.mjs') },
    strike: async world => {
      signal(world.pid, 'SIGUSR2')
      const isStopped = (): boolean => stateOf(world.pid) === 'T'
      await waitUntil('Holdfast stops in the middle of a turn', isStopped, { withinMs: 20_000, everyMs: 2 })
      await frozen(world, () => planned(world))
      await world.last(1500)
    },
    allowed: linkLost,
  },
  {
    name: 'proxy-frozen-kill',
    group: 'proxy',
    what: 'SIGSTOP of Holdfast while the master is killed with kill -9 and replaced',
    failsOver: true,
    ownProcess: true,
    strike: world =>
      frozen(world, async () => {
        await world.set.kill(world.master)
        await world.newMaster(world.master)
      }),
    allowed: [asyncLoss, ...linkLost],
  },
  {
    name: 'proxy-clock-jump',
    group: 'proxy',
    what: 'the clock of Holdfast jumps two hours ahead and then two hours back, before and through a planned failover',
    failsOver: true,
    ownProcess: true,
    holdfast: { nodeArguments: loaded('clock-jump.mjs') },
    strike: async ({ pid, set, master, newMaster, everyoneServed, last }) => {
      for (let n = 0; n < 2; n++) {
        signal(pid, 'SIGUSR2')
        await last(1000)
        await everyoneServed()
      }
      signal(pid, 'SIGUSR2')
      await set.failover()
      await newMaster(master)
    },
    allowed: [missedMessages],
  },
]

async function frozen({ pid, defer, stopped }: World, meanwhile: () => Promise<void>): Promise<void> {
  signal(pid, 'SIGSTOP')
  // Also where the rest fails: a stopped process cannot be told to end.
  defer(() => signal(pid, 'SIGCONT'))
  const from = Date.now()
  await meanwhile()
  stopped.push({ from, to: Date.now() })
  signal(pid, 'SIGCONT')
}

async function planned({ set, master, newMaster, last }: World): Promise<void> {
  await set.failover()
  await newMaster(master)
  await last(500)
}

/** As proc(5) has it: R, S, T for stopped. */
function stateOf(pid: number | null): string {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] ?? ''
}

function signal(pid: number | null, name: NodeJS.Signals): void {
  if (pid !== null) process.kill(pid, name)
}
