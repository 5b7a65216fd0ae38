// master-ports.ts: where clients of one master connect: by TCP and by a Unix-domain socket, those that write and those
// that only read.
//
// Owns: which listeners are wanted, and the words of one that does not open. Never: closes those that are open.
import { type Address, formatAddress } from '../address.ts'
import type { Config, ListenSocket } from '../config.ts'
import { aboutPlace } from './bind-error.ts'

/** Where clients of this master connect; null for what is not configured. */
export interface MasterBound {
  readonly name: string
  readonly listen: Address | null
  /** The path of the Unix-domain socket. */
  readonly socket: string | null
  /** Where clients connect that only read. */
  readonly replicas: Address | null
  /** The path of their Unix-domain socket. */
  readonly replicaSocket: string | null
}

/** Takes clients of one kind. */
interface Door {
  /** Rejects with the system's error. */
  listen(address: Address): Promise<Address>
  /** @throws SocketFileError. */
  listenSocket(place: ListenSocket): Promise<string>
}

/**
 * Opens the listeners of `config`. `replicas`: for clients that only read; null: there are none.
 * @throws what the system says of the first that does not open, with its place, or SocketFileError.
 */
export async function openPorts(config: Config, clients: Door, replicas: Door | null): Promise<MasterBound> {
  const { masterName: name } = config
  const forClients = { option: 'listen', address: config.listen, socket: config.listenSocket } as const
  const [listen, socket] = await open(clients, forClients, name)
  if (replicas === null) return { name, listen, socket, replicas: null, replicaSocket: null }
  const forReaders = {
    option: 'replica-listen',
    address: config.replicaListen,
    socket: config.replicaListenSocket,
  } as const
  const [readers, replicaSocket] = await open(replicas, forReaders, name)
  return { name, listen, socket, replicas: readers, replicaSocket }
}

interface Wanted {
  readonly option: 'listen' | 'replica-listen'
  readonly address: Address | null
  readonly socket: ListenSocket | null
}

async function open(door: Door, { option, address, socket }: Wanted, masterName: string) {
  try {
    const at = address === null ? null : await door.listen(address)
    return [at, socket === null ? null : await door.listenSocket(socket)] as const
  } catch (error) {
    throw aboutPlace(error, { option, wanted: address, masterName })
  }
}

/** All of them, as text. */
export function placesOf({ listen, socket, replicas, replicaSocket }: MasterBound): string[] {
  const places = [listen && formatAddress(listen), socket, replicas && formatAddress(replicas), replicaSocket]
  return places.filter(place => place !== null)
}
