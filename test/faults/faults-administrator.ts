// faults-administrator.ts: what a person does to a master behind the Sentinels' back.
import { RespClient } from '../support/resp-client.ts'
import type { Node } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'
import { linkLost } from './reasons.ts'
import type { Fault, World } from './types.ts'

/** So that a busy machine does not make a failover of what is none. */
const patient = { downAfterMs: 6000 }

export const administratorFaults: readonly Fault[] = [
  {
    name: 'failover-to',
    group: 'administrator',
    what: 'FAILOVER TO on the data node: the Sentinels notice after some 25 s and promote a node of their own choice',
    failsOver: true,
    strike: async ({ set, master, newMaster }) => {
      await handOver(set, master, replicaOf({ set, master }))
      await newMaster(master)
    },
    allowed: linkLost,
  },
  {
    name: 'failover-to-and-back',
    group: 'administrator',
    what: 'FAILOVER TO on the data node, and back again a second later',
    failsOver: false,
    strike: async ({ set, master, last }) => {
      const other = replicaOf({ set, master })
      await handOver(set, master, other)
      await last(1000)
      await handOver(set, other, master)
    },
    allowed: linkLost,
  },
  {
    name: 'replicaof',
    group: 'administrator',
    what: 'REPLICAOF makes the master a replica without its links being cut; undone after 1.5 s',
    failsOver: false,
    strike: async ({ set, master, last }) => {
      const other = replicaOf({ set, master })
      await set.command(master, 'REPLICAOF', other.host, String(other.port))
      await last(1500)
      await set.command(master, 'REPLICAOF', 'NO', 'ONE')
    },
    allowed: linkLost,
  },
  {
    name: 'client-kill',
    group: 'administrator',
    what: 'CLIENT KILL of all links to the master, five times',
    failsOver: false,
    set: patient,
    strike: async ({ set, master, everyoneServed }) => {
      for (let n = 0; n < 5; n++) {
        await set.command(master, 'CLIENT', 'KILL', 'TYPE', 'normal')
        await set.command(master, 'CLIENT', 'KILL', 'TYPE', 'pubsub')
        await everyoneServed()
      }
    },
    allowed: linkLost,
  },
  {
    name: 'client-pause',
    group: 'administrator',
    what: 'CLIENT PAUSE of all commands for 1.2 s',
    failsOver: false,
    set: patient,
    strike: async ({ set, master, last }) => {
      await set.command(master, 'CLIENT', 'PAUSE', '1200', 'ALL')
      await last(1200)
    },
    allowed: [],
  },
  {
    name: 'maxclients',
    group: 'administrator',
    what: 'maxclients is reached while all links are killed: none can be had again for 1 s',
    failsOver: false,
    set: patient,
    strike: async ({ master, last, defer }) => {
      // The only client that stays, for later nobody is let in.
      const admin = await RespClient.connect(master.port, master.host)
      defer(() => admin.close())
      await admin.send('CONFIG', 'SET', 'maxclients', '1')
      await admin.send('CLIENT', 'KILL', 'TYPE', 'normal')
      await admin.send('CLIENT', 'KILL', 'TYPE', 'pubsub')
      await last(1000)
      await admin.send('CONFIG', 'SET', 'maxclients', '10000')
    },
    allowed: linkLost,
  },
  {
    name: 'min-replicas',
    group: 'administrator',
    what: 'min-replicas-to-write is not met for 1 s, long after any failover',
    failsOver: false,
    strike: async ({ set, master, last }) => {
      // Within ten seconds of a failover such a refusal is held, because replicas need a moment to attach.
      await last(10_500)
      await set.command(master, 'CONFIG', 'SET', 'min-replicas-to-write', '9')
      await last(1000)
      await set.command(master, 'CONFIG', 'SET', 'min-replicas-to-write', '0')
    },
    allowed: [
      {
        figure: 'errors',
        code: 'NOREPLICAS',
        reason:
          'the true answer of a master that is told to refuse writes without replicas; it goes to the client as it is',
      },
      {
        figure: 'errors',
        code: 'EXECABORT',
        loads: ['transaction'],
        reason: 'the same refusal inside MULTI',
      },
    ],
  },
]

function replicaOf({ set, master }: Pick<World, 'set' | 'master'>): Node {
  const other = set.nodes.find(node => node !== master)
  if (!other) throw new Error('the set has no replica')
  return other
}

/** Answers when `to` is a master and `from` its replica. */
async function handOver(set: World['set'], from: Node, to: Node): Promise<void> {
  const accepted = async (): Promise<boolean> =>
    (await set.command(from, 'FAILOVER', 'TO', to.host, String(to.port))) === 'OK'
  await waitUntil('FAILOVER TO is accepted', accepted, { withinMs: 10_000, everyMs: 50 })
  const done = async (): Promise<boolean> => {
    const roles = await Promise.all([set.command(from, 'ROLE'), set.command(to, 'ROLE')])
    return String(roles[0]).startsWith('slave') && String(roles[1]).startsWith('master')
  }
  await waitUntil(`${to.name} is the master`, done, { withinMs: 15_000, everyMs: 20 })
}
