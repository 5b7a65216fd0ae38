// live.ts: the demo with keys: reads them, starts one act at a time, redraws the screen five times a second.
// Owns: the mode from start to q. Never: decides what a picture looks like (screen.ts) or what an act does (acts.ts).
import { type ActKind, acts, perform } from './acts.ts'
import { type Picture, render } from './screen.ts'
import { openTerminal } from './terminal.ts'
import { allKept, count, judge, seconds, summarise } from './verdict.ts'
import type { World } from './world.ts'

const drawMs = 200
const secondsShown = 60
/** Without an act nobody asks for the record, so it is begun anew before it grows. */
const ledgerLifeMs = 30_000

const keys: Readonly<Record<string, ActKind>> = { k: 'kill', p: 'planned', s: 'stop' }

interface Stage {
  readonly world: World
  /** Commands answered in each of the last seconds. */
  rates: number[]
  busy: ActKind | null
  last: { readonly text: string; readonly kept: boolean } | null
}

/** Answers when the person quits or the demo is to end. */
export async function runLive(world: World): Promise<void> {
  const { signal, load } = world
  const stage: Stage = { world, rates: [], busy: null, last: null }
  const terminal = openTerminal()
  const quit = Promise.withResolvers<void>()
  const draw = (): void =>
    terminal.draw(render(pictureOf(stage), { columns: terminal.columns(), rows: terminal.rows() }))
  terminal.onKey = key => {
    if (key === 'q' || key === '\u0003') quit.resolve()
    const kind = keys[key]
    if (kind !== undefined) void play(stage, kind)
    draw()
  }
  signal.addEventListener('abort', () => quit.resolve(), { once: true })
  const timers = [setInterval(draw, drawMs), countRates(stage), setInterval(() => renew(stage), ledgerLifeMs)]
  try {
    draw()
    await quit.promise
  } finally {
    for (const timer of timers) clearInterval(timer)
    terminal.close()
  }
  const { answered, errorReplies, connectionErrors, longestPauseMs } = load.totals
  process.stdout.write(
    `${count(answered)} commands answered, ${count(errorReplies)} error replies, ${count(connectionErrors)} ` +
      `connection errors, longest pause ${seconds(longestPauseMs)}. Everything the demo started is being ended.\n`,
  )
}

/** One act at a time: the next one needs a replica that can take over. */
async function play(stage: Stage, kind: ActKind): Promise<void> {
  if (stage.busy !== null) return
  stage.busy = kind
  try {
    const rows = judge(await perform(stage.world, kind))
    stage.last = { text: `${acts[kind].title}: ${summarise(rows)}`, kept: allKept(rows) }
  } catch (error) {
    stage.last = { text: `${acts[kind].title}: ${error instanceof Error ? error.message : String(error)}`, kept: false }
  } finally {
    stage.busy = null
  }
}

function countRates(stage: Stage): NodeJS.Timeout {
  const { totals } = stage.world.load
  let before = totals.answered
  return setInterval(() => {
    stage.rates = [...stage.rates, totals.answered - before].slice(-secondsShown)
    before = totals.answered
  }, 1000)
}

function renew({ busy, world }: Stage): void {
  if (busy === null) world.load.begin()
}

function pictureOf({ world, rates, busy, last }: Stage): Picture {
  const { holdfast, load, story } = world
  return {
    port: holdfast.port,
    page: holdfast.page,
    config: holdfast.config,
    view: story.view,
    rates,
    totals: load.totals,
    connected: load.connected(),
    clients: load.clients,
    silentMs: load.silentMs(),
    busy: busy === null ? null : acts[busy].title,
    last,
    story: story.lines,
  }
}
