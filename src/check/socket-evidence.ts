// socket-evidence.ts: looks at the places of our own Unix-domain sockets, as the proxy would when it starts. Makes nothing
// there, and judges nothing.
import type { Config } from '../config.ts'
import { lookAtPlace, SocketFileError, type SocketPlace } from '../transport/unix-socket.ts'
import type { SocketEvidence } from './evidence.ts'

export function socketEvidence(config: Config): Promise<SocketEvidence[]> {
  const { listenSocket, replicaListenSocket, controlSocket } = config
  const places: SocketPlace[] = []
  if (listenSocket !== null) places.push({ ...listenSocket, option: 'listen-socket' })
  if (replicaListenSocket !== null) places.push({ ...replicaListenSocket, option: 'replica-listen-socket' })
  if (controlSocket !== null) places.push({ path: controlSocket, mode: 0, owner: null, option: 'control-socket' })
  return Promise.all(
    places.map(async place => ({ option: place.option, path: place.path, found: await lookAt(place) })),
  )
}

async function lookAt(place: SocketPlace): Promise<SocketEvidence['found']> {
  try {
    return await lookAtPlace(place)
  } catch (error) {
    if (!(error instanceof SocketFileError)) throw error
    return { impossible: error.message }
  }
}
