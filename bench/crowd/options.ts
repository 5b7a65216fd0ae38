// options.ts: the command line of the crowd, read once.
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Trigger, triggers } from './trigger.ts'

export interface Options {
  readonly sizes: readonly number[]
  readonly rounds: number
  readonly failovers: number
  readonly triggers: readonly Trigger[]
  readonly perProcess: number
  readonly settledSeconds: number
  readonly checkouts: readonly { readonly name: string; readonly path: string }[]
  readonly downAfterMs: number
  readonly json: string | undefined
  readonly logFile: string | null
  readonly profileFile: string | null
}

export const help = `usage: npm run crowd -- [options]
  --sidecars a,b,c     how many at a time (1,100,300,1000); the sizes take turns within a round
  --rounds N           rounds (1)
  --failovers N        of each crowd, one after the other (1)
  --triggers a,b       of killed planned noticed (killed,planned); noticed: planned, and the
                       Sentinel that leads reads INFO right behind the promotion
  --per-process N      sidecars in one process (250)
  --settled-seconds S  how long the settled crowd is watched (10)
  --down-after MS      Sentinel's down-after-milliseconds (2000)
  --base DIR           another checkout of holdfast, in turn with this one
  --json FILE          where all rounds go
  --log FILE           the log of one sidecar, debug lines included
  --profile FILE       the CPU profile of one process`

/** @throws Error in plain words for an option that is not known or has no sense. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sidecars: { type: 'string', default: '1,100,300,1000' },
      rounds: { type: 'string', default: '1' },
      failovers: { type: 'string', default: '1' },
      triggers: { type: 'string', default: 'killed,planned' },
      'per-process': { type: 'string', default: '250' },
      'settled-seconds': { type: 'string', default: '10' },
      'down-after': { type: 'string', default: '2000' },
      base: { type: 'string' },
      json: { type: 'string' },
      log: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return 'help'
  const own = { name: 'holdfast', path: resolve(import.meta.dirname, '../..') }
  return {
    sizes: values.sidecars.split(',').map(text => count('--sidecars', text, 10_000)),
    rounds: count('--rounds', values.rounds, 1_000),
    failovers: count('--failovers', values.failovers, 100),
    triggers: values.triggers.split(',').map(readTrigger),
    perProcess: count('--per-process', values['per-process'], 1_000),
    settledSeconds: count('--settled-seconds', values['settled-seconds'], 600),
    downAfterMs: count('--down-after', values['down-after'], 60_000),
    checkouts: values.base === undefined ? [own] : [own, { name: 'base', path: resolve(values.base) }],
    json: values.json,
    logFile: values.log ?? null,
    profileFile: values.profile ?? null,
  }
}

function readTrigger(text: string): Trigger {
  const known = triggers.find(one => one === text)
  if (known !== undefined) return known
  throw new Error(`--triggers: ${triggers.join(', ')}, not ${text}`)
}

function count(flag: string, text: string, most: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= most) return value
  throw new Error(`${flag}: a whole number from 1 to ${most}, not ${text}`)
}
