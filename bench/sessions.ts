// sessions.ts: many connected clients that do nothing, and resident memory once it has settled.

import { setTimeout as delay } from 'node:timers/promises'
import { type Client, encode, openClient } from './load/client.ts'
import { memory, openFilesLimit } from './measure.ts'

const openAtOnce = 100
const filesOfTheRest = 200
const settleWithinMs = 6_000
const answerWithinMs = 5_000

/**
 * @throws Error when the limit of open files cannot hold the sessions: a byte pipe needs two files for each, so twice
 * the sessions is asked for whatever the target is.
 */
export function needFiles(sessions: number): void {
  const needed = 2 * sessions + filesOfTheRest
  if (openFilesLimit() >= needed) return
  throw new Error(
    `${sessions} sessions need ${needed} open files, the limit is ${openFilesLimit()}: ulimit -n ${needed}`,
  )
}

/** Each session has sent one command and has its answer, so that what is built on first use is built. */
export async function openSessions(port: number, count: number, first: readonly string[]): Promise<Client[]> {
  const clients: Client[] = []
  while (clients.length < count) {
    const batch = Math.min(openAtOnce, count - clients.length)
    clients.push(...(await Promise.all(Array.from({ length: batch }, () => openAnswered(port, first)))))
  }
  return clients
}

async function openAnswered(port: number, first: readonly string[]): Promise<Client> {
  const answered = Promise.withResolvers<void>()
  const name = first.join(' ')
  const onReply = (reply: unknown, isError: boolean): void =>
    isError ? answered.reject(new Error(`${name} was answered ${String(reply)}`)) : answered.resolve()
  const client = await openClient(port, onReply, answered.reject)
  client.write(encode(first))
  // A target that is full accepts and says nothing.
  const timer = setTimeout(
    () => answered.reject(new Error(`no answer to ${name} within ${answerWithinMs} ms`)),
    answerWithinMs,
  )
  await answered.promise.finally(() => clearTimeout(timer))
  return client
}

export function closeAll(clients: readonly Client[]): void {
  for (const client of clients) client.close()
}

/** Resident bytes once they have moved by less than 1 % in half a second, or after six seconds. */
export async function settledBytes(pid: number): Promise<number> {
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
