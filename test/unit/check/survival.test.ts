// How many replicas must have a write, by where nodes and Sentinels are: the formula is held against a simulation that
// tries every set of replicas that may have it.
import fc from 'fast-check'
import t from 'tap'
import { needsOf, type PlacedReplica, type Topology } from '../../../src/check/survival.ts'

const hosts = ['a', 'b', 'c', 'd', 'e']

/** One node and one Sentinel on each of `count` hosts, the master on the first. */
function spread(count: number): Topology {
  const [masterHost = '', ...others] = hosts.slice(0, count)
  return {
    masterHost,
    replicas: others.map(host => ({ host, priority: 100 })),
    sentinelHosts: hosts.slice(0, count),
    knownSentinels: count,
    quorum: Math.floor(count / 2) + 1,
  }
}

const numbers = (topology: Topology): number[] => {
  const { process, host, partition } = needsOf(topology)
  return [process.replicas, host.replicas, partition.replicas]
}

t.test('survival — one replica of two suffices — on three hosts with a node and a Sentinel each', async t => {
  t.strictSame(numbers(spread(3)), [1, 1, 1])
})

t.test('survival — two of four are needed — on five hosts', async t => {
  t.strictSame(numbers(spread(5)), [1, 1, 2])
})

t.test('survival — all are needed — where the Sentinels are on the other side', async t => {
  // {master, b | c, Sentinels}
  const topology = { ...spread(3), sentinelHosts: ['c', 'd', 'e'] }
  const { partition } = needsOf(topology)
  t.equal(partition.replicas, 2)
  t.strictSame([...partition.side].sort().includes('b'), false)
})

t.test('survival — no number helps against the loss of the only host', async t => {
  const one = (host: string): PlacedReplica => ({ host, priority: 100 })
  t.strictSame(numbers({ ...spread(3), replicas: [one('a'), one('a')] }), [1, Number.POSITIVE_INFINITY, 0])
})

t.test('survival — a replica that is preferred must have it', async t => {
  const [b, c] = spread(3).replicas
  if (!b || !c) throw new Error('two replicas')
  t.equal(needsOf({ ...spread(3), replicas: [b, { ...c, priority: 1 }] }).process.replicas, 2)
  // One that may not take over counts for WAIT all the same.
  t.equal(needsOf({ ...spread(3), replicas: [b, { ...c, priority: 0 }] }).process.replicas, 2)
})

t.test('survival — no failover, no loss — where no side has the votes', async t => {
  t.strictSame(numbers({ ...spread(3), knownSentinels: 7 }), [0, 0, 0])
  t.strictSame(numbers({ ...spread(3), quorum: 4 }), [0, 0, 0])
})

t.test('survival — many hosts need all replicas — where nobody looks at each partition', async t => {
  const many = Array.from({ length: 15 }, (_, i) => `h${i}`)
  const [masterHost = '', ...others] = many
  const replicas = others.map(host => ({ host, priority: 100 }))
  const topology = { masterHost, replicas, sentinelHosts: many, knownSentinels: 15, quorum: 8 }
  t.strictSame(numbers(topology), [1, 1, 14])
})

/** Plays every side and every set of N replicas that may have the write: does Sentinel always promote one of them? */
function survives({ masterHost, replicas, sentinelHosts, knownSentinels, quorum }: Topology, n: number): boolean {
  for (let side = 0; side < 2 ** hosts.length; side++) {
    const isThere = (host: string): boolean => host !== masterHost && ((side >> hosts.indexOf(host)) & 1) === 1
    const votes = sentinelHosts.filter(isThere).length
    if (votes <= knownSentinels / 2 || votes < quorum) continue
    for (let having = 0; having < 2 ** replicas.length; having++) {
      const has = (i: number): boolean => ((having >> i) & 1) === 1
      if (replicas.filter((_, i) => has(i)).length !== n) continue
      const there = replicas.flatMap(({ host, priority }, i) =>
        isThere(host) && priority > 0 ? [{ priority, offset: has(i) ? 1 : 0 }] : [],
      )
      const [promoted] = there.sort((a, b) => a.priority - b.priority || b.offset - a.offset)
      if (promoted !== undefined && promoted.offset === 0) return false
    }
  }
  return true
}

t.test('survival — what a partition needs is what a play of all of them finds', async t => {
  const host = fc.constantFrom(...hosts)
  const topologies = fc
    .record({
      masterHost: host,
      replicas: fc.array(fc.record({ host, priority: fc.constantFrom(0, 1, 100) }), { minLength: 1, maxLength: 4 }),
      sentinelHosts: fc.array(host, { minLength: 1, maxLength: 5 }),
      quorum: fc.integer({ min: 1, max: 3 }),
    })
    .map(topology => ({ ...topology, knownSentinels: topology.sentinelHosts.length }))
  const property = fc.property(topologies, topology => {
    const { replicas: needed } = needsOf(topology).partition
    for (let n = 0; n <= topology.replicas.length; n++)
      if (survives(topology, n) !== n >= needed) throw new Error(`${n} of ${needed}`)
  })
  t.doesNotThrow(() => fc.assert(property))
})
