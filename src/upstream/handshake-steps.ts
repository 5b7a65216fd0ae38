// handshake-steps.ts: the frames of the handshake, one step each, and what an answer to each means. Pure but for `Told`,
// which collects what the answers tell.
//
// Owns: the words, and the judgement of each answer. Never: knows in which order they are said (handshake.ts), or what a
// failure leads to (the lane).
import { isNoPerm, type Missing, missingOf } from '../ops/missing-rights.ts'
import { withoutArguments } from '../ops/without-arguments.ts'
import { decodeReply, textOf, type Value } from '../resp/decode.ts'
import { encodeCommand } from '../resp/encode.ts'
import { firstErrorIn } from '../resp/exec-reply.ts'
import type { Secret } from '../transport/secret.ts'
import type { Identity } from './identity.ts'

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

/** What the answers have told of the node and of our user there. */
export interface Told {
  /** Our client id on the node, 0 until HELLO has answered. */
  clientId: number
  /** False: HELLO was answered with NOAUTH, and the link serves for a client's own AUTH. */
  signedIn: boolean
  /** The database was selected before the user signed in. */
  selected: boolean
  /** Something worth a warning that did not stop the link. */
  warning: string | null
  /** What of this the user may not do, or the server does not know, the link being of use all the same. */
  readonly missing: Missing[]
  /** The lost links that had to be ended are gone for certain. */
  fenced: boolean
  /**
   * The markers that were asked for, by their fields' order. Null: it is not there, or cannot be read (the user may not,
   * or it is no hash).
   */
  readonly markers: (number | null)[]
  /** The first error line of what was to show that the link may write markers; null: it may. */
  proofError: Buffer | null
  /** The user may not run SCRIPT LOAD. */
  scriptsRefused: boolean
}

export interface Step {
  readonly bytes: Buffer
  /** `error`: the node's error line without its '-'; null: it is none. */
  readonly judge: (told: Told, error: string | null, frame: Buffer) => HandshakeFailure | null
}

/** What a node must say that it is, in the words of HELLO. */
export type NodeRole = 'master' | 'replica'

/** Who must answer: the role alone, or one process. */
export interface ExpectedNode {
  /** Left out: a master. */
  readonly role?: NodeRole
  /** Of a replica its process, which is asked for, too; null: any one will do. */
  readonly runId: string | null
}

/** The node's error line without its '-'; people read it in the log. */
export const errorOf = (frame: Buffer): string => withoutArguments(frame.toString('utf8', 1, frame.length - 2))
const isAuthError = (error: string): boolean => /^(WRONGPASS|NOAUTH|NOPERM|ERR invalid password|ERR AUTH)/.test(error)
/** A script runs for too long: the node takes next to nothing. */
export const isBusy = (error: string): boolean => error.startsWith('BUSY ')
const failed = (kind: 'auth' | 'busy', text: string, frame: Buffer): HandshakeFailure => ({
  kind,
  frame: Buffer.from(frame),
  text,
})

/** What a session's restore was refused for now: it is tried again, and until then a busy node is told of as one. */
export function notNow(frame: Buffer): HandshakeFailure {
  const text = errorOf(frame)
  return isBusy(text) ? failed('busy', text, frame) : { kind: 'not-ready', text }
}

