// measure.ts: what the kernel says about processes and the machine (Linux /proc), before and after a load.
//
// Owns: CPU seconds, resident memory, the machine's busy and stolen time. Never starts or loads anything.

import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

// USER_HZ is 100 on every Linux architecture Node runs on.
const ticksPerSecond = 100

/** CPU seconds since some start in the past; subtract two of them. */
interface CpuReading {
  atMs: number
  proxy: number
  server: number
  load: number
  machineBusy: number
  machineStolen: number
}

export interface CpuUse {
  /** CPU seconds of the proxy process, null when there is none. */
  proxySeconds: number | null
  /** CPU seconds of redis-server. */
  serverSeconds: number
  /** CPU seconds of the load generator: redis-benchmark and this process. */
  loadSeconds: number
  /** Share of the machine (0..1) used by anything else meanwhile: other people's work makes a sample doubtful. */
  elsewhereShare: number
  /** Share of the machine (0..1) that the hypervisor gave to others. */
  stolenShare: number
}

export interface Watched {
  proxyPid: number | null
  serverPid: number
}

export function startMeasuring(watched: Watched): () => CpuUse {
  const before = read(watched)
  return () => subtract(before, read(watched), watched)
}

function read(watched: Watched): CpuReading {
  const self = processTicks('self')
  return {
    atMs: performance.now(),
    proxy: watched.proxyPid === null ? 0 : processTicks(watched.proxyPid).own / ticksPerSecond,
    server: processTicks(watched.serverPid).own / ticksPerSecond,
    load: (self.own + self.children) / ticksPerSecond,
    ...machine(),
  }
}

function subtract(before: CpuReading, after: CpuReading, watched: Watched): CpuUse {
  const capacity = ((after.atMs - before.atMs) / 1_000) * availableParallelism()
  const proxy = after.proxy - before.proxy
  const server = after.server - before.server
  const load = after.load - before.load
  const busy = after.machineBusy - before.machineBusy
  return {
    proxySeconds: watched.proxyPid === null ? null : proxy,
    serverSeconds: server,
    loadSeconds: load,
    elsewhereShare: Math.max(0, (busy - proxy - server - load) / capacity),
    stolenShare: Math.max(0, (after.machineStolen - before.machineStolen) / capacity),
  }
}

/** proc(5): utime, stime, cutime, cstime are fields 14 to 17; the name before them may hold spaces and brackets. */
function processTicks(pid: number | 'self'): { own: number; children: number } {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15)
  return { own: utime + stime, children: cutime + cstime }
}

/** proc(5), /proc/stat: user nice system idle iowait irq softirq steal. */
function machine(): { machineBusy: number; machineStolen: number } {
  const line = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0] ?? ''
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return {
    machineBusy: (user + nice + system + irq + softirq) / ticksPerSecond,
    machineStolen: steal / ticksPerSecond,
  }
}

/** Resident bytes now and at the peak since resetPeak(). */
export function memory(pid: number): { residentBytes: number; peakBytes: number } {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1')
  const kilobytes = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)
  return { residentBytes: kilobytes('VmRSS') * 1_024, peakBytes: kilobytes('VmHWM') * 1_024 }
}

/**
 * Sets the peak back to what is resident now (proc(5): 5 to clear_refs); where that is not allowed it stays as it was.
 */
export function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
  } catch {
    // The peak then counts from the start of the process, which is what a reader would assume anyway.
  }
}

/** The soft limit of open files of this process, which its children inherit. */
export function openFilesLimit(): number {
  const text = readFileSync('/proc/self/limits', 'latin1')
  const soft = /^Max open files\s+(\S+)/m.exec(text)?.[1] ?? '0'
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft)
}
