// engine.ts: what V8 is told, so that a proxy that nobody uses is small.
//
//   start: holdOptimizer ──▶ all is loaded: compactHeap ──▶ clients may come ──▶ the first traffic: releaseOptimizer
//
// The optimizing compiler is 9 MB of Node's file that an idle process need not have in memory. The code that loads
// modules and reads what Sentinels say is enough to start it. Reasons and measurements: docs/decisions/0014-small-at-rest.md
// Never: throws, or overrides what was given to Node.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isGiven } from './node-flags.ts'

let isHeld = false

/** Whoever gives Node such a flag knows why. Under --jitless V8 has no compiler, and must not be told to use one. */
export function mayHold(execArgv: readonly string[], nodeOptions = ''): boolean {
  return !['--opt', '--turbofan', '--jitless'].some(flag => isGiven(flag, execArgv, nodeOptions))
}

export function holdOptimizer(): void {
  const { NODE_OPTIONS } = process.env
  isHeld = mayHold(process.execArgv, NODE_OPTIONS)
  if (!isHeld) return
  // What V8's middle compiler makes while there is no optimizing one would else never ask for better code: whatever is
  // hot before the release would stay so for as long as the process lives.
  setFlagsFromString('--force-emit-interrupt-budget-checks')
  setFlagsFromString('--no-opt')
}

/** From now on what runs often is optimized, as by default. */
export function releaseOptimizer(): void {
  if (isHeld) setFlagsFromString('--opt')
  isHeld = false
}

interface Collection {
  readonly type: 'major'
  readonly execution: 'sync'
  /** Without it V8 keeps the pages for what comes next. */
  readonly flavor: 'last-resort'
}

/**
 * Gives back what loading and compiling have left: half of the heap is garbage by then, and an idle process would never
 * come to collect it. Takes 20 to 50 ms, so only while nobody is served.
 */
export function compactHeap(): void {
  try {
    // Node has no way to ask for a collection but its flag --expose-gc, which a new context obeys at any time.
    setFlagsFromString('--expose-gc')
    const collect: (how: Collection) => void = runInNewContext('gc')
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  } catch {
    // Then more memory is in use, and nothing else.
  } finally {
    setFlagsFromString('--no-expose-gc')
  }
}
