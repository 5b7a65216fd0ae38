// Every sequence of a small alphabet of observations, checked at each step:
//   MajorityNow    no other master than the last is served that a majority does not name by live answers, or that was not
//                  asked; nor the last one while a majority names another with a newer epoch;
//   QuorumAtStart  the first master is named by a majority, or by all that can be asked and a quorum at least;
//   EveryQuestionEnds  in serve or in a shut gate, within seconds, whatever the node answers;
//   EpochsGrow     a different address is served only with a higher epoch than the one before;
//   NoServeOfDoomed nothing is served while its failover is announced and not over;
//   ShutAtOnce     an announcement about the served master leaves the gate shut in the same step.
import t from 'tap'
import { sameAddress } from '../../../src/address.ts'
import { blocks } from '../../../src/sentinel/failover.ts'
import { next } from '../../../src/sentinel/topology.ts'
import type { Observation, ProbeResult, Topology } from '../../../src/sentinel/topology-state.ts'
import { candidateSince, ownQuorum, votesSince } from '../../../src/sentinel/voters.ts'
import { at, letter, Play, type Said, viewOf } from './steps.ts'

interface World {
  readonly topology: Topology
  readonly now: number
}
type Move = (world: World) => Observation | null

const says = (key: string, place: string, said: Said): Move => {
  return ({ now, topology }) => {
    const up = topology.sentinels.get(key)?.up
    return up ? { kind: 'answer', key, view: viewOf(place, now, said) } : { kind: 'up', key, runId: key }
  }
}
const tells = (result: ProbeResult): Move => {
  return ({ now, topology: { probe } }) =>
    probe && !probe.result
      ? { kind: 'probed', address: probe.address, startedAt: probe.startedAt, result, links: 'none', retryAt: now }
      : null
}

const alphabet: Record<string, Move> = {
  's1:A1': says('s1', 'A', { epoch: 1 }),
  's2:A1': says('s2', 'A', { epoch: 1 }),
  's1:B2': says('s1', 'B', { epoch: 2 }),
  's2:B2': says('s2', 'B', { epoch: 2 }),
  's3:B9': says('s3', 'B', { epoch: 9 }),
  's1:B2 promoted': says('s1', 'B', { epoch: 2, failover: 'promoted', listed: 'A' }),
  's1:A1 elected': says('s1', 'A', { epoch: 1, failover: 'elected' }),
  's1 lost': () => ({ kind: 'down', key: 's1' }),
  's1 ended': () => ({ kind: 'refused', key: 's1' }),
  's1 try A': () => ({ kind: 'event', key: 's1', event: { kind: 'failover-try', master: at('A') } }),
  's3 elected B': () => ({
    kind: 'event',
    key: 's3',
    event: { kind: 'failover-elected', master: at('B'), replica: null },
  }),
  's1 begins 2': () => ({ kind: 'event', key: 's1', event: { kind: 'epoch', epoch: 2 } }),
  's1 promotes B': () => ({
    kind: 'event',
    key: 's1',
    event: { kind: 'failover-promoted', master: at('A'), replica: at('B') },
  }),
  's2 moves to B': () => ({ kind: 'event', key: 's2', event: { kind: 'switched', from: at('A'), to: at('B') } }),
  's1 abort A': () => ({ kind: 'event', key: 's1', event: { kind: 'failover-aborted', master: at('A'), why: 'x' } }),
  'node is master': tells({ kind: 'master', runId: null }),
  'node is gone': tells({ kind: 'unreachable', why: 'x' }),
  confirm: () => ({ kind: 'confirm' }),
  'stood still': () => ({ kind: 'stood-still' }),
}

