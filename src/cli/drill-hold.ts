// drill-hold.ts: `holdfast drill [MASTER] --hold 5s`: holds all commands for that long, touches no server, and says which clients gave up.
//
//   sessions ─▶ pause ─▶ looks, four a second ─▶ resume ─▶ looks for those who come back ─▶ report
//
// Exit code: 0 when all clients kept their connection, 1 when one did not or the hold could not be, 2 for wrong options.
import { setTimeout as delay } from 'node:timers/promises'
import type { Environment } from '../config.ts'
import type { ControlClient } from '../control/client.ts'
import { holdPause } from '../control/held-pause.ts'
import type { SessionsResult } from '../control/protocol.ts'
import { accountsOf, type Look } from '../drill/observe.ts'
import { type DrillReport, remedies, rowsOf, verdict } from '../drill/print.ts'
import type { SessionSnapshot } from '../ops/snapshot.ts'
import { answersQuestion, controlPath, refuseDryRun, withControl, wrong } from './control-socket.ts'
import { table } from './ctl-print.ts'
import { takeFlags, timeOf } from './own-flags.ts'
import { stopSignal } from './stop-signal.ts'

const LOOK_MS = 250
/** Clients that have lost a connection come back within a second or two. */
const AFTER_MS = 2_000
/** How long what is in flight may take; a hold that is shorter allows no more than itself. */
const EMPTY_MS = 5_000
const LEASE_MS = 3_000

export async function drillHold(argv: readonly string[], env: Environment): Promise<void> {
  const flags = takeFlags(argv, { switches: ['json'], values: ['hold', 'master'] })
  if (answersQuestion('drill', flags.rest, env)) return
  const errors = [...flags.errors]
  const holdMs = timeOf(flags, 'hold', { min: '1ms', max: '10m', fallback: 0, errors })
  const { words, texts } = flags
  if (words.length > 1) errors.push('drill: at most one word may go before the flags: the name of the master')
  const [master = texts.get('master') ?? null] = words
  if (texts.has('master') && texts.get('master') !== master)
    errors.push('drill: two masters are named: leave --master away')
  refuseDryRun('drill --hold', flags.rest, errors)
  if (errors.length > 0) {
    wrong('drill', errors)
    return
  }
  const path = controlPath('drill', flags.rest, env)
  if (path === null) return
  const json = flags.on.has('json')
  await withControl(path, { command: 'drill', json }, async client => {
    const reports = await run(client, { holdMs, master })
    process.stdout.write(json ? `${JSON.stringify(reports, null, 2)}\n` : textOf(reports))
    if (reports.some(report => report.ended !== 'resume' || report.accounts.some(({ did }) => did === 'closed')))
      process.exitCode = 1
  })
}

interface Hold {
  readonly holdMs: number
  readonly master: string | null
}

async function run(client: ControlClient, { holdMs, master }: Hold): Promise<DrillReport[]> {
  const before = await sessionsOf(client, master)
  const startedAt = performance.now()
  const since = (): number => performance.now() - startedAt
  const terms = {
    master,
    by: 'drill',
    // It ends the hold itself; this is for the case that it cannot.
    maxMs: holdMs + LEASE_MS,
    emptyMs: Math.min(EMPTY_MS, holdMs + LEASE_MS),
    leaseMs: LEASE_MS,
    ignoreBlocked: true,
  }
  // From here on: somebody may stop it while it waits for what is in flight.
  const stop = stopSignal()
  const pause = await holdPause(client, terms, stop)
  const looks = new Map<string, Look[]>()
  const look = async (inHold: boolean): Promise<void> => {
    const found = await sessionsOf(client, master)
    const atMs = Math.round(since())
    for (const [name, sessions] of found) looks.set(name, [...(looks.get(name) ?? []), { atMs, inHold, sessions }])
  }
  let ended: string | null = null
  void pause.ended.then(why => {
    ended ??= why
  })
  while (since() < holdMs && ended === null && !stop.aborted) {
    await delay(Math.min(LOOK_MS, Math.max(0, holdMs - since())), undefined, { signal: stop }).catch(() => {})
    if (ended === null) await look(true)
  }
  const heldMs = Math.round(since())
  if (ended === null) await pause.resume()
  const end = await pause.ended
  const why = stop.aborted && end === 'resume' ? 'stopped' : end
  for (const from = since(); since() - from < AFTER_MS; await delay(LOOK_MS)) await look(false)
  return [...before].map(([name, sessions]) => ({
    master: name,
    heldMs,
    ended: why,
    accounts: accountsOf(sessions, looks.get(name) ?? []),
  }))
}

export async function sessionsOf(
  client: ControlClient,
  master: string | null,
): Promise<ReadonlyMap<string, readonly SessionSnapshot[]>> {
  const { masters } = (await client.ask('sessions', { master })) as unknown as SessionsResult
  return new Map(masters.map(one => [one.master, one.sessions]))
}

function earlyEnd(why: string): string {
  if (why === 'resume') return ''
  return why === 'stopped' ? 'somebody stopped it early\n' : `the hold ended by itself (${why}), see docs/control.md\n`
}

function textOf(reports: readonly DrillReport[]): string {
  const lines = reports.flatMap(report => {
    return [`${verdict(report)}\n`, earlyEnd(report.ended), table(rowsOf(report))]
  })
  return [...lines, ...remedies(reports).map(text => `remedy: ${text}\n`)].join('')
}
