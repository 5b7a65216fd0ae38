// compile-threads.ts: lets the thread that serves clients go before the threads on which V8 compiles.
//
// In its first seconds with traffic a proxy compiles some 300 ms of code, in pieces of up to 6 ms. Such a piece on the
// core of the main thread, or of redis-server beside it, is a wait for everybody. The threads get what the main thread
// leaves. Reasons and measurements: docs/decisions/0008-garbage-collector.md
//
// Never: throws, or touches threads that collect garbage: for these the main thread waits.
import { readdirSync, readFileSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'

/** A tenth of the main thread's weight: where there is one core for both, code is still made within seconds. */
const NICER_BY = 10
const NICEST = 19
/** Node names its threads from version 24 on; before, none is found. */
const COMPILE_THREAD = 'V8Worker\n'

/** Whether V8 collects garbage on the main thread alone: the last word for or against it counts. */
export function collectsOnMainThread(execArgv: readonly string[], nodeOptions = ''): boolean {
  const words = [...nodeOptions.split(/\s+/), ...execArgv].map(word => word.replaceAll('_', '-'))
  return words.findLast(word => /^--(?:no-)?single-threaded-gc$/.test(word)) === '--single-threaded-gc'
}

/** On Linux, where each thread has a priority of its own. Where the system forbids it, all stays as it is. */
export function yieldToMainThread(): void {
  const { NODE_OPTIONS } = process.env
  if (!collectsOnMainThread(process.execArgv, NODE_OPTIONS)) return
  try {
    const priority = Math.min(NICEST, getPriority() + NICER_BY)
    for (const thread of readdirSync('/proc/self/task')) {
      const name = readFileSync(`/proc/self/task/${thread}/comm`, 'latin1')
      if (name === COMPILE_THREAD) setPriority(Number(thread), priority)
    }
  } catch {
    // Then the first seconds have longer waits, and nothing else.
  }
}
