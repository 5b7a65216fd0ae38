// ahead-links.ts: links to a replica that is being promoted, made before the lanes that many share may use them.
//
//   expect(address) ──at random moments──▶ dialled ──▶ its handshake says "master" ──take──▶ a lane's link
//                            ▲                              │
//                            └──── ended ◀──────────────────┴─ a replica still, or the promotion ends all connections
//
// All sidecars hear of a new master in the same millisecond. Those that dialled then would overflow its queue of
// connections (promotionDial in backoff.ts). And the first command would wait for a connection and a handshake.
//
// Owns: these links, until a lane takes one. Must stay true: no command is sent on them before the control plane has
// confirmed the node. A lane whose link has a fence, scripts or a session's state to say takes none. What it says for the
// proof of its writes is said when the lane takes the link: a marker is read after the promotion.
import { type Address, type Master, sameAddress } from '../address.ts'
import { promotionDial } from '../backoff.ts'
import { instanceName } from '../instance.ts'
import { Handshake, type ProofSteps } from '../upstream/handshake.ts'
import type { Identity } from '../upstream/identity.ts'
import { IdleListener } from '../upstream/idle-listener.ts'
import { Link } from '../upstream/link.ts'
import type { LaneHost } from './lane-host.ts'
import type { Request } from './request.ts'

/** What no lane has taken by then is ended: a failover that leads nowhere, a lane that is used no more. */
const EXPECTED_MS = 10_000

interface Ahead {
  readonly identity: Identity
  link: Link<Request> | null
  timer: NodeJS.Timeout | null
}

export class AheadLinks extends IdleListener<Request> {
  readonly #host: LaneHost
  #expected: Address | null = null
  /** performance.now() after which nothing more is dialled. */
  #until = 0
  #ahead: Ahead[] = []
  #end: NodeJS.Timeout | null = null

  constructor(host: LaneHost) {
    super()
    this.#host = host
  }

  /** This replica will probably be the master in about a second; each of these will need a link to it. */
  expect(address: Address, identities: readonly Identity[]): void {
    if (this.#expected !== null && sameAddress(this.#expected, address)) return
    this.close()
    this.#expected = address
    this.#until = performance.now() + promotionDial.forMs
    this.#end = setTimeout(() => this.close(), EXPECTED_MS)
    this.#ahead = identities.map(identity => ({ identity, link: null, timer: null }))
    for (const ahead of this.#ahead) this.#later(ahead, promotionDial.afterMs())
  }

  /**
   * A link to the master that is up, or on its way; it is the caller's from now on. `proof`: what it says first. It was
   * dialled by a name before the node there was known: one that stands elsewhere is ended.
   */
  take(identity: Identity, master: Master, proof: ProofSteps | null): Link<Request> | undefined {
    const ahead = this.#ahead.find(one => one.identity.key === identity.key && one.link !== null)
    if (!ahead?.link || !sameAddress(ahead.link.master, master)) return undefined
    const { link } = ahead
    this.#drop(ahead)
    link.master = master
    if (link.isMisled) {
      link.cut('it stands at the server that was the master before')
      return undefined
    }
    if (proof !== null) {
      link.handshake.proceed(proof)
      link.writeHandshake()
    }
    return link
  }

  /** This node is the master, and lanes have taken what they need. */
  settle(): void {
    if (this.#expected !== null) this.close()
  }

  close(): void {
    this.#expected = null
    if (this.#end !== null) clearTimeout(this.#end)
    this.#end = null
    for (const ahead of this.#ahead) {
      const { link } = ahead
      this.#drop(ahead)
      link?.cut('nobody needs it')
    }
  }

  /** Forgets it; its link is another's, or is ended. */
  #drop(ahead: Ahead): void {
    if (ahead.timer !== null) clearTimeout(ahead.timer)
    ahead.timer = null
    ahead.link = null
    this.#ahead = this.#ahead.filter(one => one !== ahead)
  }

  #later(ahead: Ahead, ms: number): void {
    ahead.timer = setTimeout(() => {
      ahead.timer = null
      if (this.#expected === null || performance.now() > this.#until) return
      const master = { ...this.#expected, epoch: 0, runId: null }
      const first = { fence: [], scripts: [], waits: this.#host.prove !== null, name: instanceName }
      ahead.link = new Link(master, new Handshake(ahead.identity, first), this, this.#host, { busy: true })
    }, ms)
  }

  onClosed(link: Link<Request>): void {
    const ahead = this.#ahead.find(one => one.link === link)
    if (ahead === undefined) return
    ahead.link = null
    this.#later(ahead, promotionDial.againMs())
  }

  onBug(_link: Link<Request>, _request: Request | undefined, error: unknown): void {
    this.#host.bugs.ofStep(error, 'links ahead')
  }
}
