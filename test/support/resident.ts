// resident.ts: how much memory a process has in use, and the most it had meanwhile (Linux: the kernel keeps that
// itself).
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

export const MB = 1024 * 1024

export interface Watched {
  /** Bytes resident now. */
  now(): number
  /** The most since the start of the watch. */
  stop(): number
}

/** Watches until stopped. */
export function watchResident(pid: number): Watched {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5') // proc(5): the peak starts again from here
  } catch {
    // Elsewhere than on Linux the samples below are all there is.
  }
  let most = resident(pid)
  const timer = setInterval(() => {
    most = Math.max(most, resident(pid))
  }, 100)
  return {
    now: () => resident(pid),
    stop: () => {
      clearInterval(timer)
      return Math.max(most, field(pid, 'VmHWM') ?? 0)
    },
  }
}

function resident(pid: number): number {
  return (
    field(pid, 'VmRSS') ?? 1024 * Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }))
  )
}

function field(pid: number, name: string): number | undefined {
  try {
    const kb = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kb === undefined ? undefined : Number(kb) * 1024
  } catch {
    return undefined
  }
}