function complaint(
  before: World,
  input: Observation,
  after: Topology,
  served: Topology['master'],
  now: number,
): string | null {
  if (served) {
    const named = candidateSince(after, Number.NEGATIVE_INFINITY, now)
    const { master } = before.topology
    const isByMajority = named !== null && sameAddress(named.address, served)
    if (master && !sameAddress(master, served) && !isByMajority) return 'MajorityNow'
    if (named && !isByMajority && named.epoch > served.epoch) return 'MajorityNow: it names another'
    if (!master && !isByMajority) {
      const votes = votesSince(after, Number.NEGATIVE_INFINITY, now)
      const agree = votes.every(vote => sameAddress(vote.address, served) && vote.epoch === served.epoch)
      if (!agree || votes.length < ownQuorum(after)) return 'QuorumAtStart'
    }
    if (input.kind !== 'probed' && !before.topology.probe?.result) return 'MajorityNow: the node was not asked'
    const last = before.topology.master
    if (last && !sameAddress(last, served) && served.epoch <= last.epoch) return 'EpochsGrow'
    if (served.epoch > 2) return 'EpochsGrow: the epoch of a single Sentinel was believed'
    for (const { failover } of after.sentinels.values()) {
      if (failover && blocks(failover, served, served.epoch, now)) return 'NoServeOfDoomed'
    }
  }
  if (input.kind === 'event' && input.event.kind !== 'failover-aborted' && 'master' in input.event) {
    const { master, gate } = after
    if (master && sameAddress(master, input.event.master) && gate.kind === 'open') return 'ShutAtOnce'
  }
  return null
}

/** Numbers what a topology consists of: the same number for the same content, which nobody changes. */
class Contents {
  readonly #byText = new Map<string, number>()
  readonly #byObject = new WeakMap<object, number>()

  of(value: unknown): string {
    if (typeof value === 'string') return JSON.stringify(value)
    if (typeof value !== 'object' || value === null) return String(value)
    const number = this.#byObject.get(value) ?? this.#numberOf(value)
    this.#byObject.set(value, number)
    return `#${number}`
  }

  #numberOf(value: object): number {
    const entries = value instanceof Map ? [...value] : Object.entries(value)
    const text = `${value.constructor.name} ${entries.map(([key, part]) => `${key}=${this.of(part)}`)}`
    const number = this.#byText.get(text) ?? this.#byText.size
    this.#byText.set(text, number)
    return number
  }
}

/**
 * Goes on fairly for some seconds: those that are up say what they said, the node says the same. What never ends, if
 * any.
 */
function endless({ topology, now }: World): string | null {
  for (const result of answers) {
    let world = topology
    for (let at = now; at < now + 8_000; at += 200) {
      for (const [key, { up, view }] of world.sentinels) {
        if (up && view)
          world = next(world, { kind: 'answer', key, view: { ...view, askedAt: at, answeredAt: at } }, at).topology
      }
      const { probe } = world
      if (probe && !probe.result) {
        const { address, startedAt } = probe
        const input: Observation = { kind: 'probed', address, startedAt, result, links: 'none', retryAt: at }
        world = next(world, input, at).topology
      }
      world = next(world, { kind: 'tick' }, at).topology
    }
    if (world.wanted && world.gate.kind === 'open') return `EveryQuestionEnds: the node is ${result.kind}`
  }
  return null
}

const answers: readonly ProbeResult[] = [
  { kind: 'master', runId: 'r' },
  { kind: 'master', runId: 'other' },
  { kind: 'untold', why: 'x' },
  { kind: 'unreachable', why: 'x', sign: 'late' },
]

/**
 * Plays every sequence. Several lead to the same world after as many steps: what can follow is played once, and its
 * steps are counted for each.
 */
