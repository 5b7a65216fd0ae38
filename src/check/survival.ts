// survival.ts: how many replicas must have a write before a failover cannot take it away: one number for each kind of
// fault, from where nodes and Sentinels are. Pure.
//
// After a fault the Sentinels of one side elect, if they are a majority and their quorum. They promote, among the
// replicas that they reach, one of the lowest replica-priority that is not 0, and among these the one that has most.
// So the write is safe for sure only where any N replicas that may have it must have one of these candidates among
// them: N + candidates > replicas.
import { majorityOf } from '../sentinel/majority.ts'

export interface PlacedReplica {
  readonly host: string
  readonly priority: number
}

/** Hosts by any name, as long as the same one has the same name. */
export interface Topology {
  readonly masterHost: string
  readonly replicas: readonly PlacedReplica[]
  readonly sentinelHosts: readonly string[]
  /** How many Sentinels those in reach count, with those that are gone. */
  readonly knownSentinels: number
  readonly quorum: number
}

/** `process`: the master's. `host`: any one, with all that is on it. `partition`: into two sides, clean. */
export type Fault = 'process' | 'host' | 'partition'

export interface Need {
  /** So many replicas must have the write; Infinity: no number helps. 0: this fault starts no failover. */
  readonly replicas: number
  /** The hosts of the side that elects, where it needs most. */
  readonly side: readonly string[]
}

/** More hosts have too many partitions to look at each: then all replicas are asked for, which always suffices. */
const MAX_HOSTS = 12

/** How many replicas must have a write before each kind of fault cannot take it away. */
export function needsOf(topology: Topology): Record<Fault, Need> {
  const { masterHost, replicas, sentinelHosts } = topology
  const hosts = [...new Set([masterHost, ...replicas.map(({ host }) => host), ...sentinelHosts])]
  const others = hosts.filter(host => host !== masterHost)
  const sides = others.length > MAX_HOSTS ? null : sidesOf(others)
  return {
    process: needOf(topology, hosts),
    host: needWithout(topology, others),
    partition: sides === null ? { replicas: replicas.length, side: [] } : needOfWorst(topology, sides),
  }
}

/** The master's host is gone for good: where no replica is elsewhere, the write is gone with it. */
function needWithout(topology: Topology, others: readonly string[]): Need {
  const isAlone = topology.replicas.every(({ host }) => host === topology.masterHost)
  return isAlone ? { replicas: Number.POSITIVE_INFINITY, side: others } : needOf(topology, others)
}

function needOf({ replicas, sentinelHosts, knownSentinels, quorum }: Topology, side: readonly string[]): Need {
  const there = new Set(side)
  const votes = sentinelHosts.filter(host => there.has(host)).length
  const candidates = candidatesOf(replicas.filter(({ host }) => there.has(host)))
  if (votes < Math.max(majorityOf(knownSentinels), quorum) || candidates === 0) return { replicas: 0, side }
  return { replicas: replicas.length - candidates + 1, side }
}

function candidatesOf(replicas: readonly PlacedReplica[]): number {
  const priorities = replicas.map(({ priority }) => priority).filter(priority => priority > 0)
  const lowest = Math.min(...priorities)
  return priorities.filter(priority => priority === lowest).length
}

function needOfWorst(topology: Topology, sides: readonly (readonly string[])[]): Need {
  const needs = sides.map(side => needOf(topology, side))
  return needs.reduce((most, need) => (need.replicas > most.replicas ? need : most), { replicas: 0, side: [] })
}

/** All sides of hosts, the smaller ones first. */
function sidesOf(hosts: readonly string[]): string[][] {
  const sides = Array.from({ length: 2 ** hosts.length }, (_, bits) => hosts.filter((_host, i) => (bits >> i) & 1))
  return sides.sort((a, b) => a.length - b.length)
}
