// control-group.ts: a process with the limits of a container: a share of a CPU, and memory. By cgroup v1 or v2, as the
// machine has them; where they cannot be written (no root, a container of its own) the test is skipped and counted.
//
// Owns: the groups, removed with the test. Never: limits the test's own process.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Teardown } from './fake-redis.ts'
import { waitUntil } from './wait-until.ts'

export interface ContainerLimits {
  /** Thousandths of a CPU, as Kubernetes counts them. */
  readonly cpuMillis: number
  readonly memoryMiB: number
}

export interface ControlGroup {
  /** Words before a program's own, which start it in the group. */
  readonly launcher: readonly string[]
  /** How often the group was stopped because its share of a tenth of a second was used up. */
  throttled(): number
}

const root = '/sys/fs/cgroup'
/** The kernel gives out shares for this long at a time, as container runtimes set it. */
const PERIOD_US = 100_000
let made = 0

/** Makes a group; null where this machine or its user cannot. */
export function makeControlGroup(t: Teardown, limits: ContainerLimits): ControlGroup | null {
  const name = `holdfast-test-${process.pid}-${++made}`
  const folders = isSecond() ? [join(root, name)] : [join(root, 'cpu', name), join(root, 'memory', name)]
  const remove = (): void => {
    for (const folder of folders) if (existsSync(folder)) rmdirSync(folder)
  }
  try {
    for (const folder of folders) mkdirSync(folder)
    for (const [file, value] of settingsOf(limits)) writeFileSync(fileIn(folders, file), value)
  } catch {
    remove()
    return null
  }
  t.teardown(() => waitUntil('the group is empty', () => isRemoved(remove), { withinMs: 10_000 }))
  const enter = folders.map(folder => `echo $$ > ${folder}/cgroup.procs`).join(' && ')
  return {
    launcher: ['sh', '-c', `${enter} && exec "$@"`, 'sh'],
    throttled: () => Number(/^nr_throttled (\d+)$/m.exec(readFileSync(fileIn(folders, 'cpu.stat'), 'utf8'))?.[1]),
  }
}

function isSecond(): boolean {
  return existsSync(join(root, 'cgroup.controllers'))
}

function settingsOf({ cpuMillis, memoryMiB }: ContainerLimits): readonly (readonly [file: string, value: string])[] {
  const quota = (cpuMillis * PERIOD_US) / 1000
  const bytes = String(memoryMiB * 1024 * 1024)
  if (isSecond()) {
    return [
      ['cpu.max', `${quota} ${PERIOD_US}`],
      ['memory.max', bytes],
    ]
  }
  return [
    ['cpu.cfs_period_us', String(PERIOD_US)],
    ['cpu.cfs_quota_us', String(quota)],
    ['memory.limit_in_bytes', bytes],
  ]
}

function fileIn(folders: readonly string[], file: string): string {
  return join(folders.find(folder => existsSync(join(folder, file))) ?? '', file)
}

/** A group can be removed a moment after its last process has ended. */
function isRemoved(remove: () => void): boolean {
  try {
    remove()
    return true
  } catch {
    return false
  }
}
