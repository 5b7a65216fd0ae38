// ctl.ts: `holdfast ctl WORD`: tells the running proxy what to do, over its control socket.
//
//   ctl status | pause [--max 30s] [--timeout 5s] [--ignore-blocked] [--foreground] | resume | drain | reload
//       | log-level LEVEL [--for 10m]        each with --json; --master NAME chooses where several are served
//
// A pause lasts until its time is over, or `ctl resume`. With --foreground it ends with the command, too.
//
// Exit code: 0 when it is done, 1 when it is not (what is in flight is named), 2 for wrong options.

import { options } from '../config/option-table.ts'
import { didYouMean, nearest } from '../config/suggest.ts'
import type { Environment } from '../config.ts'
import { ANSWER_MS, type ControlClient } from '../control/client.ts'
import { type HeldPauseTerms, holdPause } from '../control/held-pause.ts'
import { ControlError, type PauseResult, type ResumeResult } from '../control/protocol.ts'
import { answersQuestion, controlPath, refuseDryRun, withControl, wrong } from './control-socket.ts'
import { pauseTable, reloadTable, resumeTable, sessionTable, statusTable } from './ctl-print.ts'
import { type OwnFlags, takeFlags, timeOf } from './own-flags.ts'
import { stopSignal } from './stop-signal.ts'

const words = ['status', 'pause', 'resume', 'drain', 'reload', 'log-level'] as const
type Word = (typeof words)[number]

/** What may follow each word, besides --json and the options of the proxy. */
const flagsOf: Readonly<Record<Word, readonly string[]>> = {
  status: [],
  pause: ['max', 'timeout', 'ignore-blocked', 'foreground', 'master'],
  resume: ['master'],
  drain: [],
  reload: [],
  'log-level': ['for'],
}
const DEFAULT_EMPTY_MS = 5_000
/** A pause in the foreground ends so long after this process was stopped. */
const LEASE_MS = 3_000

export async function ctl(argv: readonly string[], env: Environment): Promise<void> {
  const flags = takeFlags(argv, {
    switches: ['json', 'ignore-blocked', 'foreground'],
    values: ['max', 'timeout', 'master', 'for'],
  })
  if (answersQuestion('ctl', flags.rest, env)) return
  const [first, level, ...more] = flags.words
  const word = words.find(one => one === first)
  if (word === undefined) {
    const meant = didYouMean(nearest(first ?? '', words))
    wrong('ctl', [`ctl: argument 1: expected one of ${words.join(', ')}${meant}`])
    return
  }
  const errors: string[] = [...flags.errors]
  if (more.length > 0 || (level !== undefined && word !== 'log-level')) {
    const hint = flagsOf[word].includes('master') ? '; --master NAME names a master' : ''
    errors.push(`ctl ${word}: too many words${hint}`)
  }
  if (word === 'log-level') errors.push(...wrongLevel(level))
  for (const given of [...flags.on, ...flags.texts.keys()]) {
    if (given === 'json' || flagsOf[word].includes(given)) continue
    const why = given === 'master' ? ': it is about the whole process' : ''
    errors.push(`ctl ${word}: takes no --${given}${why}`)
  }
  if (word !== 'status') refuseDryRun(`ctl ${word}`, flags.rest, errors)
  const said = saidFor(word, { flags, level, errors })
  if (errors.length > 0) {
    wrong('ctl', errors)
    return
  }
  const path = controlPath('ctl', flags.rest, env)
  if (path === null) return
  const json = flags.on.has('json')
  await withControl(path, { command: `ctl ${word}`, json }, async client => {
    if (flags.on.has('foreground')) await pauseHere(client, said, json)
    else process.stdout.write(await run(word, { client, said, json }))
  })
}

function wrongLevel(level: string | undefined): string[] {
  const read = options['log-level'].kind.read(level ?? '')
  return 'value' in read ? [] : [`ctl log-level: argument 2: expected ${read.expected}`]
}

function saidFor(
  word: Word,
  { flags, level, errors }: { flags: OwnFlags; level: string | undefined; errors: string[] },
): Readonly<Record<string, unknown>> {
  const master = flags.texts.get('master') ?? null
  switch (word) {
    case 'pause': {
      const maxMs = timeOf(flags, 'max', { min: '1ms', max: '10m', fallback: 30_000, errors })
      const emptyMs = timeOf(flags, 'timeout', { min: '1ms', max: '10m', fallback: DEFAULT_EMPTY_MS, errors })
      return { master, maxMs, emptyMs: Math.min(emptyMs, maxMs), ignoreBlocked: flags.on.has('ignore-blocked') }
    }
    case 'resume':
      return { master }
    case 'log-level':
      return { level, forMs: timeOf(flags, 'for', { min: '1ms', max: '24h', fallback: null, errors }) }
    case 'status':
    case 'drain':
    case 'reload':
      return {}
  }
}

interface Job {
  readonly client: ControlClient
  readonly said: Readonly<Record<string, unknown>>
  readonly json: boolean
}

/** Lasts until somebody stops this process, and at most its longest time. */
async function pauseHere(client: ControlClient, said: Job['said'], json: boolean): Promise<void> {
  const terms = { ...said, by: 'ctl', leaseMs: LEASE_MS } as unknown as HeldPauseTerms
  // From here on: somebody may stop it while it waits for what is in flight.
  const stop = stopSignal()
  const { reached, ended, resume } = await holdPause(client, terms, stop).catch(named(json))
  // Where it fails, the end of this process does it.
  stop.addEventListener('abort', () => void resume().catch(() => client.close()))
  process.stdout.write(json ? `${JSON.stringify(reached)}\n` : pauseTable(reached))
  const why = await ended
  process.stdout.write(json ? `${JSON.stringify({ ended: why })}\n` : `the pause is over (${why})\n`)
}

/** Prints what was in flight, and fails. */
const named =
  (json: boolean) =>
  (error: unknown): never => {
    if (!json && error instanceof ControlError) process.stdout.write(sessionTable(error.failure.masters ?? []))
    throw error
  }

/** What is to be printed. */
async function run(word: Word, { client, said, json }: Job): Promise<string> {
  // The proxy answers a pause after its time at the latest.
  const result = await client.ask(word, said, ANSWER_MS + Number(said['emptyMs'] ?? 0)).catch(named(json))
  if (json) return `${JSON.stringify(result, null, 2)}\n`
  switch (word) {
    case 'status':
      return statusTable(result)
    case 'pause':
      return pauseTable(result as unknown as PauseResult)
    case 'resume':
      return resumeTable(result as unknown as ResumeResult)
    case 'drain':
      return 'the proxy stops, as after SIGTERM\n'
    case 'reload':
      return reloadTable(result)
    case 'log-level':
      return `the log level was ${String(result['was'])} and is ${String(result['level'])}\n`
  }
}