export function helloStep(
  identity: Identity,
  password: Secret | null,
  { role: wanted, name }: { readonly role: NodeRole; readonly name: string | undefined },
): Step {
  const args: Secret[] = ['HELLO', String(identity.protocol)]
  if (password !== null) args.push('AUTH', identity.username ?? 'default', password)
  if (name !== undefined) args.push('SETNAME', name)
  return {
    bytes: encodeCommand(args),
    judge(told, error, frame) {
      if (error !== null) {
        // Without credentials of our own a node that wants a password answers NOAUTH. The link still serves: the
        // client's own AUTH is what gets it in, and until then the node's NOAUTH is the true answer to its commands.
        if (password === null && error.startsWith('NOAUTH')) {
          told.signedIn = false
          return null
        }
        return isAuthError(error) ? failed('auth', error, frame) : { kind: 'refused', text: error }
      }
      const fields = decodeReply(frame)
      if (!Array.isArray(fields)) return { kind: 'refused', text: 'HELLO was not answered with a list of fields' }
      for (let i = 0; i + 1 < fields.length; i += 2) {
        const name = textOf(fields[i])
        if (name === 'id') told.clientId = Number(fields[i + 1])
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
export function fenceStep({ clientId, address }: LostLink): Step {
  const at = address === null ? [] : ['ADDR', address]
  return {
    bytes: encodeCommand(['CLIENT', 'KILL', 'ID', String(clientId), ...at]),
    judge(told, error, frame) {
      // With an address, "none" may mean that the server knows the link by another one.
      if (error !== null || (address !== null && frame[1] !== ONE)) told.fenced = false
      if (error === null) return null
      if (isBusy(error)) return failed('busy', error, frame)
      const missing = missingOf('client|kill', error)
      if (missing) told.missing.push(missing)
      else told.warning = `could not end the old link (client id ${clientId}): -${error}`
      return null
    },
  }
}

/**
 * A client that selects a database and then signs in stays in it, also as a user that may not SELECT. So the database
 * is selected twice: before the connection signs in, and as the user. One of the two must be allowed. Any error is left
 * to the steps behind it, but for those with which a node hangs up.
 */
export function earlySelectStep(database: number): Step {
  return {
    bytes: encodeCommand(['SELECT', String(database)]),
    judge(told, error) {
      told.selected = error === null
      return error !== null && /^(DENIED|ERR max number of clients)/.test(error)
        ? { kind: 'refused', text: error }
        : null
    },
  }
}

/**
 * Whether the node is the process that was found to be a good replica. Its role does not tell: a name or a load balancer
 * may lead to a replica of another deployment by now. Where the user may not ask, or a script runs for too long, nobody
 * can tell, and the link serves.
 */
export function processStep(runId: string): Step {
  return {
    bytes: encodeCommand(['INFO', 'server']),
    judge(told, error, frame) {
      const missing = error === null ? null : missingOf('info|server', error)
      if (missing) told.missing.push(missing)
      if (error !== null) return null
      const found = runIdOf(textOf(decodeReply(frame)) ?? '')
      if (found === null || found === runId) return null
      return {
        kind: 'not-master',
        text: `the address leads to another process than the replica that was asked (${found})`,
      }
    },
  }
}

function runIdOf(info: string): string | null {
  return /^run_id:(\w+)/m.exec(info)?.[1] ?? null
}

export function selectStep(database: number): Step {
  return {
    bytes: encodeCommand(['SELECT', String(database)]),
    judge(told, error, frame) {
      if (error === null || error.startsWith('NOAUTH')) return null
      if (told.selected && isNoPerm(error)) return null
      // Later commands would run on database 0.
      return failed(isBusy(error) ? 'busy' : 'auth', error, frame)
    },
  }
}

export function scriptStep(bytes: Buffer): Step {
  return {
    bytes,
    judge(told, error, frame) {
      if (error === null) return null
      if (isBusy(error)) return failed('busy', error, frame)
      const missing = missingOf('script|load', error)
      if (missing) told.missing.push(missing)
      else told.warning = `a script could not be loaded on the new master: -${error}`
      if (/^NO(PERM|AUTH)/.test(error)) told.scriptsRefused = true
      return null
    },
  }
}

const ONE = 49

export function proofSteps(proof: ProofSteps | null): Step[] {
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
    judge(told, error, frame) {
      if (error !== null && isBusy(error)) return failed('busy', error, frame)
      // Unread is not absent: a user who comes in later can still read it.
      if (error?.startsWith('NOAUTH')) return failed('auth', error, frame)
      if (error !== null && /^(LOADING|MASTERDOWN)( |$)/.test(error)) return { kind: 'not-ready', text: error }
      const values = error === null ? decodeReply(frame) : null
      told.markers.push(...fields.map((_, i) => (Array.isArray(values) ? readMarker(values[i]) : null)))
      return null
    },
  }
}

function readMarker(value: Value | undefined): number | null {
  const text = textOf(value) ?? ''
  return /^\d{1,15}$/.test(text) ? Number(text) : null
}

const knowsNoExec = /^ERR unknown command ['`]EXEC\b/i
const knowsNoMulti = /^-ERR unknown command ['`]MULTI\b/i

function proveStep(bytes: Buffer): Step {
  return {
    bytes,
    judge(told, error, frame) {
      if (error !== null && /^(READONLY|EXECABORT .*READONLY)/.test(error)) return { kind: 'not-master', text: error }
      // The link would stay in MULTI, and each command would get QUEUED. Without MULTI there is nothing to end.
      if (error !== null && knowsNoExec.test(error) && !knowsNoMulti.test(String(told.proofError)))
        return { kind: 'refused', text: error }
      const line = error === null ? firstErrorIn(frame) : Buffer.from(frame)
      told.proofError ??= line
      return null
    },
  }
}

export const pingStep: Step = {
  bytes: encodeCommand(['PING']),
  judge(told, error) {
    if (error === null) return null
    const missing = missingOf('ping', error)
    if (missing) told.missing.push(missing)
    return /^(LOADING|MASTERDOWN)( |$)/.test(error) ? { kind: 'not-ready', text: error } : null
  },
}
