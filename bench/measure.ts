// measure.ts: what the kernel says about processes and the machine (Linux /proc), before and after a load.
//
// Owns: CPU seconds, resident memory, the machine's busy and stolen time. Never starts or loads anything.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

// USER_HZ is 100 on every Linux architecture Node runs on.
const ticksPerSecond = 100

/** CPU seconds since some start in the past; subtract two of them. */
interface CpuReading {
  atMs: number
  proxy: ProcessCpu
  server: number
  load: number
  machineBusy: number
  machineStolen: number
}

/** CPU seconds of one process: to the nanosecond, and its parts to a tick. */
export interface ProcessCpu {
  seconds: number
  userSeconds: number
  systemSeconds: number
}

export interface CpuUse {
  /** CPU seconds of the proxy process, null when there is none. */
  proxySeconds: number | null
  /** The same in its two parts, in ticks of 10 ms: add up many samples before you divide. */
  proxyParts: { user: number; system: number } | null
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
    proxy: watched.proxyPid === null ? noCpu : processCpu(watched.proxyPid),
    server: processCpu(watched.serverPid).seconds,
    load: (self.user + self.system + self.children) / ticksPerSecond,
    ...machine(),
  }
}

function subtract(before: CpuReading, after: CpuReading, watched: Watched): CpuUse {
  const capacity = ((after.atMs - before.atMs) / 1_000) * availableParallelism()
  const proxy = cpuBetween(before.proxy, after.proxy)
  const server = after.server - before.server
  const load = after.load - before.load
  const busy = after.machineBusy - before.machineBusy
  return {
    proxySeconds: watched.proxyPid === null ? null : proxy.seconds,
    proxyParts: watched.proxyPid === null ? null : { user: proxy.userSeconds, system: proxy.systemSeconds },
    serverSeconds: server,
    loadSeconds: load,
    elsewhereShare: Math.max(0, (busy - proxy.seconds - server - load) / capacity),
    stolenShare: Math.max(0, (after.machineStolen - before.machineStolen) / capacity),
  }
}

const noCpu: ProcessCpu = { seconds: 0, userSeconds: 0, systemSeconds: 0 }

/** CPU of a process and its threads since it started; subtract two. The kernel may count no nanoseconds: then ticks. */
export function processCpu(pid: number): ProcessCpu {
  const { user, system } = processTicks(pid)
  const [userSeconds, systemSeconds] = [user / ticksPerSecond, system / ticksPerSecond]
  return { seconds: scheduledSeconds(pid) ?? userSeconds + systemSeconds, userSeconds, systemSeconds }
}

export function cpuBetween(before: ProcessCpu, after: ProcessCpu): ProcessCpu {
  return {
    seconds: after.seconds - before.seconds,
    userSeconds: after.userSeconds - before.userSeconds,
    systemSeconds: after.systemSeconds - before.systemSeconds,
  }
}

/** The scheduler's count of all threads that are there (Documentation/scheduler/sched-stats.rst). */
function scheduledSeconds(pid: number): number | undefined {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    const nanoseconds = threads.map(id =>
      Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'latin1').split(' ')[0]),
    )
    const sum = nanoseconds.reduce((total, one) => total + one, 0) / 1e9
    return sum > 0 ? sum : undefined
  } catch {
    return undefined
  }
}

/** proc(5): utime, stime, cutime, cstime are fields 14 to 17; the name before them may hold spaces and brackets. */
function processTicks(pid: number | 'self'): { user: number; system: number; children: number } {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15)
  return { user: utime, system: stime, children: cutime + cstime }
}

/** CPU seconds of the whole machine. proc(5), /proc/stat: user nice system idle iowait irq softirq steal. */
export function machine(): { machineBusy: number; machineStolen: number } {
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

/** CPU seconds of the children of this process that have ended, in ticks of 10 ms. */
export function childrenCpuSeconds(): number {
  return processTicks('self').children / ticksPerSecond
}

export interface Memory {
  residentBytes: number
  /** Of these, what is not the pages of a file. */
  anonymousBytes: number
  /** The most that was resident since resetPeak(). */
  peakBytes: number
}

export function memory(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/status`, 'latin1')
  const kilobytes = (field: string): number => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)
  return {
    residentBytes: kilobytes('VmRSS') * 1_024,
    anonymousBytes: kilobytes('RssAnon') * 1_024,
    peakBytes: kilobytes('VmHWM') * 1_024,
  }
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
