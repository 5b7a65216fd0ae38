// idle-links.ts — links that a session has left clean, kept a while for the next one that needs a link of its own: a
// worker that blocks in BLPOP, works, and blocks again should not dial for each round.

import type { Identity } from '../upstream/identity.ts'
import type { Link, LinkListener } from '../upstream/link.ts'
import type { Request } from './request.ts'

const MAX_IDLE = 64
const IDLE_MS = 10_000

interface Idle {
  readonly identity: Identity
  readonly link: Link<Request>
  readonly since: number
}

export class IdleLinks implements LinkListener<Request> {
  #idle: Idle[] = []

  /** Keeps the link, or cuts it when enough are kept. */
  put(identity: Identity, link: Link<Request>): void {
    if (this.#idle.length >= MAX_IDLE) {
      link.setListener(this)
      link.cut('enough idle links')
      return
    }
    link.isPush = null
    link.setListener(this)
    this.#idle.push({ identity, link, since: performance.now() })
  }

  /** The one used last, of this identity; undefined when there is none. */
  take(key: string): Link<Request> | undefined {
    for (let i = this.#idle.length - 1; i >= 0; i--) {
      const entry = this.#idle[i]
      if (entry?.identity.key !== key) continue
      this.#idle.splice(i, 1)
      return entry.link
    }
    return undefined
  }

  /** Cuts all others. */
  keepOnly(wanted: (link: Link<Request>) => boolean): void {
    this.#drop(entry => !wanted(entry.link), 'the master moved')
  }

  /** Of each link that is kept. */
  identities(): Identity[] {
    return this.#idle.map(entry => entry.identity)
  }

  expire(now: number): void {
    if (this.#idle.length > 0) this.#drop(entry => now - entry.since > IDLE_MS, 'idle')
  }

  close(): void {
    this.#drop(() => true, 'shutdown')
  }

  #drop(which: (entry: Idle) => boolean, detail: string): void {
    const dropped = this.#idle.filter(which)
    this.#idle = this.#idle.filter(entry => !which(entry))
    for (const entry of dropped) entry.link.cut(detail)
  }

  onClosed(link: Link<Request>): void {
    this.#idle = this.#idle.filter(entry => entry.link !== link)
  }

  onReady(): void {}
  onReplies(): void {}
  onFrame(): void {}
  onPush(): void {}
  onReadEnd(): boolean {
    return true
  }
  onWritable(): void {}
  onHandshakeFailed(): void {}
  /** The link ends; nobody uses it. */
  onBug(): void {}
}
