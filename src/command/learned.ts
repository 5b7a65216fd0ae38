// learned.ts — commands the table does not know (modules, newer servers), as the master's own COMMAND reply describes them.
// What even that does not tell is taken for a write that must not be repeated.
import type { ReplayClass } from './spec.ts'

export interface LearnedCommand {
  readonly cls: ReplayClass
  /** It may wait on the server: it must not be sent over a link that others use. */
  readonly blocks: boolean
}

/** Filled when a master is confirmed; asked for unknown names only. */
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
      // `readonly` alone is not enough: a command that may replicate or publish is flagged otherwise as well.
      const reads = words.has('readonly') && !words.has('write') && !blocks
      learned.set(name, { cls: reads ? 'read' : 'non-idempotent', blocks })
    }
    this.#byName = learned
  }

  find(name: string): LearnedCommand | undefined {
    return this.#byName.get(name.toLowerCase())
  }
}
