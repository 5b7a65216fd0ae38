// subscriptions.ts: the channels that a session listens to, by kind, exactly as the server's confirmations say.
//
// A new master gets them again. They tell messages from replies on a RESP2 link, and how many confirmations an
// UNSUBSCRIBE without arguments brings.

/** The kinds, by the command that subscribes. */
export type SubscriptionKind = 'subscribe' | 'psubscribe' | 'ssubscribe'

const kinds = ['subscribe', 'psubscribe', 'ssubscribe'] as const
const removals: Readonly<Record<string, SubscriptionKind>> = {
  unsubscribe: 'subscribe',
  punsubscribe: 'psubscribe',
  sunsubscribe: 'ssubscribe',
}
const messages = new Set(['message', 'pmessage', 'smessage'])

/** The first element of a frame that is an array or a push of bulk strings; '' when it is something else. */
export function firstWord(frame: Buffer): string {
  // >3\r\n$7\r\nmessage\r\n... — two headers, then the word
  const header = frame.indexOf(10)
  if (header < 0 || frame[header + 1] !== 36) return ''
  const length = frame.indexOf(10, header + 1)
  const end = frame.indexOf(13, length + 1)
  return length < 0 || end < 0 || end - length > 32 ? '' : frame.toString('latin1', length + 1, end)
}

/** Is this frame a message to a subscriber, not a reply? */
export function isMessage(frame: Buffer): boolean {
  return messages.has(firstWord(frame))
}

/** A confirmation of (P|S)(UN)SUBSCRIBE. */
export function isConfirmation(frame: Buffer): boolean {
  const word = firstWord(frame)
  return word in removals || (kinds as readonly string[]).includes(word)
}

export class Subscriptions {
  /** Commands that add or remove some and have no reply yet. */
  asked = 0
  readonly #sets: Readonly<Record<SubscriptionKind, Map<string, Buffer>>> = {
    subscribe: new Map(),
    psubscribe: new Map(),
    ssubscribe: new Map(),
  }

  get size(): number {
    return kinds.reduce((sum, kind) => sum + this.#sets[kind].size, 0)
  }

  /** How many subscriptions there are of the kind that this command word adds or removes. */
  count(word: string): number {
    const kind = removals[word] ?? kinds.find(k => k === word)
    return kind === undefined ? 0 : this.#sets[kind].size
  }

  /** Takes one confirmation. `channel` null: the server says there was none. */
  confirm(word: string, channel: Buffer | null): void {
    if (channel === null) return
    const key = channel.toString('latin1')
    const removed = removals[word]
    if (removed !== undefined) this.#sets[removed].delete(key)
    else {
      const added = kinds.find(k => k === word)
      if (added !== undefined) this.#sets[added].set(key, Buffer.from(channel))
    }
  }

  clear(): void {
    for (const kind of kinds) this.#sets[kind].clear()
  }

  /** One command per kind in use, its channels in the order of subscription. */
  *commands(): Generator<{ kind: SubscriptionKind; channels: Buffer[] }> {
    for (const kind of kinds) if (this.#sets[kind].size > 0) yield { kind, channels: [...this.#sets[kind].values()] }
  }
}
