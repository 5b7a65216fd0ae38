// open-files-limit.ts: learns at the start how many files this process may open, shares them out, and says so where that
// allows fewer clients than --max-sessions.
import type { Config } from '../config.ts'
import { openFiles, openFilesLimitAtStart } from '../ops/descriptors.ts'
import type { Log } from '../ops/log.ts'
import { OPEN_FILES_REMEDY, OpenFiles, sharesOf } from '../transport/open-files.ts'

/** Below this part of what was asked for the loss is worth a warning. */
const WORTH_A_WARNING = 0.9

/** `configs`: one for each master; all share the limit of the process. */
export function openFilesFor(configs: readonly Config[], log: Log): OpenFiles {
  const limit = openFilesLimitAtStart()
  const isPrivate = configs.some(({ links }) => links === 'private')
  const files = new OpenFiles(sharesOf({ limit, inUse: openFiles(), masters: configs.length, isPrivate }), log)
  const { clients } = files.shares
  const wanted = sessionsOf(configs)
  if (clients >= wanted) return files
  const level = clients < wanted * WORTH_A_WARNING ? 'warn' : 'info'
  log[level](
    {
      event: 'process.open_files_limit',
      limit,
      sessions: clients,
      maxSessions: Number.isFinite(wanted) ? wanted : 0,
      remedy: OPEN_FILES_REMEDY,
    },
    'the limit of open files allows fewer sessions than --max-sessions: a part is for links of their own, a part for Holdfast',
  )
  return files
}

/** How many sessions the options allow at all ports together. */
function sessionsOf(configs: readonly Config[]): number {
  let sum = 0
  for (const { maxSessions, replicaListen, replicaListenSocket } of configs) {
    const ports = replicaListen !== null || replicaListenSocket !== null ? 2 : 1
    sum += maxSessions === 0 ? Number.POSITIVE_INFINITY : maxSessions * ports
  }
  return sum
}
