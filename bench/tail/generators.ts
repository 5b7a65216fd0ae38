// generators.ts: starts the two load generators as processes and speaks their words (generator.ts and clients.h have
// the other end).
//
// In C where there is a compiler: on a machine with few cores a generator in Node is late by up to a millisecond, as it
// needs two threads to be on time. In Node otherwise: the figures are rougher, and their ratios much the same.

import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { endRunning, type Running, type Stage } from '../stage.ts'
import { compile } from '../targets/compile.ts'
import type { LargeFigures, LargeLoad, SmallFigures, SmallLoad } from './loads.ts'

export type Language = 'c' | 'node'

/** What to start, up to its arguments. */
export interface Programs {
  readonly language: Language
  readonly small: readonly string[]
  readonly large: readonly string[]
}

/** A young generation that a whole measurement does not fill: no collection falls into it. */
const nodeFlags = ['--single-threaded-gc', '--min-semi-space-size=64', '--max-semi-space-size=64']
/** The large load is under way for so long before the small commands are counted. */
const leadMs = 500
const slowestMs = 20_000

export interface BothFigures {
  readonly small: SmallFigures
  readonly large: LargeFigures
}

/** Makes the programs; in Node where C was not asked for and there is no compiler. */
export async function makePrograms(stage: Stage, wanted: Language | undefined): Promise<Programs> {
  if (wanted === 'node') return nodePrograms()
  try {
    return await compiledPrograms(stage)
  } catch (error) {
    if (wanted === 'c') throw error
    return nodePrograms()
  }
}

async function compiledPrograms(stage: Stage): Promise<Programs> {
  const make = async (name: string): Promise<readonly string[]> => [await compile(stage, sourceOf(`${name}.c`), name)]
  return { language: 'c', small: await make('small-clients'), large: await make('large-clients') }
}

function nodePrograms(): Programs {
  const make = (name: string): readonly string[] => [process.execPath, ...nodeFlags, sourceOf(`${name}.ts`)]
  return { language: 'node', small: make('small-clients'), large: make('large-clients') }
}

function sourceOf(file: string): string {
  return join(import.meta.dirname, file)
}

/** Runs both together; rejects with the words of a generator that fails. */
export async function runBoth(
  stage: Stage,
  programs: Programs,
  small: SmallLoad,
  large: LargeLoad,
): Promise<BothFigures> {
  const generators = [
    await startGenerator(stage, 'large-clients', programs.large, large),
    await startGenerator(stage, 'small-clients', programs.small, small),
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

async function startGenerator(
  stage: Stage,
  name: string,
  [program = '', ...first]: readonly string[],
  load: object,
): Promise<Generator> {
  const args = Object.entries(load).map(([word, value]) => `${word}=${value}`)
  const running = await stage.start(name, program, [...first, ...args], { input: true })
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
