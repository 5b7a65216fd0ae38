// faulty-link.ts: a TCP forwarder whose faults a test switches on and off: the network between two programs.
//
//   client ──up──▶ FaultyLink ──up──▶ target          each arrow is a Pipe (faulty-pipe.ts) with its own queue;
//   client ◀─down─ FaultyLink ◀─down─ target          a stalled one keeps bytes and FIN, as a dead network does
//
// Owns: its listener and both sockets of each connection. Never: looks into the bytes, reorders or invents any.
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Teardown } from './fake-redis.ts'
import { Pipe, type PipeFaults } from './faulty-pipe.ts'
import { resetSocket } from './reset-socket.ts'

export type Direction = 'up' | 'down'

interface Pair {
  readonly client: Socket
  readonly target: Socket
  readonly pipes: Record<Direction, Pipe>
}

export class FaultyLink {
  readonly host: string
  readonly port: number
  /** Where new connections go; may be changed. */
  target: { readonly host: string; readonly port: number }
  /** Connections accepted so far, refused ones included. */
  accepted = 0
  readonly #faults: Record<Direction, PipeFaults>
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  #refusing = false

  private constructor(server: Server, at: AddressInfo, target: { host: string; port: number }) {
    this.#server = server
    this.host = at.address
    this.port = at.port
    this.target = target
    const onLimit = (): void => this.cut()
    this.#faults = { up: noFaults(onLimit), down: noFaults(onLimit) }
    server.on('connection', socket => this.#accept(socket))
  }

  /** With a test as first argument it is closed in that test's teardown. `at`: where it listens, else a free port. */
  static async start(
    t: Teardown | null,
    target: { host?: string; port: number },
    at: { host: string; port: number } = { host: '127.0.0.1', port: 0 },
  ): Promise<FaultyLink> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(at, resolve)
    })
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('the link has no port')
    const link = new FaultyLink(server, address, { host: target.host ?? '127.0.0.1', port: target.port })
    t?.teardown(() => link.close())
    return link
  }

  /** Open connections. */
  get live(): number {
    return this.#pairs.size
  }

  /** Bytes forwarded so far. */
  bytes(direction: Direction): number {
    return this.#faults[direction].forwarded
  }

  /** FIN both ways, on every open connection; what is still in the link is lost. */
  cut(): void {
    for (const { client, target } of this.#pairs) {
      client.destroySoon()
      target.destroySoon()
    }
  }

  /** RST both ways, on every open connection. */
  reset(): void {
    for (const { client, target } of this.#pairs) {
      resetSocket(client)
      resetSocket(target)
    }
  }

  /** Nothing passes any more, no FIN either; connections stay open, new ones are accepted and stalled too. */
  stall(direction: Direction | 'both'): void {
    for (const side of sides(direction)) this.#faults[side].stalled = true
  }

  /**
   * Nothing passes any more on the connections that are open now, no FIN either; new ones work. So a firewall or an
   * address translation forgets what it knew.
   */
  strand(): void {
    for (const { pipes } of this.#pairs) for (const side of sides('both')) pipes[side].stranded = true
  }

  /** What was stalled passes now, in order. */
  resume(): void {
    for (const side of sides('both')) this.#faults[side].stalled = false
    this.#pump()
  }

  /** Every byte is `ms` late, each way; 0 ends that. Order stays. */
  delay(ms: number): void {
    for (const side of sides('both')) this.#faults[side].delayMs = ms
  }

  /** At most `n` bytes per write, one write per turn of the event loop, each way; 0 ends that. */
  slice(n: number): void {
    for (const side of sides('both')) this.#faults[side].sliceBytes = n
  }

  /** After exactly `n` more bytes in that direction (over all connections) every connection is cut, once. */
  cutAfterBytes(direction: Direction, n: number): void {
    this.#faults[direction].limit = this.#faults[direction].forwarded + n
  }

  /** New connections are accepted and closed at once; `accept` ends that. */
  refuse(): void {
    this.#refusing = true
  }

  accept(): void {
    this.#refusing = false
  }

  async close(): Promise<void> {
    this.reset()
    if (!this.#server.listening) return
    await new Promise(resolve => this.#server.close(resolve))
  }

  #accept(client: Socket): void {
    this.accepted++
    if (this.#refusing) {
      client.on('error', () => {})
      client.destroy()
      return
    }
    const target = connect({ ...this.target, allowHalfOpen: true, noDelay: true })
    const pipes = {
      up: new Pipe(client, target, this.#faults.up),
      down: new Pipe(target, client, this.#faults.down),
    }
    const pair = { client, target, pipes }
    this.#pairs.add(pair)
    for (const [socket, other] of [
      [client, target],
      [target, client],
    ] as const) {
      // A reset passes as a reset, unless nothing may pass.
      socket.on('error', () => {
        const side = socket === client ? 'up' : 'down'
        if (!this.#faults[side].stalled && !pipes[side].stranded) resetSocket(other)
      })
      socket.once('close', () => {
        if (client.destroyed && target.destroyed) this.#pairs.delete(pair)
      })
    }
  }

  #pump(): void {
    for (const { pipes } of this.#pairs) for (const side of sides('both')) pipes[side].pump()
  }
}

function sides(direction: Direction | 'both'): readonly Direction[] {
  return direction === 'both' ? ['up', 'down'] : [direction]
}

function noFaults(onLimit: () => void): PipeFaults {
  return { stalled: false, delayMs: 0, sliceBytes: 0, limit: Number.POSITIVE_INFINITY, forwarded: 0, onLimit }
}
