// generators.ts: starts the two load generators as processes and speaks their words (generator.ts has the other end).

import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { endRunning, type Running, type Stage } from '../stage.ts'
import type { LargeFigures, LargeLoad } from './large-clients.ts'
import type { SmallFigures, SmallLoad } from './small-clients.ts'

/** A young generation that a whole measurement does not fill: no collection falls into it. */
const nodeFlags = ['--single-threaded-gc', '--min-semi-space-size=64', '--max-semi-space-size=64']
/** The large load is under way for so long before the small commands are counted. */
const leadMs = 500
const slowestMs = 20_000

export interface BothFigures {
  readonly small: SmallFigures
  readonly large: LargeFigures
}

/** Runs both together; rejects with the words of a generator that fails. */
export async function runBoth(stage: Stage, small: SmallLoad, large: LargeLoad): Promise<BothFigures> {
  const generators = [
    await startGenerator(stage, 'large-clients', large),
    await startGenerator(stage, 'small-clients', small),
  ] as const
  const [largeOne, smallOne] = generators
  try {
    await Promise.all(generators.map(one => one.said('ready', slowestMs)))
    largeOne.tell('go')
    await delay(leadMs)
    smallOne.tell('go')
    const smallWithin = small.seconds * 1_000 + slowestMs
    const smallDone = smallOne.said('done', smallWithin)
    const smallText = await Promise.race([smallDone, largeOne.failed])
    largeOne.tell('stop')
    return { small: JSON.parse(smallText), large: JSON.parse(await largeOne.said('done', slowestMs)) }
  } finally {
    for (const one of generators) await endRunning(one.running)
  }
}

interface Generator {
  readonly running: Running
  tell(word: string): void
  /** Resolves with what follows the word. */
  said(word: string, withinMs: number): Promise<string>
  /** Never resolves; rejects when the process ends with a failure. */
  readonly failed: Promise<never>
}

async function startGenerator(stage: Stage, name: string, load: object): Promise<Generator> {
  const script = join(import.meta.dirname, `${name}.ts`)
  const args = [...nodeFlags, script, JSON.stringify(load)]
  const running = await stage.start(name, process.execPath, args, { input: true })
  const { stdin, stdout } = running.child
  if (stdin === null || stdout === null) throw new Error(`${name} has no standard input or output`)
  stdin.on('error', () => {})
  const heard = new Map<string, string>()
  const lines = createInterface({ input: stdout })
  lines.on('line', line => {
    const [word = ''] = line.split(' ', 1)
    heard.set(word, line.slice(word.length + 1))
    lines.emit('word')
  })
  const failed = new Promise<never>((_, reject) => {
    running.child.once('close', code => {
      if (code !== 0) reject(new Error(`${name}: ${running.output.trim().split('\n').at(-1) || `ended with ${code}`}`))
    })
  })
  failed.catch(() => {})

  async function said(word: string, withinMs: number): Promise<string> {
    const signal = AbortSignal.timeout(withinMs)
    const hear = async (): Promise<string> => {
      for (;;) {
        const text = heard.get(word)
        if (text !== undefined) return text
        await once(lines, 'word', { signal })
      }
    }
    return Promise.race([hear(), failed])
  }
  return { running, tell: word => void stdin.write(`${word}\n`), said, failed }
}
