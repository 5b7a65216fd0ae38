// questions.ts: what one Sentinel is asked over a connection that is up: who the master is, and which others it knows.
//
//   ask() ────────────▶ one question at a time; "again" joins all asked meanwhile ──▶ onAnswer
//   a pause is over ──▶ ▲   (question-pace.ts)
//   another Sentinel's ▶▲   askAlong(), while nothing is undecided
//   askSoon() ────────▶ ▲   within a second
//   askPeers() ───────▶ the list, within a second; and now and then ───────────▶ onPeers
//
// Owns: the timers of one connection. Never: dials, decides anything. After stop() nothing is asked and nothing is told.
import type { Redis } from 'ioredis'
import type { Address } from '../address.ts'
import { spreadMs } from '../backoff.ts'
import type { ConnectionLog } from './connection-log.ts'
import { reasonOf } from './ioredis-client.ts'
import { questionAlongAt, questionDueAt, questionPauseMs } from './question-pace.ts'
import { type Answer, type Peer, type Reply, readAnswer, readPeers, readReplicas } from './sentinel-view.ts'

export interface QuestionsOptions {
  readonly client: Redis
  readonly masterName: string
  /** The connection is subscribed to what the Sentinel publishes. */
  readonly hears: boolean
  readonly log: ConnectionLog
}

export interface QuestionsListener {
  onAnswer(answer: Answer): void
  onPeers(peers: readonly Peer[]): void
  /** A settled pause is over and the question is put: it is the moment for other Sentinels of this master, too. */
  onSettledAsk(): void
  /** No reply of a server leads here. If one does, the connection cannot be trusted. */
  onBroken(error: unknown): void
}

/** Replies that do not fit: the configuration changes this instant. More often in a row than this is a lie. */
const MAX_TORN = 3
/** The list is long, and events tell who comes. (Who has gone: Members.askOfAbsent.) */
const PEERS_MS = { hearing: 60_000, deaf: 5_000 }
const SOON_MS = 1_000

export class Questions {
  readonly #options: QuestionsOptions
  readonly #listener: QuestionsListener
  /** The question under way, if any. `again`: it is put once more after its answer. */
  #question: { again: boolean } | null = null
  /**
   * The Sentinel leads a failover that is decided: it is asked for the address at once. And so it is when the connection
   * is new: a right that is missing is told then, not in the failover that needs it.
   */
  #isPromoting = true
  #settled = false
  #asked = 0
  #tookMs = 0
  /** Until the next question that nobody asks for; null while one is under way. */
  #timer: NodeJS.Timeout | null = null
  #pauseMs = 0
  /** performance.now() of the last answer, and of the last event. */
  #answeredAt = 0
  #heardAt = 0
  #soonTimer: NodeJS.Timeout | null = null
  #peersDueAt = Number.POSITIVE_INFINITY
  #isOver = false

  constructor(options: QuestionsOptions, listener: QuestionsListener) {
    this.#options = options
    this.#listener = listener
  }

  start(): void {
    this.ask()
    this.#askPeers()
  }

