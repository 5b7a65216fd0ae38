// mappings.ts: what the resident memory of a process is made of, from /proc/PID/smaps (Linux, glibc). Pure.
//
// A sum that grows does not say what grows. Three parts do: the files of the program; what malloc has taken from the
// kernel, which it gives back only from its ends; and the rest, nearly all of it V8's pages.

export interface Resident {
  /** Bytes of mapped files: the program itself and its libraries. */
  readonly files: number
  /** Bytes of malloc's heaps. What malloc maps for one block of its own, because it is large, is in `rest`. */
  readonly malloc: number
  /** Bytes of everything else: V8's pages, stacks, large blocks. */
  readonly rest: number
}

/** glibc begins each heap of an arena other than the first at a multiple of this (arena.c, HEAP_MAX_SIZE). */
const arenaHeap = 64 * 1024 * 1024
const header = /^([0-9a-f]+)-[0-9a-f]+ (\S+) \S+ \S+ \S+\s*(.*)$/

export function residentOf(smaps: string): Resident {
  const sum = { files: 0, malloc: 0, rest: 0 }
  let kind: keyof Resident = 'rest'
  for (const line of smaps.split('\n')) {
    const [, start, rights = '', name = ''] = header.exec(line) ?? []
    if (start !== undefined) kind = kindOf(Number.parseInt(start, 16), rights, name)
    const kb = /^Rss:\s+(\d+) kB$/.exec(line)?.[1]
    if (kb !== undefined) sum[kind] += 1024 * Number(kb)
  }
  return sum
}

function kindOf(start: number, rights: string, name: string): keyof Resident {
  if (name.startsWith('/')) return 'files'
  if (name === '[heap]') return 'malloc'
  return name === '' && rights.startsWith('rw') && start % arenaHeap === 0 ? 'malloc' : 'rest'
}