function walk(
  start: World,
  length: number,
  { leaveOut = [], stepMs = 7, ends = false }: { leaveOut?: readonly string[]; stepMs?: number; ends?: boolean } = {},
): { steps: number; served: Set<string>; wrong: string | null } {
  const moves = Object.entries(alphabet).filter(([name]) => !leaveOut.includes(name))
  const served = new Set<string>()
  const contents = new Contents()
  /** How many steps follow on a world that nothing breaks. */
  const stepsFrom = new Map<string, number>()
  const ended = new Set<string>()
  let steps = 0
  const go = (world: World, path: string[]): string | null => {
    const here = `${contents.of(world.topology)} at ${world.now} after ${path.length}`
    const known = stepsFrom.get(here)
    const before = steps
    const wrong = known === undefined ? playAll(world, path) : null
    steps = before + (known ?? steps - before)
    stepsFrom.set(here, steps - before)
    return wrong
  }
  const playAll = (world: World, path: string[]): string | null => {
    for (const [name, move] of moves) {
      const now = world.now + stepMs
      const input = move({ ...world, now })
      if (!input) continue
      steps++
      const { topology, effects } = next(world.topology, input, now)
      for (const effect of effects) {
        if (effect.kind === 'serve') served.add(`${letter(effect.master)}@${effect.master.epoch}`)
      }
      const serve = effects.find(effect => effect.kind === 'serve')
      const wrong = complaint(world, input, topology, serve?.master ?? null, now)
      if (wrong) return `${wrong} after ${[...path, name].join(', ')}`
      const there = ends ? `${contents.of(topology)} at ${now}` : ''
      const stuck = ends && !ended.has(there) ? endless({ topology, now }) : null
      ended.add(there)
      if (stuck) return `${stuck} after ${[...path, name].join(', ')}`
      const deeper = path.length + 1 < length ? go({ topology, now }, [...path, name]) : null
      if (deeper) return deeper
    }
    return null
  }
  const wrong = go(start, [])
  return { steps, served, wrong }
}

t.test('walk — no sequence breaks an invariant — from a master that is served', async t => {
  const play = Play.serving()
  const { steps, served, wrong } = walk({ topology: play.topology, now: play.now }, 5, { leaveOut: ['stood still'] })
  t.equal(wrong, null)
  t.strictSame([...served].sort(), ['A@1', 'B@2'], 'the walk reaches both masters')
  t.comment(`${steps} steps`)
})

t.test('walk — no sequence breaks an invariant — from the start, with nobody known', async t => {
  const play = Play.with('s1', 's2', 's3')
  const { steps, wrong } = walk({ topology: play.topology, now: play.now }, 5, { leaveOut: ['stood still'] })
  t.equal(wrong, null)
  t.comment(`${steps} steps`)
})

t.test('walk — no sequence breaks an invariant — in the middle of a failover, one step deeper', async t => {
  const play = Play.serving().publish('s1', '+try-failover', 'A').publish('s1', '+selected-slave', 'A').later(20)
  play.answer('s1', 'B', { epoch: 2, failover: 'promoted', listed: 'A' })
  const { steps, served, wrong } = walk({ topology: play.topology, now: play.now }, 6, {
    leaveOut: ['stood still', 's3:B9', 's3 elected B', 'confirm', 's2:A1', 's1:B2', 's1 begins 2', 'node is gone'],
  })
  t.equal(wrong, null)
  t.ok(served.has('B@2'))
  t.comment(`${steps} steps`)
})

const small = ['s1:B2 promoted', 's3 elected B', 's1 abort A', 's2:A1']

t.test('walk — no sequence breaks an invariant — while two of three are away, in steps of seconds', async t => {
  const play = Play.serving().down('s2').down('s3').later(1_000)
  const { steps, served, wrong } = walk({ topology: play.topology, now: play.now }, 4, {
    leaveOut: small,
    stepMs: 1_100,
  })
  t.equal(wrong, null)
  t.ok(served.has('A@1'))
  t.comment(`${steps} steps`)
})

t.test('walk — every question ends — wherever a short sequence has led', async t => {
  for (const play of [Play.serving(), Play.serving().down('s2').down('s3').later(1_000)]) {
    const { steps, wrong } = walk({ topology: play.confirm().topology, now: play.now }, 2, { ends: true, stepMs: 300 })
    t.equal(wrong, null)
    t.comment(`${steps} steps`)
  }
})