  /** Puts the question now, or after the answer to the one under way. */
  ask(): void {
    if (this.#isOver) return
    if (this.#question) this.#question.again = true
    else this.#put().catch(error => this.#listener.onBroken(error))
  }

  /** The Sentinel has published something: its connection lives, as a question would show. */
  heard(): void {
    this.#heardAt = performance.now()
  }

  /** Its next answers need the address as well (sentinel-view.ts): asked for at once, it costs no round trip more. */
  expectPromotion(): void {
    this.#isPromoting = true
  }

  /** Puts the question within a second: what all sidecars have heard at once, they need not ask at once. */
  askSoon(): void {
    if (this.#isOver) return
    this.#soonTimer ??= setTimeout(() => {
      this.#soonTimer = null
      this.ask()
      if (performance.now() >= this.#peersDueAt) this.#askPeers()
    }, spreadMs(SOON_MS))
  }

  /** Puts the question if its pause may be over, because another Sentinel is asked. */
  askAlong(): void {
    if (this.#timer === null || !this.#mayShare) return
    if (performance.now() >= questionAlongAt({ answeredAt: this.#answeredAt, heardAt: this.#heardAt }))
      this.#askInTurn()
  }

  /** The replicas that this Sentinel lists; null: it gives no list. Never rejects. */
  async replicas(): Promise<readonly Address[] | null> {
    const { client, masterName, log } = this.#options
    try {
      return readReplicas(await client.call('SENTINEL', 'REPLICAS', masterName))
    } catch (error) {
      log.refused('sentinel|replicas', error)
      return null
    }
  }

  /** Asks soon for the other Sentinels that this one knows, and for their number. */
  askPeers(): void {
    this.#peersDueAt = 0
    this.askSoon()
  }

  /** Whether something is undecided, or about to be: the Sentinel is then asked more often. */
  settle(settled: boolean): void {
    if (settled === this.#settled) return
    this.#settled = settled
    this.#asked = 0
    if (this.#timer === null) return
    this.#choosePause()
    // A later question is put off when the timer ends: a thousand failovers end in the same moment.
    if (!settled) this.#wait()
  }

  stop(): void {
    this.#isOver = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#soonTimer !== null) clearTimeout(this.#soonTimer)
  }

  #choosePause(): void {
    const { hears } = this.#options
    this.#pauseMs = questionPauseMs({ settled: this.#settled, hears, asked: this.#asked, tookMs: this.#tookMs })
  }

  /** Sets the timer to when the next question is due. */
  #wait(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#onTimer(), Math.max(1, Math.ceil(this.#dueAt - performance.now())))
  }

  get #dueAt(): number {
    return questionDueAt({ pauseMs: this.#pauseMs, answeredAt: this.#answeredAt, heardAt: this.#heardAt })
  }

  #onTimer(): void {
    if (performance.now() < this.#dueAt) {
      this.#wait()
      return
    }
    this.#askInTurn()
    if (this.#mayShare) this.#listener.onSettledAsk()
  }

  #askInTurn(): void {
    this.#asked++
    this.ask()
    if (performance.now() >= this.#peersDueAt) this.#askPeers()
  }

  get #mayShare(): boolean {
    return this.#settled && this.#options.hears
  }

  async #put(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    for (let torn = 0; ; ) {
      const question = { again: false }
      this.#question = question
      const askedAt = performance.now()
      const [master, current] = await this.#converse()
      if (this.#isOver) return
      this.#tookMs = performance.now() - askedAt
      const answer = readAnswer(master, current, askedAt, askedAt + this.#tookMs)
      const isPromoted = answer.kind === 'promoted' || (answer.kind === 'view' && answer.view.failover === 'promoted')
      if (isPromoted || (current !== null && answer.kind !== 'failed')) this.#isPromoting = isPromoted
      if (answer.kind === 'promoted') continue
      if (answer.kind === 'torn' && torn++ < MAX_TORN) continue
      this.#pass(answer)
      if (this.#isOver) return
      if (!question.again) break
    }
    this.#question = null
    this.#answeredAt = performance.now()
    this.#choosePause()
    this.#wait()
  }

  async #converse(): Promise<[master: Reply, current: Reply | null]> {
    const { client, masterName } = this.#options
    const question = ['SENTINEL', 'MASTER', masterName] as const
    if (!this.#isPromoting) return [await client.call(...question).then(answered, refused), null]
    const replies = await client
      .pipeline()
      .call(...question)
      .call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName)
      .exec()
    const [master = nothing, current = nothing]: readonly Reply[] = replies ?? []
    return [master, current]
  }

  #pass(answer: Exclude<Answer, { kind: 'promoted' }>): void {
    const error =
      answer.kind === 'view' ? null : answer.kind === 'failed' ? reasonOf(answer.why) : answerTexts[answer.kind]
    this.#options.log.trouble(error)
    this.#listener.onAnswer(answer)
  }

  #askPeers(): void {
    const { client, masterName, hears, log } = this.#options
    this.#peersDueAt = performance.now() + spreadMs(hears ? PEERS_MS.hearing : PEERS_MS.deaf)
    client
      .call('SENTINEL', 'SENTINELS', masterName)
      .then(
        reply => {
          if (!this.#isOver) this.#listener.onPeers(readPeers(reply))
        },
        error => log.refused('sentinel|sentinels', error), // the question for the master reports every other error
      )
      .catch(error => this.#listener.onBroken(error))
  }
}

const answered = (value: unknown): Reply => [null, value]
const refused = (error: Error): Reply => [error, undefined]
const nothing: Reply = [new Error('no answer'), undefined]

const answerTexts = {
  torn: 'it gives two addresses at once',
  'unknown-name': 'it does not know the master name',
} as const
