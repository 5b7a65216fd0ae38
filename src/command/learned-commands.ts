// learned-commands.ts: commands the table does not know (modules, newer servers), as the master's COMMAND reply has
// them. Commands still unknown count as writes that must not be repeated.
import type { ReplayClass } from './command-spec.ts'

export interface LearnedCommand {
  readonly cls: ReplayClass
  /** It may wait on the server: it must not be sent over a link that others use. */
  readonly blocks: boolean
}

/**
 * Commands whose flags tell too little: FT.CURSOR READ takes its answer out of a cursor, and TS.READ waits when asked
 * to (from the documentation of the modules in Redis 8).
 */
const exceptions: ReadonlyMap<string, Partial<LearnedCommand>> = new Map([
  ['ft.cursor', { cls: 'non-idempotent' }],
  ['ft.cursor|read', { cls: 'non-idempotent' }],
  ['ts.read', { cls: 'non-idempotent', blocks: true }],
])

/** Filled when a master is confirmed; asked for unknown names only, a subcommand's as `container|name`. */
export class LearnedCommands {
  #byName: ReadonlyMap<string, LearnedCommand> = new Map()

  get size(): number {
    return this.#byName.size
  }

  /** `flags` by lower-case name, as COMMAND gives them. Replaces what an earlier master has said. */
  learn(flags: ReadonlyMap<string, ReadonlySet<string>>): void {
    const learned = new Map<string, LearnedCommand>()
    for (const [name, words] of flags) {
      const blocks = words.has('blocking')
      const acts = ['write', 'may_replicate', 'admin'].some(word => words.has(word))
      const reads = words.has('readonly') && !acts && !blocks
      learned.set(name, { cls: reads ? 'read' : 'non-idempotent', blocks, ...exceptions.get(name) })
    }
    this.#byName = learned
  }

  find(name: string): LearnedCommand | undefined {
    return this.#byName.get(name.toLowerCase())
  }
}
