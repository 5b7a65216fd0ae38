// faults-master.ts: what happens to a master: ended, stopped, replaced.
import { waitUntil } from '../support/wait-until.ts'
import { asyncLoss, linkLost, missedMessages } from './reasons.ts'
import type { Fault } from './types.ts'

export const masterFaults: readonly Fault[] = [
  {
    name: 'kill',
    group: 'master',
    what: 'kill -9 of the master',
    failsOver: true,
    strike: async ({ set, master, newMaster }) => {
      await set.kill(master)
      await newMaster(master)
    },
    allowed: [asyncLoss, ...linkLost],
  },
  {
    name: 'kill-and-return',
    group: 'master',
    what: 'kill -9 of the master, which comes back as a writable master and is demoted only some ten seconds later',
    failsOver: true,
    strike: async ({ set, master, newMaster }) => {
      await set.kill(master)
      await newMaster(master)
      await set.restart(master)
      const demoted = async (): Promise<boolean> => String(await set.command(master, 'ROLE')).startsWith('slave')
      await waitUntil('the old master is demoted', demoted, { withinMs: 60_000, everyMs: 100 })
    },
    allowed: [asyncLoss, ...linkLost],
  },
  {
    name: 'term',
    group: 'master',
    what: 'SIGTERM of the master: it waits for its replicas and ends',
    failsOver: true,
    strike: async ({ set, master, newMaster }) => {
      await set.term(master)
      await newMaster(master)
    },
    allowed: linkLost,
  },
  {
    name: 'freeze-long',
    group: 'master',
    what: 'SIGSTOP of the master until another one is elected, then SIGCONT: it wakes up as a writable master',
    failsOver: true,
    strike: async ({ set, master, newMaster, everyoneServed, wake, last }) => {
      await set.stop(master)
      await newMaster(master)
      await everyoneServed()
      await wake(master)
      await last(2000)
    },
    allowed: [asyncLoss, ...linkLost],
  },
  {
    name: 'freeze-short',
    group: 'master',
    what: 'SIGSTOP of the master for 1.2 s, less than down-after, then SIGCONT',
    failsOver: false,
    set: { downAfterMs: 6000 },
    strike: async ({ set, master, wake, last }) => {
      await set.stop(master)
      await last(1200)
      await wake(master)
    },
    allowed: [],
  },
  {
    name: 'planned',
    group: 'master',
    what: 'SENTINEL FAILOVER: the old master goes on as a writable master for ten seconds',
    failsOver: true,
    strike: async ({ set, master, newMaster, last }) => {
      await set.failover()
      await newMaster(master)
      await last(2000)
    },
    allowed: [missedMessages],
  },
  {
    name: 'planned-twice',
    group: 'master',
    what: 'SENTINEL FAILOVER, and another one as soon as the Sentinels take it',
    failsOver: true,
    strike: async ({ set, master, newMaster, everyoneServed }) => {
      await set.failover()
      const second = await newMaster(master)
      await everyoneServed()
      await set.failover()
      await newMaster(second)
    },
    allowed: [missedMessages],
  },
  {
    name: 'quick-restart',
    group: 'master',
    what: 'kill -9 of the master, which is back before down-after is over, and LOADING for a while',
    failsOver: false,
    // The AOF, written through at every command, is all that there is after the restart.
    set: { downAfterMs: 8000, dataConfig: ['appendonly yes', 'appendfsync always', 'key-load-delay 300'] },
    strike: async ({ set, master }) => {
      await set.kill(master)
      await set.restart(master)
    },
    allowed: linkLost,
  },
]
