// lane-refusals.ts: what a node has refused on one lane's link, and the replies behind it.
//
//   error line ─▶ server-refusal.ts: whose words? ─┬─ the server's ─▶ refusal
//                                                  └─ only the node knows: the link is stalled, script-refusal.ts asks
//                                                         answer ─▶ the same frame is looked at again, with a verdict
//   refusal ─▶ not-ready.ts sets replies aside until the link owes nothing ─▶ end(): what is sent again
//
// Owns: the question to the node, what is set aside. Never: cuts the link, sends anything again (lane.ts).
import type { Link } from '../upstream/link.ts'
import type { LaneHost } from './lane-host.ts'
import type { LaneInfo } from './link-log.ts'
import { NotReady } from './not-ready.ts'
import { namedClassOf } from './replay.ts'
import type { Request } from './request.ts'
import { takeBack } from './requeue.ts'
import { type NodeAnswer, NodeQuestion, type StalledReply } from './script-refusal.ts'
import { judgeError, refusalCode, type ServerRefusal } from './server-refusal.ts'

/** After a change of master, replicas attach in about a second. After this long, NOREPLICAS is the true answer. */
const NOREPLICAS_WINDOW_MS = 10_000

/** Has the node refused a command, or are these a script's own words? */
type Question =
  | { readonly kind: 'none' }
  /** The link is stalled until the node has told. */
  | { readonly kind: 'asked'; readonly to: NodeQuestion }
  /** It has: so the frame is to be taken that the link looks at next. */
  | { readonly kind: 'answered'; readonly verdict: ServerRefusal | 'own reply' }

const NO_QUESTION: Question = { kind: 'none' }

export class LaneRefusals {
  /** Replies are set aside, and nothing new is sent; null: the node serves. */
  aside: NotReady | null = null
  readonly #host: LaneHost
  readonly #lane: LaneInfo
  #question: Question = NO_QUESTION

  constructor(host: LaneHost, lane: LaneInfo) {
    this.#host = host
    this.#lane = lane
  }

  /** No reply of this node counts: it is no master by its own word. */
  get isDeposed(): boolean {
    return this.aside?.deposed ?? false
  }

  /** Since when (performance.now()) the node is asked; undefined while it is not. */
  get askedSince(): number | undefined {
    return this.#question.kind === 'asked' ? this.#question.to.since : undefined
  }

  /** The error line that has just answered a command of `request`. 'in doubt': it is looked at again later. */
  judge(link: Link<Request>, request: Request, frame: Buffer): ServerRefusal | 'in doubt' | undefined {
    if (this.#question.kind === 'answered') {
      const { verdict } = this.#question
      this.#question = NO_QUESTION
      return verdict === 'own reply' ? undefined : verdict
    }
    const judged = judgeError(request, frame)
    if (judged === null) return undefined
    const since = performance.now() - this.#host.gate.state.since
    if (refusalCode(frame) === 'NOREPLICAS' && since > NOREPLICAS_WINDOW_MS) return undefined
    if (judged.proved || this.isDeposed) return judged.refusal
    link.stall(request, frame)
    const about = { link, identity: this.#lane.identity, refusal: judged.refusal }
    const onAnswer = (about: StalledReply, answer: NodeAnswer): void => this.#onAnswer(about, answer)
    this.#question = { kind: 'asked', to: new NodeQuestion(this.#host, about, onAnswer) }
    return 'in doubt'
  }

  /** The control plane has just confirmed the master: that is the answer, where the node has given none. */
  onConfirmed(): void {
    if (this.#question.kind !== 'asked' || !this.#question.to.isOpenToAll) return
    this.#onAnswer(this.#question.to.about, 'serves')
  }

  #onAnswer({ link, refusal }: StalledReply, answer: NodeAnswer): void {
    this.forgetQuestion()
    let verdict: ServerRefusal | 'own reply' = 'own reply'
    if (answer === 'no-master') {
      this.begin(link).depose()
      this.#host.observe('the node says it is no master')
      verdict = 'wrong-node'
    } else if (answer === 'loading' && refusal === 'not-now') verdict = refusal
    this.#question = { kind: 'answered', verdict }
    link.readOn()
  }

  /** The link that was stalled is gone. */
  forgetQuestion(): void {
    if (this.#question.kind === 'asked') this.#question.to.cancel()
    this.#question = NO_QUESTION
  }

  /** From here on each reply of the link is looked at, and nothing new is sent. */
  begin(link: Link<Request>): NotReady {
    this.aside ??= new NotReady(this.#host.learned)
    link.inspectAll = true
    return this.aside
  }

  /** Answers whether the reply was set aside: its client must not see it now. */
  setAside(request: Request, frame: Buffer, type: number, refused: boolean): boolean {
    if (!this.aside?.take(request, frame, type, refused)) return false
    if (refused) this.absorb(frame)
    return true
  }

  /** The client does not hear of this refusal. */
  absorb(frame: Buffer): void {
    this.#host.counters.absorbed++
    this.#host.counters.detail.absorbed.add(refusalCode(frame))
  }

  /** The link owes nothing more, or is gone. Answers what was set aside, ready for the front of the lane. */
  end(): Request[] {
    const { aside } = this
    this.aside = null
    if (aside === null) return []
    const { counters, policy, learned } = this.#host
    return aside.end().flatMap(request => {
      if (aside.isUnknown(request)) return takeBack(request, 'unknown', policy, counters, learned)
      if (request.local === null) counters.detail.replays.add(`${namedClassOf(request)} not-now`)
      return [request]
    })
  }

  /** The lane is closed: answers what was set aside, which nobody waits for. */
  drop(): Request[] {
    this.forgetQuestion()
    const dropped = this.aside?.end() ?? []
    this.aside = null
    return dropped
  }
}
