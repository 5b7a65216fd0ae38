// refusal-question.ts: asks the node whose words an error line is, where refusal-texts.ts cannot tell: the server's, or
// those of a script. It asks on a connection of its own, by the handshake of an ordinary link, which any user may do.
//
//   dial ─▶ HELLO, PING ─┬─ a master that serves ─▶ 'serves'
//     ▲                  ├─ a replica ────────────▶ 'no-master'
//     │                  ├─ loading ──────────────▶ 'loading'
//     └── pause ─────────┴─ no answer: the control plane is asked too, and serves, cuts or holds
//
// Owns: that connection. Never: decides what follows (lane-refusals.ts), asks after cancel().
//
// Must stay true: it answers once or never. The reply in doubt waits meanwhile, so the lane bounds the time.

import { backoffMs } from '../backoff.ts'
import { Handshake, type HandshakeFailure } from '../upstream/handshake.ts'
import type { Identity } from '../upstream/identity.ts'
import { IdleListener } from '../upstream/idle-listener.ts'
import { Link } from '../upstream/link.ts'
import type { LaneHost } from './lane-host.ts'
import type { ServerRefusal } from './refusal-texts.ts'
import type { Request } from './request.ts'

export type NodeAnswer = 'serves' | 'no-master' | 'loading'

/** A link's reply that is in doubt. */
export interface StalledReply {
  readonly link: Link<Request>
  readonly identity: Identity
  /** What it would be if it were the server's. */
  readonly refusal: ServerRefusal
}

export class NodeQuestion extends IdleListener<Request> {
  readonly about: StalledReply
  /** performance.now() */
  readonly since = performance.now()
  readonly #host: LaneHost
  #onAnswer: ((answer: NodeAnswer) => void) | null
  #link: Link<Request> | null = null
  #timer: NodeJS.Timeout | null = null
  #attempt = 0

  constructor(host: LaneHost, about: StalledReply, onAnswer: (answer: NodeAnswer) => void) {
    super()
    this.#host = host
    this.about = about
    this.#onAnswer = onAnswer
    this.#ask()
  }

  /** Nobody could tell yet, and the control plane has been asked as well: its next word counts. */
  get isOpenToAll(): boolean {
    return this.#attempt > 0
  }

  cancel(): void {
    this.#onAnswer = null
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#link?.cut('the question is over')
  }

  #ask(): void {
    const { master } = this.about.link
    this.#link = new Link(master, new Handshake(this.about.identity, undefined, null, master), this, this.#host)
  }

  #tell(answer: NodeAnswer): void {
    const onAnswer = this.#onAnswer
    this.cancel()
    onAnswer?.(answer)
  }

  override onReady(): void {
    this.#tell('serves')
  }

  override onHandshakeFailed(_link: Link<Request>, failure: HandshakeFailure): void {
    if (failure.kind === 'not-master') this.#tell('no-master')
    else if (failure.kind === 'not-ready') this.#tell('loading')
  }

  onClosed(): void {
    if (this.#onAnswer === null) return
    this.#attempt++
    this.#host.observe('a refusal in doubt')
    this.#timer = setTimeout(
      () => {
        try {
          this.#ask()
        } catch (error) {
          this.about.link.onBug(error)
        }
      },
      backoffMs(this.#attempt, this.#host.backoff),
    )
  }

  /** What follows from the answer went wrong: the link that waits for it is lost. */
  onBug(_link: Link<Request>, _request: Request | undefined, error: unknown): void {
    this.about.link.onBug(error)
  }
}
