// handshake.ts: the first words on a new link, all in one write: who we are, is this node the master, can it serve.
//
//   SELECT db                      only for a named user outside database 0, see earlySelectStep
//   HELLO n [AUTH ...] [SETNAME n] answers the node's role and our client id in the same round trip
//   [CLIENT KILL ID old ...]       the fence, see fenceStep
//   SELECT db                      only when not 0
//   PING                           a node that loads or has lost its master answers an error; BUSY is a sign of life
//   (waits for `proceed`)          only of a link that is made ahead, and has more to say to a node that is confirmed
//   SCRIPT LOAD ...                on one link of a new master: the scripts that clients have shown us
//   ...                            the session restore of its owner: name, subscriptions, open transaction
//
// Owns: building these frames and judging their answers. Never: decides what a failure leads to (the lane does).
import { isNoPerm, type Right } from '../ops/missing-rights.ts'
import { decodeReply, textOf, type Value } from '../resp/decode.ts'
import { encodeCommand } from '../resp/encode.ts'
import { firstErrorIn } from '../resp/exec-reply.ts'
import { ReplyType } from '../resp/reply-scanner.ts'
import type { Secret } from '../transport/secret.ts'
import { type Identity, passwordOf } from './identity.ts'

/** A lost link that is ended at its node by the next one. */
export interface LostLink {
  /** Its client id there. */
  readonly clientId: number
  /**
   * Its own address, where the node may be another process by now: that one has given the id to a stranger. Behind a
   * translation of addresses nothing matches, and the old link is not ended. Null: it is the same process.
   */
  readonly address: string | null
}

/**
 * Why a link did not come up. `auth`: the node refused the identity. `busy`: a script runs for too long, but the node
 * lives; so it answers to all but the commands that end the script. `frame` is its own error line.
 */
export type HandshakeFailure =
  | { readonly kind: 'auth' | 'busy'; readonly frame: Buffer; readonly text: string }
  | { readonly kind: 'not-master' | 'not-ready' | 'refused'; readonly text: string }

/** Frames an owner adds behind the handshake proper, and who hears their answers. */
export interface SessionRestore {
  readonly bytes: Buffer
  /**
   * Called with each frame until it answers true ("that was the last one I wait for"), or 'not-now': the node cannot
   * take it yet, the link is to be tried again. Not called when bytes is empty.
   */
  onFrame(frame: Buffer, type: number): boolean | 'not-now'
}

/** The markers of a lost link, see src/proof/marker.ts: fields of a hash. */
export interface MarkerRead {
  readonly key: string
  readonly fields: readonly string[]
}

/** What a link says for the proof of its writes, before the session restore. */
export interface ProofSteps {
  readonly read: MarkerRead | null
  /** Commands with one reply each, which show that the link may write markers. */
  readonly prove: readonly Buffer[]
}

interface Step {
  readonly bytes: Buffer
  /** `error`: the node's error line without its '-'; null: it is none. */
  readonly judge: (handshake: Handshake, error: string | null, frame: Buffer) => HandshakeFailure | null
}

/** What a node must say that it is, in the words of HELLO. */
export type NodeRole = 'master' | 'replica'

/** One run of the handshake on one link. */
export class Handshake {
  /** All that it writes, in one or two writes: see takeBytes. */
  bytes: Buffer
  /** Whom it signs in, and with which password. */
  readonly identity: Identity
  readonly password: Secret | null
  /** Our client id on the node, 0 until HELLO has answered. */
  clientId = 0
  /** False: HELLO was answered with NOAUTH, and the link serves for a client's own AUTH. */
  signedIn = true
  /** Something worth a warning that did not stop the link. */
  warning: string | null = null
  /** What of this the user may not do, the link being of use all the same. */
  readonly missing: Right[] = []
  /** The lost links that had to be ended are gone for certain. */
  fenced = true
  /**
   * The markers that were asked for, by their fields' order. Null: it is not there, or cannot be read (the user may not,
   * or it is no hash).
   */
  readonly markers: (number | null)[] = []
  /** The first error line of what was to show that the link may write markers; null: it may. */
  proofError: Buffer | null = null
  /** The user may not run SCRIPT LOAD. */
  scriptsRefused = false
  /** The database was selected before the user signed in. */
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
    role: NodeRole = 'master',
  ) {
    this.#waits = first.waits ?? false
    this.identity = identity
    this.password = passwordOf(identity)
    const hello = helloStep(identity, this.password, { role, name: first.name })
    this.#steps = [hello, ...first.fence.map(fenceStep)]
    const early = identity.database !== 0 && identity.username !== null ? earlySelectStep(identity.database) : null
    if (early !== null) this.#steps.unshift(early)
    if (identity.database !== 0) this.#steps.push(selectStep(identity.database))
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
    if (answer === 'not-now') return { kind: 'not-ready', text: errorOf(frame) }
    return answer ? 'ready' : 'more'
  }
}

const errorOf = (frame: Buffer): string => frame.toString('utf8', 1, frame.length - 2)
const isAuthError = (error: string): boolean => /^(WRONGPASS|NOAUTH|NOPERM|ERR invalid password|ERR AUTH)/.test(error)
const isBusy = (error: string): boolean => error.startsWith('BUSY ')
const failed = (kind: 'auth' | 'busy', text: string, frame: Buffer): HandshakeFailure => ({
  kind,
  frame: Buffer.from(frame),
  text,
})

