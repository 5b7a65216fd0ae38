// handshake.ts: the first words on a new link, all in one write: who we are, is this node the master, can it serve.
//
//   SELECT db                      only for a named user outside database 0, see earlySelectStep
//   HELLO n [AUTH ...] [SETNAME n] answers the node's role and our client id in the same round trip
//   [CLIENT KILL ID old ...]       the fence, see fenceStep
//   SELECT db                      only when not 0
//   [INFO server]                  only of a replica: is it the process that was found to be good
//   PING                           a node that loads or has lost its master answers an error; BUSY is a sign of life
//   (waits for `proceed`)          only of a link that is made ahead, and has more to say to a node that is confirmed
//   SCRIPT LOAD ...                on one link of a new master: the scripts that clients have shown us
//   ...                            the session restore of its owner: name, subscriptions, open transaction
//
// Owns: their order, and what has been said and answered. handshake-steps.ts has the words and judges the answers. Never:
// decides what a failure leads to (the lane does).
import type { Missing } from '../ops/missing-rights.ts'
import { ReplyType } from '../resp/reply-scanner.ts'
import type { Secret } from '../transport/secret.ts'
import {
  type ExpectedNode,
  earlySelectStep,
  errorOf,
  fenceStep,
  type HandshakeFailure,
  helloStep,
  type LostLink,
  notNow,
  type ProofSteps,
  pingStep,
  processStep,
  proofSteps,
  type Step,
  scriptStep,
  selectStep,
  type Told,
} from './handshake-steps.ts'
import { type Identity, passwordOf } from './identity.ts'

export type { HandshakeFailure, LostLink, MarkerRead, ProofSteps } from './handshake-steps.ts'

/** Frames an owner adds behind the handshake proper, and who hears their answers. */
export interface SessionRestore {
  readonly bytes: Buffer
  /**
   * Called with each frame until it answers true ("that was the last one I wait for"), or 'not-now': the node cannot
   * take it yet, the link is to be tried again. Not called when bytes is empty.
   */
  onFrame(frame: Buffer, type: number): boolean | 'not-now'
}

/** One run of the handshake on one link. */
export class Handshake implements Told {
  /** All that it writes, in one or two writes: see takeBytes. */
  bytes: Buffer
  /** Whom it signs in, and with which password. */
  readonly identity: Identity
  readonly password: Secret | null
  // What the answers have told, see Told.
  clientId = 0
  signedIn = true
  warning: string | null = null
  readonly missing: Missing[] = []
  fenced = true
  readonly markers: (number | null)[] = []
  proofError: Buffer | null = null
  scriptsRefused = false
  selected = false
  readonly #steps: Step[]
  readonly #restore: SessionRestore | null
  #next = 0
  /** Until `proceed`. */
  #waits: boolean
  /** Bytes of `bytes` that have been taken, and that may be taken before the first answer. */
  #taken = 0
  readonly #first: number

  constructor(
    identity: Identity,
    first: {
      readonly fence: readonly LostLink[]
      readonly scripts: readonly Buffer[]
      readonly proof?: ProofSteps | null
      readonly waits?: boolean
      /** What the server is to call the link: one that sessions share has the name of this process. */
      readonly name?: string
    } = { fence: [], scripts: [] },
    restore: SessionRestore | null = null,
    { role = 'master', runId }: ExpectedNode = { runId: null },
  ) {
    this.#waits = first.waits ?? false
    this.identity = identity
    this.password = passwordOf(identity)
    const hello = helloStep(identity, this.password, { role, name: first.name })
    this.#steps = [hello, ...first.fence.map(fenceStep)]
    const early = identity.database !== 0 && identity.username !== null ? earlySelectStep(identity.database) : null
    if (early !== null) this.#steps.unshift(early)
    if (identity.database !== 0) this.#steps.push(selectStep(identity.database))
    if (role === 'replica' && runId !== null) this.#steps.push(processStep(runId))
    this.#steps.push(pingStep, ...first.scripts.map(scriptStep))
    this.#steps.push(...proofSteps(first.proof ?? null))
    this.#restore = restore !== null && restore.bytes.length > 0 ? restore : null
    const parts = this.#steps.map(step => step.bytes)
    if (this.#restore) parts.push(this.#restore.bytes)
    this.bytes = Buffer.concat(parts)
    this.#first = early?.bytes.length ?? this.bytes.length
  }

  /** All is answered so far, and the node is not confirmed yet. */
  get isHeld(): boolean {
    return this.#waits && this.#next === this.#steps.length
  }

  /** The node is confirmed: what has to be said to it now. To be written by `Link.writeHandshake`. */
  proceed(proof: ProofSteps): void {
    const steps = proofSteps(proof)
    this.#waits = false
    this.#steps.push(...steps)
    this.bytes = Buffer.concat([this.bytes, ...steps.map(step => step.bytes)])
  }

  /**
   * What is to be written now, or null; asked once connected and after each answer. A login goes out alone: servers
   * since 7.2 forget to answer one that fails while they still owe the replies before it.
   */
  takeBytes(): Buffer | null {
    const end = this.#next === 0 ? this.#first : this.bytes.length
    if (end === this.#taken) return null
    const bytes = this.bytes.subarray(this.#taken, end)
    this.#taken = end
    return bytes
  }

  /** Takes the next frame from the node: `more` is awaited, or the link is `ready`, or it failed. */
  onFrame(frame: Buffer, type: number): 'more' | 'ready' | HandshakeFailure {
    const step = this.#steps[this.#next]
    if (step) {
      const failure = step.judge(this, type === ReplyType.error ? errorOf(frame) : null, frame)
      if (failure) return failure
      this.#next++
      return this.#next < this.#steps.length || this.#restore || this.#waits ? 'more' : 'ready'
    }
    const answer = this.#restore === null || this.#restore.onFrame(frame, type)
    if (answer === 'not-now') return notNow(frame)
    return answer ? 'ready' : 'more'
  }
}
