// missed-messages.ts: logs how long subscriptions were away: their clients missed what was published meanwhile.
//
// One line covers all sessions that come back within a second of the first: a failover brings hundreds at a time. A
// failover is expected to cost messages. A link lost while the master stays is not: that is logged as a warning.
import type { Log } from '../../ops/log.ts'

const SPELL_MS = 1_000

export interface Return {
  readonly channels: number
  /** From the loss of the link until the server has confirmed the subscriptions again. */
  readonly awayMs: number
  /** The master is the same: no failover explains it. */
  readonly isSame: boolean
}

interface Spell {
  sessions: number
  channels: number
  longestMs: number
}

export class MissedMessages {
  readonly #log: Log
  readonly #spells: { moved: Spell | null; same: Spell | null } = { moved: null, same: null }
  #timer: NodeJS.Timeout | null = null

  constructor(log: Log) {
    this.#log = log
  }

  add({ channels, awayMs, isSame }: Return): void {
    const kind = isSame ? 'same' : 'moved'
    this.#spells[kind] ??= { sessions: 0, channels: 0, longestMs: 0 }
    const spell = this.#spells[kind]
    spell.sessions++
    spell.channels += channels
    spell.longestMs = Math.max(spell.longestMs, Math.round(awayMs))
    this.#timer ??= setTimeout(() => this.flush(), SPELL_MS)
  }

  /** Logs what has gathered, now. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const { moved, same } = this.#spells
    this.#spells.moved = null
    this.#spells.same = null
    const event = 'session.resubscribed'
    if (moved !== null)
      this.#log.info(
        { event, cause: 'failover', ...moved },
        'subscribed again on the new master; messages published while the subscriptions were away were missed',
      )
    if (same !== null)
      this.#log.warn(
        { event, cause: 'link-lost', ...same },
        'links were lost on the same master (see link.lost); subscribed again, and missed what was published meanwhile',
      )
  }
}
