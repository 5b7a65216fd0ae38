// few-files.ts: a process that may open few files, and more clients than it can let in.
// Never: judges.
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import type { Test } from 'tap'
import { ask as askAdmin } from '../support/admin.ts'
import type { AsProcess } from '../support/holdfast.ts'
import { RespClient, RespError, type Value } from '../support/resp-client.ts'
import type { TlsScene } from '../support/tls-scene.ts'
import { waitUntil } from '../support/wait-until.ts'

export const LIMIT = 128

/** What starts Node with so many files at most. */
export const under = (limit: number): string[] => ['sh', '-c', `ulimit -n ${limit}; exec "$0" "$@"`]

export function sessionsAllowed(holdfast: AsProcess): number {
  return Number(holdfast.find('process.open_files_limit')?.['sessions'])
}

export interface Guest {
  readonly client: RespClient
  readonly reply: Value | Error
}

/** So many at the same moment; each sends PING at once. */
export async function crowd(t: Test, port: number, count: number): Promise<Guest[]> {
  const one = async (): Promise<Guest> => {
    const client = await RespClient.connect(port, '127.0.0.1', { connectTimeoutMs: 20_000 })
    t.teardown(() => client.close())
    const reply = await client.send('PING').catch((error: Error) => error)
    return { client, reply }
  }
  return Promise.all(Array.from({ length: count }, one))
}

export const isServed = ({ reply }: Guest): boolean => reply === 'PONG'

export const isTurnedAway = ({ reply }: Guest): boolean =>
  reply instanceof RespError && reply.message === 'ERR max number of clients reached'

/** `of`: a label that it must have. */
export async function metric(holdfast: AsProcess, name: string, of = ''): Promise<number> {
  const { body } = await askAdmin(holdfast.admin, '/metrics')
  return Number(new RegExp(`^${name}(?:\\{.*${of}.*\\})? (\\S+)`, 'm').exec(body)?.[1])
}

/**
 * So many clients at each port begin no TLS handshake: only their connections are there. Resolves when all that may not
 * stay are counted in `counters`, with the files that are open then, and what ends the clients.
 */
export async function stayInHandshake(
  t: Test,
  holdfast: AsProcess,
  { ports, each, counters }: { ports: readonly number[]; each: number; counters: readonly string[] },
): Promise<{ readonly openFiles: number; readonly leave: () => void }> {
  const silent = ports.flatMap(port =>
    Array.from({ length: each }, () => connect(port, '127.0.0.1').on('error', () => {})),
  )
  const leave = (): void => {
    for (const socket of silent) socket.destroy()
  }
  t.teardown(leave)
  const most = sessionsAllowed(holdfast)
  const areCounted = async (): Promise<boolean> => {
    const refused = await Promise.all(counters.map(name => metric(holdfast, name)))
    return refused.reduce((sum, count) => sum + count, 0) >= silent.length - 2 * most
  }
  await waitUntil('those beyond are counted', areCounted, { withinMs: 10_000, everyMs: 50 })
  return { openFiles: readdirSync(`/proc/${holdfast.pid}/fd`).length, leave }
}

/** A client that comes by TLS is answered again. */
export async function servesByTls(t: Test, { port }: AsProcess, tls: TlsScene): Promise<void> {
  const answers = async (): Promise<boolean> => {
    const client = await RespClient.connect(port, 'localhost', { tls: tls.clientOptions() })
    t.teardown(() => client.close())
    return (await client.send('PING')) === 'PONG'
  }
  await waitUntil('a client is served', answers, { withinMs: 10_000, everyMs: 100 })
}
