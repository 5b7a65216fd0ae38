// unix-socket.ts: a Unix-domain socket that others connect to: its place in the file system, its rights, its end.
//
// Owns: whether the place may be taken (a socket that nobody serves any more is), mode and owner before anybody else
// can connect, every reason why not, in words with a remedy. Never: accepts a client, removes what is not a socket.
import { once } from 'node:events'
import { accessSync, chmodSync, chownSync, constants, lstatSync, statSync, unlinkSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { dirname } from 'node:path'
import { ACCEPT_QUEUE } from './accept-queue.ts'

export interface SocketPlace {
  readonly path: string
  readonly mode: number
  /** null: it stays that of the process. */
  readonly owner: { readonly uid: number; readonly gid: number | null } | null
  /** The option that gives the path, without `--`; the messages name it. */
  readonly option: 'listen-socket' | 'replica-listen-socket' | 'control-socket'
}

/** The socket cannot be had; the message names the cause and the remedy. */
export class SocketFileError extends Error {
  override readonly name = 'SocketFileError'
}

/** sun_path holds 108 bytes on Linux and 104 elsewhere, its closing NUL included (unix(7)). */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103
/** A process that serves the socket lets us in at once, unless it is stopped: then it is not dead either. */
const PROBE_MS = 1000
/** Until mode and owner are set, nobody but our own user may connect. */
const ONLY_US = 0o177
/** chown(2): leave the group as it is. */
const KEEP_GROUP = -1

const elsewhere = ({ option }: SocketPlace): string => `choose another place with --${option}`

function cannotMake(place: SocketPlace, why: string, remedy?: string): SocketFileError {
  const other = elsewhere(place)
  return new SocketFileError(
    `cannot make the socket ${place.path}: ${why}; ${remedy ? `${remedy}, or ${other}` : other}`,
  )
}

/**
 * Listens at that place; resolves when clients can connect.
 * @throws SocketFileError when the place cannot be had: nothing of ours is left there then.
 */
export async function listenAt(server: Server, place: SocketPlace): Promise<void> {
  const { path } = place
  checkFolder(place)
  await clearStale(place)
  const listening = once(server, 'listening')
  // The socket is bound and listens when listen() returns, in this same step: nobody is accepted before its rights are
  // set.
  const before = process.umask(ONLY_US)
  try {
    server.listen({ path, backlog: ACCEPT_QUEUE })
  } finally {
    process.umask(before)
  }
  const problem = server.listening ? setRights(place) : null
  await listening.catch(error => {
    throw bindProblem(place, error)
  })
  if (problem === null) return
  await new Promise<void>(resolve => server.close(() => resolve()))
  throw problem
}

/**
 * Whether `listenAt` could have this place, as far as that shows without making anything there.
 * @throws SocketFileError where it could not.
 */
export async function lookAtPlace(place: SocketPlace): Promise<'free' | 'served'> {
  checkFolder(place)
  const found = await occupantOf(place)
  if (found !== 'nothing') return found === 'dead socket' ? 'free' : 'served'
  try {
    accessSync(dirname(place.path), constants.W_OK | constants.X_OK)
  } catch (error) {
    throw cannotMake(place, `our user may not write to its folder (${codeOf(error)})`, 'change the rights')
  }
  return 'free'
}

function checkFolder(place: SocketPlace): void {
  const { path } = place
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    throw new SocketFileError(
      `the path of the socket ${path} is longer than ${MAX_PATH_BYTES} bytes; ` +
        `choose a shorter one with --${place.option}`,
    )
  const folder = dirname(path)
  let isFolder: boolean
  try {
    isFolder = statSync(folder).isDirectory()
  } catch (error) {
    throw cannotMake(place, `the folder ${folder} cannot be had (${codeOf(error)})`, 'make it')
  }
  if (!isFolder) throw cannotMake(place, `${folder} is no folder`)
}

/** Removes a socket that nobody serves. */
async function clearStale(place: SocketPlace): Promise<void> {
  const { path } = place
  const found = await occupantOf(place)
  if (found === 'nothing') return
  if (found === 'server') throw cannotMake(place, 'another process serves it', 'stop that one')
  try {
    unlinkSync(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw cannotMake(place, `the old one cannot be removed (${codeOf(error)})`, 'remove it')
  }
}

/** @throws SocketFileError for what is never taken away. */
async function occupantOf(place: SocketPlace): Promise<'nothing' | 'dead socket' | 'server'> {
  const { path } = place
  let isSocket: boolean
  try {
    isSocket = lstatSync(path).isSocket()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 'nothing'
    throw cannotMake(place, `the place cannot be looked at (${codeOf(error)})`)
  }
  if (!isSocket) throw cannotMake(place, 'a file that is no socket stands there', 'remove it')
  const answer = await knock(path)
  if (answer === 'ENOENT') return 'nothing'
  if (answer === 'EACCES' || answer === 'EPERM')
    throw cannotMake(place, `a socket of another user stands there (${answer})`, 'remove it')
  return answer === 'ECONNREFUSED' ? 'dead socket' : 'server'
}

/** The system's answer to a connection there: 'served', or an error code. */
function knock(path: string): Promise<string> {
  return new Promise(resolve => {
    const socket = connect(path)
    const end = (answer: string): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(PROBE_MS, () => end('served'))
    socket.once('connect', () => end('served'))
    socket.once('error', error => end(codeOf(error)))
  })
}

function setRights(place: SocketPlace): SocketFileError | null {
  const { path, mode, owner, option } = place
  try {
    if (owner !== null) chownSync(path, owner.uid, owner.gid ?? KEEP_GROUP)
  } catch (error) {
    return new SocketFileError(
      `cannot give the socket ${path} to ${owner?.uid}:${owner?.gid ?? ''} (${codeOf(error)}): ` +
        `only root, or a process with CAP_CHOWN, may; leave out --${option}-owner, or name a group of our own user`,
    )
  }
  try {
    chmodSync(path, mode)
  } catch (error) {
    return new SocketFileError(`cannot set the mode of the socket ${path} (${codeOf(error)}); ${elsewhere(place)}`)
  }
  return null
}

function bindProblem(place: SocketPlace, error: Error): SocketFileError {
  const code = codeOf(error)
  const why =
    code === 'EACCES'
      ? 'our user may not write to its folder'
      : code === 'EADDRINUSE'
        ? 'another process was faster'
        : error.message
  return new SocketFileError(
    `cannot make the socket ${place.path}: ${why} (${code}); ${elsewhere(place)}, or change the rights`,
  )
}

function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return code ?? 'no code'
}
