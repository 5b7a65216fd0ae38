// writers-past.ts: who writes past Holdfast while its clients wait, by what the master counts (INFO commandstats).
import { countsAsWrite, kindOf, readClients } from './client-rows.ts'
import { describeClient } from './judge-writers.ts'
import type { Plan } from './plan.ts'
import type { Servers } from './servers.ts'
import { Trouble } from './trouble.ts'

/** Calls of commands that change data, by name. */
export type WriteCounts = ReadonlyMap<string, number>

/** @throws Error */
export async function countWrites(servers: Servers, { master }: Plan): Promise<WriteCounts> {
  const stats = String(await servers.ask(master, 'INFO', 'commandstats'))
  const found = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)]
  return new Map(found.flatMap(([, name = '', calls]) => (countsAsWrite(name) ? [[name, Number(calls)] as const] : [])))
}

/**
 * Other Holdfasts write until the failover is announced, and then hold: their writes say nothing.
 * @throws Trouble where somebody has written since `before`.
 */
export async function refuseWriters(servers: Servers, plan: Plan, before: WriteCounts): Promise<void> {
  const { master, through } = plan
  const now = await countWrites(servers, plan)
  if (through.others > 0) return
  const grown = [...now].filter(([name, calls]) => calls > (before.get(name) ?? 0)).map(([name]) => name)
  if (grown.length === 0) return
  const clients = readClients(String(await servers.ask(master, 'CLIENT', 'LIST').catch(() => '')))
  const who = clients.filter(client => ['writer', 'other'].includes(kindOf(client, through)) && client.idleSeconds <= 1)
  const named = who.slice(0, 5).map(describeClient).join('; ')
  const why = `somebody writes while Holdfast holds (${grown.join(', ')})${named === '' ? '' : `: ${named}`}`
  throw new Trouble(why, 'stop it, or give it the port of Holdfast; nothing has changed')
}
