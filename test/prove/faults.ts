// faults.ts: what the proof does to the servers while its clients write, and what each may do to their data.
import { once } from 'node:events'
import type { FaultyLink } from '../support/faulty-link.ts'
import type { InProcess } from '../support/holdfast.ts'
import { RespClient } from '../support/resp-client.ts'
import type { Node, SentinelSet, SentinelSetOptions } from '../support/sentinel-set.ts'
import { waitUntil } from '../support/wait-until.ts'

/** A round, as a fault sees it. */
export interface Scene {
  readonly set: SentinelSet
  readonly holdfast: InProcess
  readonly master: Node
  /** Between Holdfast and the Sentinels, and Holdfast and the nodes; empty unless the fault asks for them. */
  readonly sentinelLinks: readonly FaultyLink[]
  readonly nodeLinks: ReadonlyMap<Node, FaultyLink>
  /** Answers the node that a majority names in the place of `old`. */
  newMaster(old: Node): Promise<Node>
  /** Clients have replies again: some of them where nothing is said. */
  served(who?: 'some' | 'every'): Promise<void>
}

export interface Fault {
  readonly name: string
  /** In one sentence. */
  readonly what: string
  /** Acknowledged writes may be gone: `unreplicated` ones, or whatever there is. */
  readonly loses?: 'unreplicated' | 'all'
  /** How often the Sentinels change the master for it; 1 where left out. */
  readonly failovers?: number
  /** The data was wiped in between. */
  readonly wipes?: boolean
  /** Errors of the server's own that clients may see. */
  readonly refusals?: RegExp
  /** Events of level error that Holdfast may log. */
  readonly errors?: readonly string[]
  /** Why UNKNOWN may be the truth. */
  readonly unknown?: string
  readonly set?: SentinelSetOptions
  readonly links?: 'sentinels' | 'nodes'
  /** Holdfast signs in as a user of its own. */
  readonly ownUser?: boolean
  strike(scene: Scene): Promise<void>
}

export const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
const upTo = (ms: number): Promise<void> => pause(Math.random() * ms)

const kill: Fault = {
  name: 'kill',
  what: 'kill -9 of the master',
  loses: 'unreplicated',
  strike: async ({ set, master, newMaster }) => {
    await set.kill(master)
    await newMaster(master)
  },
}

/**
 * The server ends all links. A command over which four links in a row have ended is not sent again (docs/limits.md), so
 * after each third time every client has a reply.
 */
async function endLinks(n: number, { set, master, served }: Scene): Promise<void> {
  await set.command(master, 'CLIENT', 'KILL', 'TYPE', 'normal').catch(() => undefined)
  await pause(15 + Math.random() * 45)
  if (n % 3 === 2) await served('every')
}

const cut: Fault = {
  name: 'cut',
  what: 'the server ends all links (`CLIENT KILL`), 15 times, but not four in a row over one command; no failover follows',
  failovers: 0,
  strike: async scene => {
    for (let n = 0; n < 15; n++) await endLinks(n, scene)
  },
}

/** Sets a parameter of all nodes that run. */
async function configure(set: SentinelSet, name: string, value: string): Promise<void> {
  const nodes = set.living().filter(({ kind }) => kind === 'data')
  await Promise.all(nodes.map(node => set.command(node, 'CONFIG', 'SET', name, value)))
}

const others = ({ set, master }: Scene): Node[] => set.nodes.filter(node => node !== master)

