// choice.ts: which command comes next: any of the table that leaves the connection as it is, now and then a spoilt
// one.
// Never: knows sessions or what came before.
import { fill, spoil, tableNames, type Words } from './arguments.ts'
import { compareOf, isLeftOut, leftOut } from './exceptions.ts'
import type { Random } from './random.ts'
import type { Scene } from './step.ts'

export interface Plot {
  /** How often it is played, relative to the others. */
  readonly weight: number
  readonly sessions: number
  readonly play: (random: Random, sessions: readonly number[]) => Scene
}

const special = new Set([
  ...['multi', 'exec', 'discard', 'watch', 'unwatch', 'monitor', 'quit', 'reset', 'hello', 'auth', 'select', 'client'],
  ...['subscribe', 'psubscribe', 'ssubscribe', 'unsubscribe', 'punsubscribe', 'sunsubscribe'],
  ...['blpop', 'brpop', 'blmove', 'blmpop', 'brpoplpush', 'bzpopmin', 'bzpopmax', 'bzmpop'],
])
/** Wiping everything is right now and then, not once in two hundred commands. */
const rare = new Set(['flushall', 'flushdb', 'swapdb', 'save', 'wait', 'waitaof', 'readonly', 'readwrite', 'asking'])

/** Commands that leave the connection as it is. */
export const plainNames = tableNames.filter(name => !special.has(name) && !(name in leftOut))

export function plainCommand(random: Random): Words {
  let name = random.pick(plainNames)
  if (isLeftOut(name)) name = 'get'
  if (rare.has(name) && random.chance(0.8)) name = random.pick(['get', 'set', 'lpush', 'hset', 'zadd', 'sadd', 'xadd'])
  const command = fill(random, name)
  return random.chance(0.08) ? spoil(random, command) : command
}

/** One whose reply is compared to the last byte, so that it can stand among others. */
export function exactCommand(random: Random): Words {
  for (;;) {
    const command = plainCommand(random)
    if (compareOf(command) === 'exact') return command
  }
}

export function many<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make)
}
