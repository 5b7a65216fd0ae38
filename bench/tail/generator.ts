// generator.ts: what both load generators of the tail share: their sockets, and the words with the benchmark.
//
//   arguments  name=value                ◀─ "ready"  connected
//   "go"   ─▶  begins                    ◀─ "done {...}" figures as JSON, or the process fails with a text
//
// A generator is a process of its own, so that no work of the benchmark delays it. It reads into one piece of memory
// (`onread`) and makes next to no garbage.

import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

const readBytes = 256 * 1_024

/** The arguments by name. @throws Error for one that is not there. */
export function argumentsOf(args: readonly string[]): { text(name: string): string; number(name: string): number } {
  const values = new Map(args.map(word => [word.split('=', 1)[0] ?? '', word.slice(word.indexOf('=') + 1)]))
  const text = (name: string): string => {
    const value = values.get(name)
    if (value === undefined) throw new Error(`no argument ${name}=`)
    return value
  }
  return { text, number: name => Number(text(name)) }
}

/** Connects `count` sockets that share one piece of memory for reading; any loss ends the process. */
export async function openSockets(
  port: number,
  count: number,
  onBytes: (socket: number, bytes: Uint8Array, length: number) => void,
): Promise<Socket[]> {
  const buffer = new Uint8Array(readBytes)
  return Promise.all(
    Array.from({ length: count }, (_, n) => openSocket(port, buffer, length => onBytes(n, buffer, length))),
  )
}

async function openSocket(port: number, buffer: Uint8Array, onBytes: (length: number) => void): Promise<Socket> {
  const onread = {
    buffer,
    callback: (length: number): boolean => {
      onBytes(length)
      return true
    },
  }
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('the connection was closed')))
  return socket
}

/** Ends the process with the reason on standard error. */
export function fail(error: Error): never {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
}

/** Says that all is connected and waits for each word of the benchmark. */
export function listenTo(words: Record<string, () => void>): void {
  createInterface({ input: process.stdin }).on('line', line => words[line]?.())
  process.stdin.once('end', () => process.exit(0))
  process.stdout.write('ready\n')
}

/** The last word; the process ends. */
export function finish(figures: object): void {
  process.stdout.write(`done ${JSON.stringify(figures)}\n`, () => process.exit(0))
}
