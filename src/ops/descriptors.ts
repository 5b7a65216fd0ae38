// descriptors.ts: what the system says of this process's file descriptors: how many are open, and the limit (RLIMIT_NOFILE).
//
// Node raises the soft limit to the hard one when it starts, so the soft limit of this process is the one in force.
// Never: throws. What the system does not say is NaN.
import { readdirSync, readFileSync } from 'node:fs'

/** File descriptors that are open now. */
export function openFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length - 1
  } catch {
    return Number.NaN
  }
}

/** How many may be open at a time. Infinity: the system sets no limit. */
export function openFilesLimit(): number {
  try {
    const soft = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft ?? Number.NaN)
  } catch {
    return Number.NaN
  }
}

/** The same also where there is no /proc. It takes some milliseconds there: Node makes a whole report of itself. */
export function openFilesLimitAtStart(): number {
  const limit = openFilesLimit()
  return Number.isNaN(limit) ? limitInReport() : limit
}

function limitInReport(): number {
  // With them Node asks the name server for the names of all peers.
  Object.assign(process.report, { excludeNetwork: true })
  try {
    const report = process.report.getReport() as { userLimits?: { open_files?: { soft?: number | string } } }
    const soft = report.userLimits?.open_files?.soft
    return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft ?? Number.NaN)
  } catch {
    return Number.NaN
  }
}
