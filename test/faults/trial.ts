// trial.ts: one fault against a set of its own, with all loads at once.
//
//   set ─▶ Holdfast ─▶ loads ─▶ everyone served ─▶ strike ─▶ everyone served ─▶ stop, read back ─▶ figures
//            watch the majority and every node  ──────────────────────────────▶
//
// Owns: everything it starts, in one list of ends. Never: knows a fault or a load by name; judges (judge.ts does).

import { type Bystander, startBystander } from '../support/bystander.ts'
import { Random } from '../support/differential/random.ts'
import { FaultyLink } from '../support/faulty-link.ts'
import { type Holdfast, type InProcess, startHoldfast, startHoldfastProcess } from '../support/holdfast.ts'
import { nowMs } from '../support/ledger.ts'
import type { MajorityWatch } from '../support/majority.ts'
import { addMaster } from '../support/more-masters.ts'
import { openWindow } from '../support/pace.ts'
import { RespClient } from '../support/resp-client.ts'
import { type Node, SentinelSet } from '../support/sentinel-set.ts'
import type { Flavour } from '../support/servers.ts'
import { waitUntil } from '../support/wait-until.ts'
import { readBack } from '../support/workload.ts'
import { armOf, type Promised } from './arms.ts'
import { figuresOf, strayWrites, violationsOf } from './judge.ts'
import { loads } from './loads.ts'
import { observeNodes } from './observe.ts'
import { underReplicated } from './reasons.ts'
import type { Cell, Fault, RunningLoad, Stage, Trial, World } from './types.ts'

export interface TrialOptions extends Promised {
  readonly server: Flavour
  readonly seed: number
  /** Further masters that the same Holdfast serves, and that nothing happens to. */
  readonly beside?: readonly string[]
}

const servedWithinMs = 60_000
const stopWithinMs = 20_000

/**
 * Runs it from the start of its servers to their end. @throws Error where the trial itself could not be carried out.
 */
export async function runTrial(fault: Fault, options: TrialOptions): Promise<Trial> {
  const began = performance.now()
  const ends = new Ends()
  try {
    const { cells, stray, complaints, pace } = await run(fault, options, ends)
    const judged = options.isReplicated ? underReplicated(fault) : fault
    const violations = [...complaints, ...cells.flatMap(cell => violationsOf(judged, cell, pace))]
    if (stray > 0)
      violations.push(`${fault.name}, ${armOf(options)}: ${stray} writes to a node that was not the master`)
    const tookMs = Math.round(performance.now() - began)
    return { fault: fault.name, ...options, tookMs, strayWrites: stray, cells, violations }
  } finally {
    await ends.run()
  }
}

/** What must be ended, last one first. */
class Ends {
  readonly #all: (() => unknown)[] = []

  readonly teardown = (end: () => unknown): void => void this.#all.push(end)

  async run(): Promise<void> {
    for (let end = this.#all.pop(); end !== undefined; end = this.#all.pop()) {
      try {
        await end()
      } catch {
        // Holdfast's own complaints have been heard where it was stopped; the rest must be ended all the same.
      }
    }
  }
}

async function run(fault: Fault, options: TrialOptions, ends: Ends) {
  const { server: flavour, policy, isReplicated, seed } = options
  const set = await SentinelSet.start({ flavour, failoverTimeoutMs: 5000, ...fault.set })
  ends.teardown(() => set.stopAll())
  const stage: Stage = { set, random: new Random(seed), defer: ends.teardown }
  const beside = options.beside ?? []
  for (const name of beside) await addMaster(ends, set, name)
  const links = await startLinks(fault, set, ends)
  const extra = await fault.prepare?.(stage)
  const holdfast = await startProxy(
    fault,
    { policy, isReplicated, sentinels: [...(extra?.sentinels ?? []), ...set.sentinelAddresses()], links, beside },
    ends,
  )
  const untouched = await startBystanders(holdfast, ends)
  const watch = set.watchMajority()
  ends.teardown(() => watch.stop())
  const observation = observeNodes(set.nodes)
  ends.teardown(() => observation.stop())
  const running = loads.map(load => ({ load, run: load.start({ port: holdfast.port, policy }) }))
  for (const { run } of running) ends.teardown(() => run.stop(0))
  const woken = new Map<string, number>()
  const stopped: World['stopped'] = []
  const everyoneServed = (): Promise<void> => allServed(running.map(({ run }) => run))
  const master = await set.currentMaster()
  const world: World = {
    ...stage,
    master,
    holdfast,
    pid: holdfast.pid,
    watch,
    everyoneServed,
    link: node => links.get(node) ?? missing(node),
    newMaster: async old => (await set.waitForNewMaster(old, { withinMs: 60_000 })).node,
    wake: async node => {
      await set.resume(node)
      woken.set(addressOf(node), Date.now())
    },
    stopped,
    last: ms => new Promise(resolve => setTimeout(resolve, ms)),
  }
  await everyoneServed()
  for (const [node, link] of links)
    if (node === master && link.accepted === 0) throw new Error('Holdfast does not use the faulty link')
  const struckAt = nowMs()
  const readPace = openWindow()
  await fault.strike(world)
  await everyoneServed()
  const stoppedAt = nowMs()
  const pace = readPace()
  await Promise.all(running.map(({ run }) => run.stop(stopWithinMs)))
  await observation.stop()
  const last = await set.currentMaster()
  const handedOverAt = handOver(watch, { from: struckAt, to: last, old: master, moved: fault.failsOver })
  const reader = await RespClient.connect(last.port)
  ends.teardown(() => reader.close())
  const cells: Cell[] = []
  for (const { load, run } of running) {
    const findings = await run.findings(reader)
    const actual = await readBack(run.ledger, last)
    const figures = figuresOf({ ledger: run.ledger, findings, actual, struckAt, handedOverAt, stoppedAt })
    cells.push({ fault: fault.name, server: flavour, policy, load: load.name, figures })
  }
  const complaints = [...(await untouched()), ...(await complaintsOf(holdfast)), ...wrongMaster(fault, master, last)]
  return { cells, complaints, pace, stray: strayWrites(observation.looks, { history: watch.history, woken, stopped }) }
}

