// idle.ts: how much memory a target keeps for each session that is connected and does nothing.
//
// Each session has sent one PING, so that whatever a target builds for a session on first use is built.

import { setTimeout as delay } from 'node:timers/promises'
import { type Client, encode, openClient } from './load/client.ts'
import { memory, openFilesLimit } from './measure.ts'
import type { Target } from './targets.ts'

export interface IdleResult {
  target: string
  sessions: number
  beforeBytes: number
  afterBytes: number
  bytesPerSession: number
}

const warmUpSessions = 200
const openAtOnce = 100
const filesOfTheRest = 200
const settleWithinMs = 6_000
const answerWithinMs = 5_000

/**
 * @throws Error when the limit of open files cannot hold the sessions: a byte pipe needs two files for each, so twice
 * the sessions is asked for whatever the targets are.
 */
export async function measureIdle(target: Target, sessions: number): Promise<IdleResult> {
  const needed = 2 * sessions + filesOfTheRest
  if (openFilesLimit() < needed) {
    throw new Error(
      `${sessions} sessions need ${needed} open files, the limit is ${openFilesLimit()}: ulimit -n ${needed}`,
    )
  }
  const pid = target.process?.pid
  if (pid === undefined) throw new Error(`${target.name} has no process of its own`)
  closeAll(await openSessions(target.port, warmUpSessions))
  const beforeBytes = await settled(pid)
  const clients = await openSessions(target.port, sessions)
  const afterBytes = await settled(pid)
  closeAll(clients)
  const bytesPerSession = (afterBytes - beforeBytes) / sessions
  return { target: target.name, sessions, beforeBytes, afterBytes, bytesPerSession }
}

async function openSessions(port: number, count: number): Promise<Client[]> {
  const clients: Client[] = []
  while (clients.length < count) {
    const batch = Math.min(openAtOnce, count - clients.length)
    clients.push(...(await Promise.all(Array.from({ length: batch }, () => openPinged(port)))))
  }
  return clients
}

async function openPinged(port: number): Promise<Client> {
  const answered = Promise.withResolvers<void>()
  const onReply = (reply: unknown): void =>
    reply === 'PONG' ? answered.resolve() : answered.reject(new Error(`PING was answered ${String(reply)}`))
  const client = await openClient(port, onReply, answered.reject)
  client.write(encode(['PING']))
  // A target that is full accepts and says nothing.
  const timer = setTimeout(
    () => answered.reject(new Error(`no answer to PING within ${answerWithinMs} ms`)),
    answerWithinMs,
  )
  await answered.promise.finally(() => clearTimeout(timer))
  return client
}

function closeAll(clients: readonly Client[]): void {
  for (const client of clients) client.close()
}

/** Resident bytes once they have moved by less than 1 % in half a second, or after six seconds. */
async function settled(pid: number): Promise<number> {
  const deadline = Date.now() + settleWithinMs
  let last = memory(pid).residentBytes
  while (Date.now() < deadline) {
    await delay(500)
    const now = memory(pid).residentBytes
    if (Math.abs(now - last) < last / 100) return now
    last = now
  }
  return last
}
