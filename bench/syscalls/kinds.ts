// kinds.ts: which system calls are reads, writes and waits, and the reading of what perf and strace print. Pure.

export type Calls = ReadonlyMap<string, number>

/** System calls of one command, by kind. */
export interface CallsPerCommand {
  readonly reads: number
  readonly writes: number
  readonly waits: number
  readonly others: number
}

/** Those that a proxy makes for every command, whatever its language. */
export const kinds = {
  reads: ['read', 'readv', 'recvfrom', 'recvmsg'],
  writes: ['write', 'writev', 'sendto', 'sendmsg'],
  waits: ['epoll_wait', 'epoll_pwait', 'epoll_pwait2', 'poll', 'ppoll', 'select', 'pselect6'],
} as const

/** The name under which all calls together are counted. */
export const all = 'all'

const perfTotal = 'raw_syscalls:sys_enter'
const perfPrefix = 'syscalls:sys_enter_'

/** Events for `perf stat -e`; `exists` says whether this kernel has a call. */
export function perfEvents(exists: (call: string) => boolean): string[] {
  const named = Object.values(kinds).flat().filter(exists)
  return [perfTotal, ...named.map(call => `${perfPrefix}${call}`)]
}

/**
 * What `perf stat -x,` prints: count, unit, event, ...; `<not counted>` where the process did not run meanwhile.
 * @throws Error with the text when the kernel counted nothing.
 */
export function readPerf(text: string): Calls {
  const calls = new Map<string, number>()
  for (const line of text.split('\n')) {
    const [count = '', , event = ''] = line.split(',')
    if (!/^(\d+|<not counted>)$/.test(count)) continue
    const number = count.startsWith('<') ? 0 : Number(count)
    if (event === perfTotal) calls.set(all, number)
    else if (event.startsWith(perfPrefix)) calls.set(event.slice(perfPrefix.length), number)
  }
  if (!calls.has(all)) throw new Error(`perf counted no system calls: ${text.trim().slice(-300)}`)
  return calls
}

/**
 * What `strace -c -U calls,name` prints: nothing for a process that made no call.
 * @throws Error with the text when there is no such table.
 */
export function readStrace(text: string): Calls {
  if (text.trim() === '') return new Map([[all, 0]])
  const calls = new Map<string, number>()
  for (const [, count, name = ''] of text.matchAll(/^ *(\d+) (\w+)$/gm)) {
    calls.set(name === 'total' ? all : name, Number(count))
  }
  if (!calls.has(all)) throw new Error(`strace counted no system calls: ${text.trim().slice(-300)}`)
  return calls
}

export function perCommand(calls: Calls, commands: number): CallsPerCommand {
  const of = (names: readonly string[]): number => names.reduce((sum, name) => sum + (calls.get(name) ?? 0), 0)
  const [reads, writes, waits] = [of(kinds.reads), of(kinds.writes), of(kinds.waits)]
  const others = (calls.get(all) ?? 0) - reads - writes - waits
  return { reads: reads / commands, writes: writes / commands, waits: waits / commands, others: others / commands }
}