/** A client at each master beside the one of the fault. Answers what is wrong with what they saw: nothing may be. */
async function startBystanders(
  { masters, log }: Pick<InProcess, 'masters' | 'log'>,
  ends: Ends,
): Promise<() => Promise<string[]>> {
  const each: { readonly name: string; readonly bystander: Bystander }[] = []
  for (const [name, { port }] of [...masters].slice(1)) {
    const bystander = await startBystander(port)
    ends.teardown(() => bystander.stop())
    each.push({ name, bystander })
  }
  const from = log.length
  return async () => {
    const held = new Set(
      log.slice(from).flatMap(({ event, cause, masterName }) => {
        return event === 'hold.start' && cause !== 'stood-still' ? [masterName] : []
      }),
    )
    const complaints = each.map(async ({ name, bystander }) => {
      const { wrong, asked } = await bystander.stop()
      return [
        ...(held.has(name) ? [`${name}, which nothing happened to, was held`] : []),
        ...(wrong > 0 || asked === 0 ? [`${name}, which nothing happened to: ${wrong} of ${asked} replies wrong`] : []),
      ]
    })
    return (await Promise.all(complaints)).flat()
  }
}

/** A faulty link in front of each node, which Holdfast alone is told to use. */
async function startLinks(fault: Fault, set: SentinelSet, ends: Ends): Promise<Map<Node, FaultyLink>> {
  const links = new Map<Node, FaultyLink>()
  if (fault.faultyLinks) for (const node of set.nodes) links.set(node, await FaultyLink.start(ends, node))
  return links
}

interface ProxyPlan extends Promised {
  readonly sentinels: readonly string[]
  readonly links: ReadonlyMap<Node, FaultyLink>
  readonly beside: readonly string[]
}

async function startProxy(
  fault: Fault,
  plan: ProxyPlan,
  ends: Ends,
): Promise<Holdfast & Pick<InProcess, 'masters'> & { readonly pid: number | null }> {
  const rules = [...plan.links].map(([node, link]) => `${addressOf(node)}=127.0.0.1:${link.port}`)
  const options = {
    ...fault.holdfast,
    sentinels: plan.sentinels,
    ...(plan.beside.length > 0 && {
      masterName: ['mymaster', ...plan.beside].map(name => `${name}=127.0.0.1:0`).join(),
    }),
    options: {
      'retry-policy': plan.policy,
      ack: plan.isReplicated ? 'replicated' : 'master',
      reads: plan.isReplicated ? 'committed' : 'plain',
      ...(rules.length === 0 ? {} : { 'nat-map': rules.join(',') }),
      ...fault.holdfast?.options,
    },
  }
  if (fault.ownProcess) return { ...(await startHoldfastProcess(ends, options)), masters: new Map() }
  return { ...(await startHoldfast(ends, options)), pid: null }
}

function addressOf(node: Node): string {
  return `${node.host}:${node.port}`
}

function missing(node: Node): never {
  throw new Error(`there is no faulty link to ${node.name}: the fault needs faultyLinks`)
}

async function allServed(running: readonly RunningLoad[]): Promise<void> {
  const from = nowMs()
  const left = (): string => {
    const waiting = running.flatMap(({ ledger, clients }) => {
      const served = new Set<string>()
      for (let i = ledger.operations.length - 1; i >= 0; i--) {
        const operation = ledger.operations[i]
        if (!operation || operation.startedAt < from) break
        if (operation.outcome.kind === 'ok') served.add(operation.client)
      }
      return clients.filter(client => !served.has(client))
    })
    return waiting.join(', ')
  }
  const nobody = (): true => {
    const names = left()
    if (names !== '') throw new Error(`not served: ${names}`)
    return true
  }
  await waitUntil('every client is served', nobody, { withinMs: servedWithinMs, everyMs: 20 })
}

interface HandOver {
  readonly from: number
  readonly old: Node
  readonly to: Node
  readonly moved: boolean
}

/** When a majority began to name the master that there is in the end. */
function handOver(watch: MajorityWatch, { from, old, to, moved }: HandOver): number | null {
  if (!moved || to === old) return null
  const offset = nowMs() - Date.now()
  const change = watch.history.findLast(({ at, address }) => at + offset >= from && address === addressOf(to))
  return change ? change.at + offset : null
}

function wrongMaster(fault: Fault, before: Node, after: Node): string[] {
  if (fault.failsOver || before === after) return []
  return [`${fault.name}: the master has changed, which this fault is not about`]
}

async function complaintsOf(holdfast: Holdfast): Promise<string[]> {
  try {
    await holdfast.stop()
    return []
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
}
