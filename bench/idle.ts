// idle.ts: how much memory a target keeps for each session that is connected and does nothing.

import { pidOf } from './memory.ts'
import { closeAll, needFiles, openSessions, settledBytes } from './sessions.ts'
import type { Target } from './targets.ts'

export interface IdleResult {
  target: string
  sessions: number
  beforeBytes: number
  afterBytes: number
  bytesPerSession: number
}

const warmUpSessions = 200
/** Every target answers it, the echo servers too. */
const first = ['GET', 'key:000000000000']

/** @throws Error when the limit of open files cannot hold the sessions. */
export async function measureIdle(target: Target, sessions: number): Promise<IdleResult> {
  needFiles(sessions)
  const pid = pidOf(target)
  closeAll(await openSessions(target.port, warmUpSessions, first))
  const beforeBytes = await settledBytes(pid)
  const clients = await openSessions(target.port, sessions, first)
  const afterBytes = await settledBytes(pid)
  closeAll(clients)
  const bytesPerSession = (afterBytes - beforeBytes) / sessions
  return { target: target.name, sessions, beforeBytes, afterBytes, bytesPerSession }
}
