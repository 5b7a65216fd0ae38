// lane-refusals.ts: what one lane does with the refusals of its node. It joins the three parts: the texts, the question
// and what is set aside.
//
//   error line ─▶ refusal-texts.ts: whose words? ──┬─ the server's ─▶ refusal
//                                                  └─ only the node knows: the link stalls, refusal-question.ts asks
//                                                         answer ─▶ the same frame is looked at again, with a verdict
//   -UNBLOCKED, where the node was asked for it (unblocking.ts) ─▶ refusal: nothing was taken
//   refusal, or a deposed node ─▶ not-ready-node.ts sets replies aside until the link owes nothing ─▶ end(): what is sent
//   again
//
// Owns: the question to the node, what is set aside, which wait the node was asked to end. Never: cuts the link, sends
// anything again (lane.ts).
import type { Link } from '../upstream/link.ts'
import { Pausing } from '../upstream/pauses.ts'
import type { LaneHost } from './lane-host.ts'
import type { LaneInfo } from './link-log.ts'
import { NotReady } from './not-ready-node.ts'
import { type NodeAnswer, NodeQuestion, type StalledReply } from './refusal-question.ts'
import { isUnblocked, judgeError, refusalCode, type ServerRefusal } from './refusal-texts.ts'
import { mayRunTwice, namedClassOf, waitsForTheSame } from './replay-rule.ts'
import type { Request } from './request.ts'
import { takeBack } from './take-back.ts'

export class LaneRefusals {
  /** Replies are set aside, and nothing new is sent; null: the node serves. */
  aside: NotReady | null = null
  readonly #host: LaneHost
  readonly #lane: LaneInfo
  readonly #onWrongNode: () => void
  /** The node was asked to end the wait of this command (unblocking.ts); null: of none. */
  unblocked: Request | null = null
  /**
   * Has the node refused a command, or are these a script's own words? The link is stalled until the node has told.
   * What it has told says how the frame is to be taken that the link looks at next.
   */
  #question: NodeQuestion | ServerRefusal | 'own reply' | null = null

  constructor(host: LaneHost, lane: LaneInfo, onWrongNode: () => void) {
    this.#host = host
    this.#lane = lane
    this.#onWrongNode = onWrongNode
  }

  /** No reply of this node counts: it is no master by its own word. */
  get isDeposed(): boolean {
    return this.aside?.deposed ?? false
  }

  /** Since when (performance.now()) the node is asked; undefined while it is not. */
  get askedSince(): number | undefined {
    return this.#question instanceof NodeQuestion ? this.#question.since : undefined
  }

  /**
   * The node is asked to end the wait of the command at the head of the link, if that may take something. Answers whether
   * there is such a one.
   */
  unblock(link: Link<Request>): boolean {
    if (!this.mayUnblock(link)) return false
    this.unblocked = link.head ?? null
    return true
  }

  /** Whether there is such a one; the node is not asked. */
  mayUnblock(link: Link<Request>): boolean {
    const { head } = link
    if (link.status !== 'ready' || !head?.blocking || this.isUnblocking(link) || link.inFlight > 1) return false
    return !mayRunTwice(head, this.#host.learned) && waitsForTheSame(head)
  }

  /** What it answers is no reply of its own, if the wait has ended for that: it says that nothing was taken. */
  isUnblocking(link: Link<Request>): boolean {
    return this.unblocked !== null && link.head === this.unblocked
  }

  /** The error line that has just answered a command of `request`. 'in doubt': it is looked at again later. */
  judge(link: Link<Request>, request: Request, frame: Buffer): ServerRefusal | 'in doubt' | undefined {
    if (typeof this.#question === 'string') {
      const verdict = this.#question
      this.#question = null
      return verdict === 'own reply' ? undefined : verdict
    }
    if (request === this.unblocked && isUnblocked(frame)) return 'wrong-node'
    const judged = judgeError(request, frame)
    if (judged === null) return undefined
    if (!this.#host.passes(frame)) return undefined
    if (judged.proved || this.isDeposed) return judged.refusal
    link.stall(request, frame)
    const about = { link, identity: this.#lane.identity, refusal: judged.refusal }
    this.#question = new NodeQuestion(this.#host, about, answer => this.#onAnswer(about, answer))
    return 'in doubt'
  }

  /** The control plane has just confirmed the master: that is the answer, where the node has given none. */
  onConfirmed(): void {
    if (this.#question instanceof NodeQuestion && this.#question.isOpenToAll)
      this.#onAnswer(this.#question.about, 'serves')
  }

  #onAnswer({ link, refusal }: StalledReply, answer: NodeAnswer): void {
    this.forgetQuestion()
    this.#question = 'own reply'
    if (answer === 'no-master' && this.#host.prove !== null) {
      // The marker tells what has run, and better than the replies of this node.
      this.#host.observe('the node says it is no master')
      this.#onWrongNode()
      link.cut('the node says it is no master')
      return
    }
    if (answer === 'no-master') {
      this.begin(link).deposed = true
      this.#host.observe('the node says it is no master')
      this.#question = 'wrong-node'
    } else if (answer === 'loading' && refusal === 'not-now') this.#question = refusal
    link.resume(Pausing.stalled)
  }

  /** The link that was stalled is gone. */
  forgetQuestion(): void {
    if (this.#question instanceof NodeQuestion) this.#question.cancel()
    this.#question = null
  }

  /** From here on each reply of the link is looked at, and nothing new is sent. */
  begin(link: Link<Request>): NotReady {
    this.aside ??= new NotReady(this.#host.learned)
    link.replies.inspectAll = true
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
    return aside.end().flatMap(request => {
      if (aside.isUnknown(request)) return takeBack(request, 'unknown', this.#host)
      if (request.local === null) this.#host.counters.detail.replays.add(`${namedClassOf(request)} not-now`)
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