function helloStep(
  identity: Identity,
  password: Secret | null,
  { role: wanted, name }: { readonly role: NodeRole; readonly name: string | undefined },
): Step {
  const args: Secret[] = ['HELLO', String(identity.protocol)]
  if (password !== null) args.push('AUTH', identity.username ?? 'default', password)
  if (name !== undefined) args.push('SETNAME', name)
  return {
    bytes: encodeCommand(args),
    judge(handshake, error, frame) {
      if (error !== null) {
        // Without credentials of our own a node that wants a password answers NOAUTH. The link still serves: the
        // client's own AUTH is what gets it in, and until then the node's NOAUTH is the true answer to its commands.
        if (password === null && error.startsWith('NOAUTH')) {
          handshake.signedIn = false
          return null
        }
        return isAuthError(error) ? failed('auth', error, frame) : { kind: 'refused', text: error }
      }
      const fields = decodeReply(frame)
      if (!Array.isArray(fields)) return { kind: 'refused', text: 'HELLO was not answered with a list of fields' }
      for (let i = 0; i + 1 < fields.length; i += 2) {
        const name = textOf(fields[i])
        if (name === 'id') handshake.clientId = Number(fields[i + 1])
        const role = textOf(fields[i + 1])
        if (name === 'role' && role !== wanted) return { kind: 'not-master', text: `the node says it is a ${role}` }
      }
      return null
    },
  }
}

/**
 * A stalled server runs the requests in its sockets when it wakes up, also those of a socket that we have closed. So
 * before anything is sent again to the same process, the old connection is ended there by its id. The answer (0 or 1)
 * means that it is gone, with its unread bytes.
 */
function fenceStep({ clientId, address }: LostLink): Step {
  const at = address === null ? [] : ['ADDR', address]
  return {
    bytes: encodeCommand(['CLIENT', 'KILL', 'ID', String(clientId), ...at]),
    judge(handshake, error, frame) {
      // With an address, "none" may mean that the server knows the link by another one.
      if (error !== null || (address !== null && frame[1] !== ONE)) handshake.fenced = false
      if (error === null) return null
      if (isBusy(error)) return failed('busy', error, frame)
      if (isNoPerm(error)) handshake.missing.push('client|kill')
      else handshake.warning = `could not end the old link (client id ${clientId}): -${error}`
      return null
    },
  }
}

/**
 * A client that selects a database and then signs in stays in it, also as a user that may not SELECT. So the database
 * is selected twice: before the connection signs in, and as the user. One of the two must be allowed. Any error is left
 * to the steps behind it, but for those with which a node hangs up.
 */
function earlySelectStep(database: number): Step {
  return {
    bytes: encodeCommand(['SELECT', String(database)]),
    judge(handshake, error) {
      handshake.selected = error === null
      return error !== null && /^(DENIED|ERR max number of clients)/.test(error)
        ? { kind: 'refused', text: error }
        : null
    },
  }
}

function selectStep(database: number): Step {
  return {
    bytes: encodeCommand(['SELECT', String(database)]),
    judge(handshake, error, frame) {
      if (error === null || error.startsWith('NOAUTH')) return null
      if (handshake.selected && isNoPerm(error)) return null
      // Later commands would run on database 0.
      return failed(isBusy(error) ? 'busy' : 'auth', error, frame)
    },
  }
}

function scriptStep(bytes: Buffer): Step {
  return {
    bytes,
    judge(handshake, error, frame) {
      if (error === null) return null
      if (isBusy(error)) return failed('busy', error, frame)
      if (isNoPerm(error)) handshake.missing.push('script|load')
      else handshake.warning = `a script could not be loaded on the new master: -${error}`
      if (/^NO(PERM|AUTH)/.test(error)) handshake.scriptsRefused = true
      return null
    },
  }
}

const ONE = 49

function proofSteps(proof: ProofSteps | null): Step[] {
  if (proof === null) return []
  return [...(proof.read === null ? [] : markerSteps(proof.read)), ...proof.prove.map(proveStep)]
}

/**
 * Behind the fence: from then on the values are final. A server that waits for a login hangs up on a command of more than
 * ten words, so they are read in parts.
 */
function markerSteps({ key, fields }: MarkerRead): Step[] {
  const steps: Step[] = []
  for (let at = 0; at < fields.length; at += FIELDS_AT_ONCE)
    steps.push(markerStep(key, fields.slice(at, at + FIELDS_AT_ONCE)))
  return steps
}

const FIELDS_AT_ONCE = 8

function markerStep(key: string, fields: readonly string[]): Step {
  return {
    bytes: encodeCommand(['HMGET', key, ...fields]),
    judge(handshake, error, frame) {
      if (error !== null && isBusy(error)) return failed('busy', error, frame)
      if (error !== null && /^(LOADING|MASTERDOWN)( |$)/.test(error)) return { kind: 'not-ready', text: error }
      const values = error === null ? decodeReply(frame) : null
      handshake.markers.push(...fields.map((_, i) => (Array.isArray(values) ? readMarker(values[i]) : null)))
      return null
    },
  }
}

function readMarker(value: Value | undefined): number | null {
  const text = textOf(value) ?? ''
  return /^\d{1,15}$/.test(text) ? Number(text) : null
}

function proveStep(bytes: Buffer): Step {
  return {
    bytes,
    judge(handshake, error, frame) {
      if (error !== null && /^(READONLY|EXECABORT .*READONLY)/.test(error)) return { kind: 'not-master', text: error }
      const line = error === null ? firstErrorIn(frame) : Buffer.from(frame)
      handshake.proofError ??= line
      return null
    },
  }
}

const pingStep: Step = {
  bytes: encodeCommand(['PING']),
  judge(handshake, error) {
    if (error === null) return null
    if (isNoPerm(error)) handshake.missing.push('ping')
    return /^(LOADING|MASTERDOWN)( |$)/.test(error) ? { kind: 'not-ready', text: error } : null
  },
}