export const faults: readonly Fault[] = [
  kill,
  cut,
  {
    name: 'cut-bytes',
    what: 'the links are cut behind a byte chosen by chance, of commands or of replies, 12 times, but not four in a row over one command',
    failovers: 0,
    links: 'nodes',
    strike: async ({ master, nodeLinks, served }) => {
      for (let n = 0; n < 12; n++) {
        nodeLinks.get(master)?.cutAfterBytes(n % 2 === 0 ? 'up' : 'down', 1 + Math.floor(Math.random() * 4000))
        await upTo(60)
        // What was to cut the links the other way may do so in the next turn: that makes three in a row.
        await served(n % 2 === 0 ? 'some' : 'every')
      }
    },
  },
  {
    name: 'kill-and-return',
    what: 'kill -9 of the master, which comes back empty, as a writable master, before it is demoted',
    loses: 'unreplicated',
    strike: async ({ set, master, newMaster }) => {
      await set.kill(master)
      await newMaster(master)
      await set.restart(master)
      await pause(300)
    },
  },
  {
    name: 'lag-one',
    what: 'one replica stands still (SIGSTOP) for a while before kill -9 of the master, and wakes up after the failover',
    loses: 'unreplicated',
    strike: async scene => {
      const { set, master, newMaster } = scene
      const [lagging] = others(scene)
      if (lagging !== undefined) await set.stop(lagging)
      await pause(200 + Math.random() * 200)
      await set.kill(master)
      await newMaster(master)
      if (lagging !== undefined) await set.resume(lagging)
    },
  },
  {
    name: 'lag-all',
    what: 'both replicas stand still (SIGSTOP) and are cut off for 0.3 s; the master goes on, and is killed before they wake up',
    loses: 'unreplicated',
    strike: async scene => {
      const { set, master, newMaster } = scene
      for (const node of others(scene)) await set.stop(node)
      // Else they would read what lies in their sockets.
      await set.command(master, 'CLIENT', 'KILL', 'TYPE', 'replica')
      await pause(300)
      await set.kill(master)
      for (const node of others(scene)) await set.resume(node)
      await newMaster(master)
    },
  },
  {
    name: 'stall',
    what: 'SIGSTOP of the master; it wakes up when a replica is promoted and nobody else has been told',
    loses: 'unreplicated',
    strike: async scene => {
      const { set, master, newMaster } = scene
      await set.stop(master)
      const isPromoted = async (): Promise<boolean> => {
        const roles = await Promise.all(others(scene).map(node => set.command(node, 'ROLE')))
        return roles.some(role => String(role).startsWith('master'))
      }
      await waitUntil('a replica is promoted', isPromoted, { withinMs: 60_000, everyMs: 5 })
      await set.resume(master)
      await newMaster(master)
    },
  },
  {
    name: 'double',
    what: 'kill -9 of the master, and of the next one as soon as a majority names it; the first one comes back then',
    loses: 'unreplicated',
    failovers: 2,
    strike: async ({ set, master, newMaster }) => {
      await set.kill(master)
      const second = await newMaster(master)
      await upTo(100)
      await set.kill(second)
      await newMaster(second)
      // Somebody has to confirm writes.
      await set.restart(master)
    },
  },
  {
    name: 'planned',
    what: '`SENTINEL FAILOVER`',
    strike: async ({ set, master, newMaster }) => {
      await set.failover()
      await newMaster(master)
      await pause(300)
    },
  },
  {
    name: 'restart',
    what: 'kill -9 of the master, which is back with all its data before down-after is over (appendfsync always)',
    failovers: 0,
    set: { downAfterMs: 8000, dataConfig: ['appendonly yes', 'appendfsync always'] },
    strike: async ({ set, master }) => {
      await set.kill(master)
      await set.restart(master)
    },
  },
  {
    name: 'restart-empty',
    what: 'the same without a disk: it comes back empty, and its replicas copy that',
    failovers: 0,
    loses: 'all',
    wipes: true,
    unknown: 'the markers are gone with the data',
    set: { downAfterMs: 8000 },
    strike: async ({ set, master }) => {
      await set.kill(master)
      await set.restart(master)
    },
  },
  {
    name: 'flush',
    what: '`FLUSHALL` by a client, twice, and by somebody beside Holdfast; then kill -9 of the master',
    loses: 'all',
    wipes: true,
    unknown: 'a flush beside Holdfast takes the markers of what is in flight',
    strike: async ({ set, holdfast, master, newMaster }) => {
      const client = await RespClient.connect(holdfast.port)
      for (let n = 0; n < 2; n++) {
        await client.send('FLUSHALL')
        await upTo(50)
      }
      await client.close()
      await set.command(master, 'FLUSHALL')
      await upTo(20)
      await set.kill(master)
      await newMaster(master)
    },
  },
  {
    name: 'no-markers',
    what: 'the markers are deleted beside Holdfast, again and again, while the server ends all links, 10 times in the same way',
    failovers: 0,
    unknown: 'no marker is no proof',
    strike: async scene => {
      const { set, master } = scene
      for (let n = 0; n < 10; n++) {
        const keys = await set.command(master, 'KEYS', '__holdfast:*')
        for (const key of Array.isArray(keys) ? keys : []) await set.command(master, 'DEL', String(key))
        await upTo(4)
        await endLinks(n, scene)
      }
    },
  },
  {
    name: 'eviction',
    what: 'the memory is full of keys that expire and the policy is volatile-ttl, which takes the markers first; then kill -9',
    loses: 'unreplicated',
    unknown: 'an evicted marker is no proof',
    refusals: /\bOOM\b|EXECABORT/,
    errors: ['session.restore_failed'],
    strike: async ({ set, master, newMaster }) => {
      await configure(set, 'maxmemory-policy', 'volatile-ttl')
      const memory = /used_memory:(\d+)/.exec(String(await set.command(master, 'INFO', 'memory')))?.[1] ?? '0'
      await configure(set, 'maxmemory', String(Number(memory) + 2_000_000))
      const filler = await RespClient.connect(master.port)
      for (let n = 0; n < 40; n++)
        await filler.pipeline(
          Array.from({ length: 10 }, (_, i) => ['SET', `fill:${n}:${i}`, 'x'.repeat(10_000), 'EX', '90000']),
        )
      await filler.close()
      await set.kill(master)
      await newMaster(master)
      await configure(set, 'maxmemory', '0')
      await configure(set, 'maxmemory-policy', 'noeviction')
    },
  },
  {
    name: 'oom',
    what: 'the memory is full and nothing may be evicted; kill -9 of the master in the middle of it',
    loses: 'unreplicated',
    unknown: 'a full master refuses markers, so that clients can free memory',
    refusals: /\bOOM\b|EXECABORT/,
    errors: ['session.restore_failed'],
    strike: async ({ set, master, newMaster }) => {
      await configure(set, 'maxmemory', '100kb')
      await pause(150)
      await set.kill(master)
      await newMaster(master)
      await pause(100)
      await configure(set, 'maxmemory', '0')
    },
  },
  {
    name: 'partition',
    what: 'Holdfast and the master on one side, Sentinels and replicas on the other, which elects; 3 s later it is healed',
    loses: 'unreplicated',
    links: 'sentinels',
    ownUser: true,
    set: { requirePass: 'of-the-servers' },
    strike: async ({ master, sentinelLinks, newMaster }) => {
      for (const link of sentinelLinks) link.stall('both')
      // The others sign in as the default user.
      const inside = await RespClient.connect(master.port)
      await inside.send('AUTH', ...proxyUser)
      await inside.send('ACL', 'SETUSER', 'default', 'off')
      await inside.send('CLIENT', 'KILL', 'USER', 'default', 'SKIPME', 'yes')
      await inside.send('CLIENT', 'KILL', 'TYPE', 'replica')
      await newMaster(master)
      await pause(500)
      await inside.send('ACL', 'SETUSER', 'default', 'on')
      inside.end()
      await once(inside.socket, 'close')
      for (const link of sentinelLinks) link.resume()
    },
  },
]

/** Holdfast's own user, where a fault shuts out the others. */
export const proxyUser = ['holdfast', 'of-the-proxy'] as const
